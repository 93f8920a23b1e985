import {readFileSync} from 'node:fs';
import fc from 'fast-check';
import t from 'tap';
import {parseMaps, readMaps} from '../../src/targets/maps.js';

const line = (path: string) => `7f3a5c000000-7f3a5c021000 r-xp 00001000 fd:00 2147858                    ${path}\n`;

t.test('a path is the rest of the line', async (t) => {
  for (const path of ['/a b/libssl.so.3', '/a"}\'/lib ssl', '/lib (deleted) x', '/tr ailing ', '/\ttab\r']) {
    t.equal(parseMaps(line(path))[0]?.path, path);
  }
  t.equal(parseMaps(line('/two\\012lines'))[0]?.path, '/two\nlines');
});

t.test('a deleted file is told by the end of its line', async (t) => {
  const [mapping] = parseMaps(line('/tmp/lib (x) (deleted)'));
  t.match(mapping, {path: '/tmp/lib (x)', isDeleted: true});
  t.match(parseMaps(line('/tmp/(deleted)'))[0], {path: '/tmp/(deleted)', isDeleted: false});
});

t.test('range, rights, device and inode are read', async (t) => {
  t.strictSame(parseMaps('00400000-00401000 rw-p 00000000 103:0a 18446744073709551615 /x'), [
    {
      range: '400000-401000',
      isExecutable: false,
      device: '103:0a',
      inode: 18446744073709551615n,
      path: '/x',
      isDeleted: false,
    },
  ]);
});

t.test('what is no file is left out', async (t) => {
  const text = [
    '7ffd0000-7ffd1000 rw-p 00000000 00:00 0                          [stack]',
    '7ffd0000-7ffd1000 rw-p 00000000 00:00 0 ',
    '7ffd0000-7ffd1000 rw-p 00000000 00:00 12 anon_inode:[perf_event]',
    'nonsense',
    '',
  ].join('\n');
  t.strictSame(parseMaps(text), []);
});

t.test('any path that the kernel can write is read back', async (t) => {
  const paths = fc
    .string({unit: 'binary', minLength: 1})
    .map((name) => `/${name}`)
    .filter((path) => !path.includes('\\012') && !path.endsWith(' (deleted)') && !path.includes('\0'));
  const property = fc.property(fc.array(fc.tuple(paths, fc.boolean())), (files) => {
    const text = files
      .map(([path, gone]) => line(path.replaceAll('\n', '\\012') + (gone ? ' (deleted)' : '')))
      .join('');
    const read = parseMaps(text).map(({path, isDeleted}) => [path, isDeleted] as const);
    return JSON.stringify(read) === JSON.stringify(files);
  });
  t.doesNotThrow(() => fc.assert(property));
});

t.test('any text at all is read without an exception', async (t) => {
  const property = fc.property(fc.string({unit: 'binary'}), (text) => Array.isArray(parseMaps(text)));
  t.doesNotThrow(() => fc.assert(property));
});

t.test('the maps of this process show its own executable, under the ranges of map_files', async (t) => {
  const own = (await readMaps(process.pid)).find(({path, isExecutable}) => isExecutable && path === process.execPath);
  t.ok(own);
  t.ok(readFileSync(`/proc/self/map_files/${own?.range}`).subarray(1, 4).equals(Buffer.from('ELF')));
});

import {execFileSync} from 'node:child_process';
import {closeSync, ftruncateSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync} from 'node:fs';
import {endianness, tmpdir} from 'node:os';
import {join} from 'node:path';
import {execaSync} from 'execa';
import fc from 'fast-check';
import t from 'tap';
import {TlsKitError} from '../../src/errors.js';
import {withElf} from '../../src/targets/elf.js';
import {isReadOnlyData} from '../../src/targets/read-only-data.js';
import {libcrypto, libssl, systemLibrary} from './support/programs.js';

const folder = mkdtempSync(join(tmpdir(), 'tls-kit-elf-'));
t.teardown(() => rmSync(folder, {recursive: true, force: true}));
const write = (bytes: Uint8Array) => {
  const path = join(folder, 'file');
  writeFileSync(path, bytes);
  return path;
};

t.test('a shared library is read as readelf reads it', async (t) => {
  const notes = execaSync('readelf', ['-n', libssl]).stdout;
  await withElf(libssl, async (elf) => {
    t.match(elf, {type: 'shared', soname: 'libssl.so.3', isStripped: true, runpath: [], rpath: []});
    t.equal(elf.buildId, /Build ID: (\w+)/.exec(notes)?.[1]);
    t.strictSame(elf.needed, ['libcrypto.so.3', 'libc.so.6']);
    t.equal(elf.interpreter, undefined);
    t.ok(elf.sections.includes('.rodata'));
  });
});

t.test('an executable names its interpreter', async (t) => {
  await withElf('/bin/sleep', async (elf) => t.match(elf.interpreter, /ld-/));
});

t.test('run paths are read', async (t) => {
  const path = join(folder, 'with-runpath');
  const source = join(folder, 'x.c');
  writeFileSync(source, 'int main(void) { return 0; }');
  for (const [flag, field] of [
    ['--enable-new-dtags', 'runpath'],
    ['--disable-new-dtags', 'rpath'],
  ] as const) {
    execFileSync('gcc', ['-o', path, source, `-Wl,${flag},-rpath,$ORIGIN/../lib:/opt/x`]);
    await withElf(path, async (elf) => t.strictSame(elf[field], ['$ORIGIN/../lib', '/opt/x']));
  }
});

t.test('only functions that are defined are found, by their whole names', async (t) => {
  await withElf(libssl, async (elf) => {
    const names = ['SSL_read', 'SSL_write_ex', 'SSL_rea', 'read', 'OPENSSL_sk_num', 'OPENSSL_3.0.0', 'SSL_nothing', ''];
    t.strictSame([...(await elf.hasSymbols(names))].sort(), ['SSL_read', 'SSL_write_ex']);
    t.strictSame([...(await elf.hasSymbols([]))], []);
  });
});

t.test('functions of a large executable are found', async (t) => {
  await withElf(process.execPath, async (elf) => {
    t.strictSame([...(await elf.hasSymbols(['SSL_read', 'SSL_write', 'SSL_none']))].sort(), ['SSL_read', 'SSL_write']);
  });
});

t.test('functions of .symtab alone are found, until it is stripped', async (t) => {
  const source = join(folder, 'static.c');
  const path = join(folder, 'static');
  writeFileSync(
    source,
    '__attribute__((noinline)) static int SSL_read(int n) { return n * 7; }\nint main(int n) { return SSL_read(n); }',
  );
  execFileSync('gcc', ['-O0', '-o', path, source]);
  await withElf(path, async (elf) => {
    t.notOk(elf.isStripped);
    t.ok((await elf.hasSymbols(['SSL_read'])).has('SSL_read'));
  });
  execFileSync('strip', [path]);
  await withElf(path, async (elf) => {
    t.ok(elf.isStripped);
    t.equal((await elf.hasSymbols(['SSL_read'])).size, 0);
  });
});

t.test('the version of OpenSSL 3 is in libcrypto, not in libssl', async (t) => {
  const find = (path: string) =>
    withElf(path, (elf) => elf.findText([/OpenSSL (\d+\.\d+\.\d+)/, /no such text anywhere/], isReadOnlyData));
  t.match(await find(libcrypto), [/^3\./, undefined]);
  t.strictSame(await find(libssl), [undefined, undefined]);
  const gnutls = await withElf(systemLibrary('libgnutls.so.30'), (elf) =>
    elf.findText([/GnuTLS (\d[\d.]+)/], isReadOnlyData),
  );
  t.match(gnutls, [/^3\./]);
});

const small = readFileSync('/bin/sleep');
const withBytes = (at: number, ...bytes: number[]) => {
  const copy = Buffer.from(small);
  copy.set(bytes, at);
  return copy;
};

for (const [what, bytes, message] of [
  ['text', Buffer.from('#!/bin/sh\necho'), /is not an ELF file/],
  ['an empty file', Buffer.alloc(0), /is not an ELF file/],
  ['a header that is cut short', small.subarray(0, 40), /cut short/],
  ['a file that is cut in half', small.subarray(0, small.length / 2), /cut short/],
  ['a MIPS library', withBytes(18, 8, 0), /is built for MIPS, and this machine is \S+/],
  [
    'a 32-bit library',
    withBytes(4, 1, endianness() === 'LE' ? 1 : 2),
    /is built for .* \(32-bit, .*\), and this machine is/,
  ],
  ['a library of the other byte order', withBytes(5, endianness() === 'LE' ? 2 : 1), /is built for/],
] as const) {
  t.test(`${what} is refused with a reason`, async (t) => {
    await t.rejects(
      withElf(write(bytes), async () => {}),
      {errorCode: 'NOT_A_LIBRARY', message},
    );
  });
}

t.test('what is no regular file is refused, and a pipe is not waited for', async (t) => {
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  for (const path of [pipe, folder, '/dev/zero']) {
    await t.rejects(
      withElf(path, async () => {}),
      {errorCode: 'NOT_A_LIBRARY', message: /not a regular file/},
    );
  }
  await t.rejects(
    withElf(join(folder, 'none'), async () => {}),
    {errorCode: 'FILE_UNREADABLE', message: /does not exist/},
  );
});

t.test('a name in a message cannot move the cursor', async (t) => {
  await t.rejects(
    withElf(join(folder, 'a\nb\u001b[2J'), async () => {}),
    {message: /a\\nb\\u001b\[2J" does not exist/},
  );
});

/** All that is ever asked of a file. */
async function readAll(path: string): Promise<void> {
  await withElf(path, async (elf) => {
    await elf.hasSymbols(['SSL_read', 'main', 'printf']);
    await elf.findText([/OpenSSL (\d)/, /nothing like this/], () => true);
  });
}

/** Nothing but TlsKitError may come out. */
async function survives(path: string): Promise<void> {
  await readAll(path).catch((error) => {
    if (!(error instanceof TlsKitError)) throw error;
  });
}

const byte = fc.nat({max: 255});
const sectionsAt = Number(small.readBigUInt64LE(40));
// The header, the segments, and the sections: where a changed byte is believed.
const somewhere = fc.oneof(
  fc.nat({max: 64 + 56 * 16}),
  fc.integer({min: sectionsAt, max: small.length - 1}),
  fc.nat({max: small.length - 1}),
);

t.test('a damaged file is read or refused, and nothing else', async (t) => {
  const changes = fc.array(fc.tuple(somewhere, fc.oneof(byte, fc.constantFrom(0, 255))), {minLength: 1, maxLength: 12});
  const property = fc.asyncProperty(changes, fc.option(fc.nat({max: small.length})), async (list, length) => {
    const copy = Buffer.from(small.subarray(0, length ?? small.length));
    for (const [at, value] of list) if (at < copy.length) copy[at] = value;
    await survives(write(copy));
  });
  await t.resolves(fc.assert(property, {numRuns: 400}));
});

t.test('noise behind an honest header is read or refused', async (t) => {
  const property = fc.asyncProperty(fc.uint8Array({maxLength: 4096}), async (noise) => {
    await survives(write(Buffer.concat([small.subarray(0, 20), noise])));
  });
  await t.resolves(fc.assert(property, {numRuns: 200}));
});

t.test('a file that claims tables of terabytes takes no such memory', async (t) => {
  const path = write(small);
  const file = openSync(path, 'r+');
  ftruncateSync(file, 2 ** 43);
  const sections = small.readUInt16LE(60);
  for (let index = 1; index < sections; index++) {
    const size = Buffer.alloc(8);
    size.writeBigUInt64LE(2n ** 42n);
    writeSync(file, size, 0, 8, sectionsAt + index * 64 + 32);
  }
  closeSync(file);
  await t.rejects(readAll(path), {errorCode: 'NOT_A_LIBRARY', message: /cut short or damaged/});
  t.ok(process.memoryUsage().rss < 2 ** 30);
});

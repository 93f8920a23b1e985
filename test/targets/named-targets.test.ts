import {chmodSync, copyFileSync, linkSync, mkdirSync, realpathSync, symlinkSync, writeFileSync} from 'node:fs';
import {basename, dirname, join} from 'node:path';
import {execaSync} from 'execa';
import t from 'tap';
import {parseCache} from '../../src/targets/loader.js';
import {loaderTargets} from '../../src/targets/loader-targets.js';
import {interpretersIn} from '../../src/targets/script-line.js';
import {targetFromFile} from '../../src/targets/target-from-file.js';
import {targetsOfCommand} from '../../src/targets/targets-of-command.js';
import {Bench, libcrypto, libssl, systemLibrary} from './support/programs.js';
import {gnutls, openssl} from './support/small-libraries.js';

const bench = new Bench();
t.teardown(() => bench.close());
const libraries = [openssl, gnutls];
const pathsOf = (targets: readonly {path: string}[]) => targets.map(({path}) => path);
const compile = (path: string, source: string, ...flags: string[]) => {
  const file = join(bench.folder, 'source.c');
  writeFileSync(file, source);
  execaSync('gcc', ['-O0', '-o', path, file, ...flags]);
  return path;
};

t.test('a library is named by its path, or by a link to it', async (t) => {
  const path = bench.copyOpenssl('named "so"');
  const link = join(bench.folder, 'link.so');
  symlinkSync(path, link);
  for (const way of [path, link]) {
    const target = await targetFromFile(libraries, way);
    t.match(target, {library: 'openssl', path, attachPath: path, linkage: 'shared', pids: [], traceable: true});
    t.match(target.version, /^3\./);
  }
});

t.test('an executable that exports the functions may be named', async (t) => {
  t.match(await targetFromFile(libraries, process.execPath), {library: 'openssl', linkage: 'static'});
});

t.test('a path through the root of a process is not taken for our own', async (t) => {
  const way = `/proc/${process.pid}/root${libssl}`;
  const target = await targetFromFile(libraries, way);
  t.match(target, {library: 'openssl', traceable: true});
});

t.test('a file that cannot be traced is refused with the reason and the next step', async (t) => {
  const refused = async (path: string, errorCode: string, message: RegExp) => {
    const error = await targetFromFile(libraries, path).catch((thrown) => thrown);
    t.match(error, {errorCode, message});
    t.ok(error.suggestions.length > 0);
  };
  await refused(join(bench.folder, 'none.so'), 'FILE_UNREADABLE', /none\.so does not exist\.$/);
  await refused('/etc/passwd', 'NOT_A_LIBRARY', /is not an ELF file/);
  await refused(bench.folder, 'NOT_A_LIBRARY', /not a regular file/);
  await refused('/bin/sleep', 'NO_SYMBOLS', /no function of OpenSSL \(SSL_read, …\) or GnuTLS .*stripped/);
  const user = compile(join(bench.folder, 'user'), 'int SSL_read(void); int main(void) { return SSL_read(); }', libssl);
  await refused(user, 'NO_SYMBOLS', /It uses those of libssl\.so\.3/);
  const open = compile(join(bench.folder, 'open'), 'int main(void) { return 0; }');
  await refused(open, 'NO_SYMBOLS', /not stripped/);
});

t.test("the loader's libraries are those of its cache and folders, each file once", async (t) => {
  const own = bench.copyOpenssl('own');
  linkSync(own, join(dirname(own), 'libssl.so'));
  writeFileSync(join(dirname(own), 'libssl.so.99'), 'GROUP ( libssl.so.3 )');
  const targets = await loaderTargets(libraries, {LD_LIBRARY_PATH: `/nowhere:${dirname(own)}`});
  const paths = pathsOf(targets);
  t.equal(paths.filter((path) => dirname(path) === dirname(own)).length, 1);
  t.notOk(paths.includes(libssl), 'the loader takes the first of one name');
  t.ok(paths.includes(systemLibrary('libgnutls.so.30')));
  t.notOk(
    paths.some((path) => /gnutls-|gnutlsxx/.test(path)),
    'wrappers are none',
  );
  t.ok(targets.every(({traceable, pids}) => traceable && pids.length === 0));
});

t.test('the cache lists several files of one name', async (t) => {
  const text = '2 libs found\n\tlibx.so.1 (libc6,x86-64) => /a/libx.so.1\n\tlibx.so.1 (libc6) => /b c/libx.so.1\n';
  t.strictSame([...parseCache(text)], [['libx.so.1', ['/a/libx.so.1', '/b c/libx.so.1']]]);
  t.equal(parseCache('').size, 0);
});

t.test('a command is looked for in PATH, and its libraries as the loader would', async (t) => {
  const {executable, targets} = await targetsOfCommand(libraries, ['openssl', 'version'], process.env);
  t.match(executable, /\/openssl$/);
  t.ok(pathsOf(targets).includes(libssl));
});

t.test('LD_LIBRARY_PATH of the command counts', async (t) => {
  const own = bench.copyOpenssl('private');
  const env = {PATH: process.env.PATH, LD_LIBRARY_PATH: dirname(own)};
  const {targets} = await targetsOfCommand(libraries, ['openssl'], env);
  t.equal(targets[0]?.path, own, 'first comes what the command is linked to');
});

t.test('LD_PRELOAD of the command counts', async (t) => {
  const own = bench.copyOpenssl('preloaded');
  const {targets} = await targetsOfCommand(libraries, ['/bin/sleep'], {LD_PRELOAD: own});
  t.equal(targets[0]?.path, own);
});

for (const tags of ['--enable-new-dtags', '--disable-new-dtags']) {
  t.test(`run paths relative to the file are followed, through another library (${tags})`, async (t) => {
    const folder = join(bench.folder, tags);
    mkdirSync(join(folder, 'lib'), {recursive: true});
    for (const path of [libssl, libcrypto]) copyFileSync(path, join(folder, 'lib', basename(path)));
    const own = join(folder, 'lib', 'libssl.so.3');
    const flags = ['-Wl,--no-as-needed', `-Wl,${tags}`];
    const source = 'int f(void) { return 0; }';
    const middle = compile(join(folder, 'libmiddle.so'), source, '-shared', ...flags, own, '-Wl,-rpath,$ORIGIN/lib');
    const program = compile(
      join(folder, 'program'),
      'int f(void); int main(void) { return f(); }',
      ...flags,
      middle,
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the loader reads it
      '-Wl,-rpath,${ORIGIN}',
      '-Wl,--allow-shlib-undefined',
    );
    const {targets} = await targetsOfCommand(libraries, [program], {});
    t.equal(targets[0]?.path, own);
  });
}

t.test("a program's own symbols count, also for its scripts", async (t) => {
  const script = join(bench.folder, 'script.js');
  for (const line of ['#!/usr/bin/env node', '#!/usr/bin/env -S node --no-warnings', `#! ${process.execPath}`]) {
    writeFileSync(script, `${line}\n`);
    chmodSync(script, 0o755);
    const env = {PATH: `${dirname(process.execPath)}:${process.env.PATH}`};
    const {executable, targets} = await targetsOfCommand(libraries, [script], env);
    t.equal(executable, script);
    t.ok(
      targets.some(({path, linkage}) => linkage === 'static' && path === realpathSync(process.execPath)),
      line,
    );
  }
});

t.test('a script line is read as the kernel and env read it', async (t) => {
  const read = (text: string) => interpretersIn(Buffer.from(text));
  t.strictSame(read('#!/bin/sh\n'), ['/bin/sh']);
  t.strictSame(read('#! /usr/bin/perl -w'), ['/usr/bin/perl']);
  t.strictSame(read('#!/usr/bin/env python3\n'), ['/usr/bin/env', 'python3']);
  t.strictSame(read('#!/usr/bin/env -S -u HOME A=b python3 -u\n'), ['/usr/bin/env', 'python3']);
  t.strictSame(read('#!/usr/bin/env -Spython3 -u\n'), ['/usr/bin/env', 'python3']);
  t.strictSame(read('#!/usr/bin/env\n'), ['/usr/bin/env']);
  t.strictSame(read('#!\n'), []);
  t.strictSame(read('echo no line'), ['/bin/sh']);
  t.strictSame(read('\u007fELF\0\0'), []);
});

t.test('a script that names itself does not loop', async (t) => {
  const script = join(bench.folder, 'ouroboros');
  writeFileSync(script, `#!${script}\n`);
  chmodSync(script, 0o755);
  t.equal((await targetsOfCommand(libraries, [script], {})).executable, script);
});

t.test('a command that is not there is refused with the next step', async (t) => {
  const plain = join(bench.folder, 'plain.txt');
  writeFileSync(plain, 'text');
  for (const words of [['no-such-command-here'], [plain], ['./none'], [bench.folder], ['']]) {
    const error = await targetsOfCommand(libraries, words, process.env).catch((thrown) => thrown);
    t.match(error, {errorCode: 'NO_SUCH_COMMAND', message: /^There is no command "/});
    t.ok(error.suggestions.length > 0);
  }
});

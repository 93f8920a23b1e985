import {chmodSync, mkdirSync, readFileSync, renameSync, statSync, unlinkSync, writeFileSync} from 'node:fs';
import {basename, dirname, join} from 'node:path';
import {execaSync} from 'execa';
import t from 'tap';
import type {Target} from '../../src/model.js';
import {findTargets} from '../../src/targets/find-targets.js';
import {descendantsOf} from '../../src/targets/processes.js';
import {unprobedLibraries} from '../../src/targets/unprobed-libraries.js';
import {Bench, libcrypto, libssl, unlessRoot} from './support/programs.js';
import {gnutls, openssl} from './support/small-libraries.js';

const bench = new Bench();
t.teardown(() => bench.close());

const find = (...pids: number[]) => findTargets([openssl, gnutls], {pids});
const content = readFileSync(libssl);
const isTheLibrary = (target: Target | undefined) =>
  target !== undefined && readFileSync(target.attachPath).equals(content);

t.test('a library is found by a process that maps it, with its version and functions', unlessRoot, async (t) => {
  const path = bench.copyOpenssl('plain');
  const pid = await bench.sleepWith(path);
  const [target, ...others] = await find(pid);
  t.match(target, {
    library: 'openssl',
    path,
    attachPath: path,
    soname: 'libssl.so.3',
    linkage: 'shared',
    functions: ['SSL_read', 'SSL_write', 'SSL_write_ex', 'SSL_free'],
    missing: ['SSL_never_was'],
    pids: [pid],
    traceable: true,
  });
  t.equal(target?.version, /OpenSSL (\d+\.\d+\.\d+)/.exec(readFileSync(libcrypto, 'latin1'))?.[1]);
  t.match(target?.buildId, /^[0-9a-f]{40}$/);
  t.strictSame(others, []);
});

for (const name of [
  'with space',
  'line\nfeed',
  `quote"and'`,
  'brace}',
  'back\\slash',
  '*?[x]',
  'café',
  'a (deleted)',
  'x\\012y',
]) {
  t.test(`a folder named ${JSON.stringify(name)} is followed, by a path that bpftrace takes`, unlessRoot, async (t) => {
    const path = bench.copyOpenssl(name);
    const pid = await bench.sleepWith(path);
    const [target] = await find(pid);
    t.ok(isTheLibrary(target));
    t.equal(statSync(target?.attachPath ?? '').ino, statSync(path).ino);
    t.match(target?.attachPath, /^[\x20-\x7e]+$/);
    t.notMatch(target?.attachPath, /[:*?[\]"'\\]/);
    t.equal(target?.version !== undefined, true);
    t.equal(target?.path, name.includes('\\012') ? path.replace('\\012', '\n') : path);
  });
}

t.test('a file whose name only begins like the library steers nobody to another', unlessRoot, async (t) => {
  const folder = dirname(bench.copyOpenssl('decoy'));
  const decoy = bench.copy('/bin/true', 'decoy/libssl.so.3 x');
  const source = join(folder, 'open.py');
  writeFileSync(source, 'import ctypes,sys,time\nctypes.CDLL(sys.argv[1])\nprint(1)\ntime.sleep(600)');
  renameSync(join(folder, 'libssl.so.3'), decoy);
  const pid = await bench.start(['/usr/bin/python3', source, decoy], 'libssl.so.3 x', {LD_LIBRARY_PATH: folder});
  const target = (await find(pid)).find(({path}) => path === decoy);
  t.equal(statSync(target?.attachPath ?? '').ino, statSync(decoy).ino);
});

t.test('processes with the same file are one target, and a copy is another', unlessRoot, async (t) => {
  const [one, other] = [bench.copyOpenssl('one'), bench.copyOpenssl('other')];
  const pids = [await bench.sleepWith(one), await bench.sleepWith(one)];
  const pid = await bench.sleepWith(other);
  const targets = await find(...pids, pid);
  t.strictSame(
    targets.map((target) => [target.path, target.pids]),
    [
      [one, pids.sort((a, b) => a - b)],
      [other, [pid]],
    ],
  );
});

t.test('a library that was deleted is reached through the mapping', unlessRoot, async (t) => {
  const path = bench.copyOpenssl('deleted');
  const pid = await bench.sleepWith(path);
  unlinkSync(path);
  const [target] = await find(pid);
  t.match(target, {path, traceable: true});
  t.match(target?.attachPath, /^\/proc\/\d+\/map_files\/[0-9a-f]+-[0-9a-f]+$/);
  t.ok(isTheLibrary(target));
  t.match(target?.version, /^3\./);
});

t.test('after an upgrade, old and new processes have different files', unlessRoot, async (t) => {
  const path = bench.copyOpenssl('upgraded');
  const old = await bench.sleepWith(path);
  writeFileSync(`${path}.new`, Buffer.concat([content, Buffer.from('newer')]));
  renameSync(`${path}.new`, path);
  const young = await bench.sleepWith(path);
  const targets = await find(old, young);
  t.equal(targets.length, 2);
  const of = (pid: number) => targets.find(({pids}) => pids.includes(pid));
  t.ok(isTheLibrary(of(old)));
  t.match(of(old)?.attachPath, /map_files/);
  t.equal(of(young)?.attachPath, path);
});

t.test('a bind mount in another mount namespace is the same file', unlessRoot, async (t) => {
  const path = bench.copyOpenssl('bound');
  mkdirSync(join(bench.folder, 'elsewhere'));
  const here = await bench.sleepWith(path);
  const script = 'mount --bind "$1" "$2" && exec env LD_LIBRARY_PATH="$2" LD_PRELOAD=libssl.so.3 sleep 600';
  const words = ['sh', '-c', script, 'sh', dirname(path), join(bench.folder, 'elsewhere')];
  const there = await bench.start(['unshare', '-m', ...words], 'elsewhere/libssl.so.3');
  const targets = await find(there, here);
  t.equal(targets.length, 1);
  t.match(targets[0], {attachPath: path, path, pids: [here, there].sort((a, b) => a - b)});
});

t.test('a file that only another mount namespace shows is reached through its root', unlessRoot, async (t) => {
  const path = bench.copyOpenssl('hidden');
  const empty = join(bench.folder, 'covered');
  mkdirSync(empty);
  const script =
    'mount -t tmpfs tmpfs "$2" && cp "$1"/* "$2" && exec env LD_LIBRARY_PATH="$2" LD_PRELOAD=libssl.so.3 sleep 600';
  const pid = await bench.start(
    ['unshare', '-m', 'sh', '-c', script, 'sh', dirname(path), empty],
    'covered/libssl.so.3',
  );
  const [target] = await find(pid);
  t.equal(target?.attachPath, `/proc/${pid}/root${join(empty, 'libssl.so.3')}`);
  t.ok(isTheLibrary(target));
  t.match(target?.version, /^3\./);
});

const withThisLoader = process.arch === 'x64' ? unlessRoot : {skip: 'the paths are those of x86-64'};

t.test('a chroot is seen through', withThisLoader, async (t) => {
  const root = join(bench.folder, 'root');
  const path = bench.copyOpenssl('root/lib');
  for (const file of ['/bin/sleep', '/lib/x86_64-linux-gnu/libc.so.6', '/lib64/ld-linux-x86-64.so.2']) {
    mkdirSync(join(root, dirname(file)), {recursive: true});
    execaSync('cp', ['-L', file, join(root, file)]);
  }
  const loader = ['/lib64/ld-linux-x86-64.so.2', '--library-path', '/lib', '--preload', '/lib/libssl.so.3'];
  const pid = await bench.start(['chroot', root, ...loader, '/bin/sleep', '600'], 'root/lib/libssl.so.3');
  const [target] = await find(pid);
  t.equal(target?.attachPath, path);
});

t.test('containers that share a layer are one target, until one of them has its own copy', unlessRoot, async (t) => {
  const path = bench.copyOpenssl('layer');
  const lower = dirname(path);
  const script = `mount -t tmpfs tmpfs "$1" && mkdir "$1/up" "$1/work" "$1/merged" "$3" &&
    mount -t overlay overlay -o "lowerdir=$2,upperdir=$3,workdir=$4" "$1/merged" || exit 1
    [ -z "$5" ] || chmod 700 "$1/merged/libssl.so.3"
    exec env LD_LIBRARY_PATH="$1/merged" LD_PRELOAD=libssl.so.3 sleep 600`;
  const container = async (name: string, isChanged: boolean) => {
    const folder = join(bench.folder, name);
    const [upper, work] = [`${folder}-up`, `${folder}-work`];
    for (const each of [folder, work]) mkdirSync(each);
    const words = ['sh', '-c', script, 'sh', folder, lower, upper, work, isChanged ? 'yes' : ''];
    return bench.start(['unshare', '-m', ...words], 'merged/libssl.so.3');
  };
  const sharing = [await container('first', false), await container('second', false), await bench.sleepWith(path)];
  const changed = await container('third', true);
  const devices = new Set(sharing.map((pid) => deviceOf(pid)));
  t.equal(devices.size, 3, 'each shows a device of its own');
  const targets = await find(...sharing, changed);
  t.strictSame(
    targets.map(({pids}) => pids),
    [sharing.sort((a, b) => a - b), [changed]],
  );
  t.equal(targets[0]?.attachPath, path);
  t.ok(isTheLibrary(targets[1]));
  for (const pid of [...sharing, changed]) t.strictSame(await unprobedLibraries([openssl], pid, targets), []);
  t.match(await unprobedLibraries([openssl], changed, targets.slice(0, 1)), [{pids: [changed]}]);
});

t.test('a file that a container has replaced is not taken for the new one', unlessRoot, async (t) => {
  const folder = join(bench.folder, 'replacing');
  const lower = dirname(bench.copyOpenssl('replacing/lower'));
  const [upper, work, merged] = ['upper', 'work', 'merged'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  for (const each of [upper, work, merged]) mkdirSync(each);
  const script = `mount -t overlay overlay -o "lowerdir=$1,upperdir=$2,workdir=$3" "$4" || exit 1
    export LD_LIBRARY_PATH="$4" LD_PRELOAD=libssl.so.3
    sleep 601 & sleep 1
    unset LD_LIBRARY_PATH LD_PRELOAD
    cp "$4/libssl.so.3" "$4/new" && mv "$4/new" "$4/libssl.so.3"
    LD_LIBRARY_PATH="$4" LD_PRELOAD=libssl.so.3 exec sleep 600`;
  const young = await bench.start(
    ['unshare', '-m', 'sh', '-c', script, 'sh', lower, upper, work, merged],
    'merged/libssl.so.3\n',
  );
  const [old = 0] = await descendantsOf(young);
  const targets = await find(old, young);
  process.kill(old);
  t.strictSame(
    targets.map(({pids}) => pids),
    [[old], [young]],
  );
});

function deviceOf(pid: number): string | undefined {
  return readFileSync(`/proc/${pid}/maps`, 'utf8').match(/^\S+ r-xp \S+ (\S+) \d+ +.*libssl\.so\.3$/m)?.[1];
}

t.test('an executable that exports the functions is a static target', unlessRoot, async (t) => {
  const pid = await bench.start([process.execPath, '-e', 'setTimeout(() => {}, 600000)'], basename(process.execPath));
  const target = (await find(pid)).find(({linkage}) => linkage === 'static');
  t.match(target, {
    library: 'openssl',
    attachPath: process.execPath,
    traceable: true,
    version: process.versions.openssl.replace(/\+.*/, ''),
  });
});

t.test(
  'a stripped library that was linked in is said to be there, and why it cannot be traced',
  unlessRoot,
  async (t) => {
    const source = join(bench.folder, 'linked.c');
    const path = join(bench.folder, 'linked');
    writeFileSync(
      source,
      `#include <stdio.h>
    #include <unistd.h>
    const char *version = "OpenSSL 3.1.7 3 Sep 2024", *name = "SSL_read";
    __attribute__((noinline)) int SSL_read(int n) { return n * 7; }
    int main(int n) { if (SSL_read(n) == 3) puts(version), puts(name); sleep(600); }`,
    );
    execaSync('gcc', ['-O0', '-o', path, source]);
    const before = await bench.start([path], 'linked');
    t.match(await find(before), [
      {path, linkage: 'static', version: '3.1.7', traceable: true, functions: ['SSL_read']},
    ]);
    const stripped = bench.copy(path, 'linked-stripped');
    chmodSync(stripped, 0o755);
    execaSync('strip', [stripped]);
    const after = await bench.start([stripped], 'linked-stripped');
    t.match(await find(after), [{path: stripped, version: '3.1.7', traceable: false, reason: /stripped/}]);
  },
);

t.test("a Go program's own TLS is named", unlessRoot, async (t) => {
  const path = bench.copy('/bin/sleep', 'gopher');
  const names = join(bench.folder, 'names');
  writeFileSync(names, 'main.main\0crypto/tls.(*Conn).Write\0');
  const flags = ['.go.buildinfo', '.gopclntab'].flatMap((section) => ['--add-section', `${section}=${names}`]);
  execaSync('objcopy', [...flags, path]);
  chmodSync(path, 0o755);
  const pid = await bench.start([path, '600'], 'gopher');
  t.match(await find(pid), [{library: 'go', path, traceable: false, reason: /crypto\/tls/}]);
});

t.test('a library of another build that has lost its functions is told apart', unlessRoot, async (t) => {
  const path = bench.copyOpenssl('emptied');
  writeFileSync(join(bench.folder, 'empty.c'), 'int nothing;');
  execaSync('gcc', ['-shared', '-o', path, '-Wl,-soname,libssl.so.3', join(bench.folder, 'empty.c')]);
  const pid = await bench.sleepWith(path);
  t.match(await find(pid), [{path, library: 'openssl', traceable: false, reason: /none of the functions of OpenSSL/}]);
});

t.test('all of /proc is searched when no process is named', unlessRoot, async (t) => {
  const path = bench.copyOpenssl('everywhere');
  const pid = await bench.sleepWith(path);
  const target = (await findTargets([openssl])).find((one) => one.path === path);
  t.strictSame(target?.pids, [pid]);
});

t.test('a process that does not exist, and a thread, are refused with the next step', unlessRoot, async (t) => {
  await t.rejects(find(2 ** 22 + 1), {errorCode: 'NO_SUCH_PROCESS', message: /There is no process 4194305/});
  const threads = execaSync('ls', [`/proc/${process.pid}/task`])
    .stdout.split('\n')
    .map(Number);
  const thread = threads.find((one) => one !== process.pid) ?? 0;
  await t.rejects(find(thread), {
    errorCode: 'NO_SUCH_PROCESS',
    message: new RegExp(`${thread} is a thread of process ${process.pid}`),
  });
});

t.test('a process that was found and has ended since is passed over', unlessRoot, async (t) => {
  const path = bench.copyOpenssl('found');
  const pid = await bench.sleepWith(path);
  const targets = await findTargets([openssl], {found: [2 ** 22 + 1, pid]});
  t.match(targets, [{path, pids: [pid]}]);
});

t.test('a library that is mapped but not probed is told', unlessRoot, async (t) => {
  const [one, other] = [bench.copyOpenssl('probed'), bench.copyOpenssl('unprobed')];
  const first = await bench.sleepWith(one);
  const probed = await find(first);
  const same = await bench.sleepWith(one);
  const different = await bench.sleepWith(other);
  t.strictSame(await unprobedLibraries([openssl], same, probed), []);
  t.match(await unprobedLibraries([openssl], different, probed), [{path: other, pids: [different]}]);
  t.strictSame(await unprobedLibraries([openssl], 2 ** 22 + 1, probed), [], 'a process that has gone has none');
});

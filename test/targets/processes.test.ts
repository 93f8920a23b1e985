import {readFileSync, statSync} from 'node:fs';
import {basename, join} from 'node:path';
import {execaSync} from 'execa';
import t from 'tap';
import type {Filters} from '../../src/model.js';
import {idsOfCgroup} from '../../src/targets/cgroups.js';
import {layersOf, parseMounts, readMounts} from '../../src/targets/mounts.js';
import {containerIn, readProcess} from '../../src/targets/process.js';
import {descendantsOf, findProcesses} from '../../src/targets/processes.js';
import {callerOf, uidOf} from '../../src/targets/users.js';
import {Bench, unlessRoot} from './support/programs.js';

const bench = new Bench();
t.teardown(() => bench.close());
const nobody = 2 ** 22 + 1;
const none: Filters = {pids: [], comms: [], uids: [], cgroups: [], descendants: false};

t.test('a process is read as /proc shows it', async (t) => {
  const pid = await bench.start(['sleep', '600.0'], 'libc.so');
  const found = await readProcess(pid);
  t.match(found, {pid, ppid: process.pid, uid: process.getuid?.(), comm: 'sleep', argv: ['sleep', '600.0']});
  t.equal(basename(found.exe ?? ''), basename(execaSync('readlink', [`/proc/${pid}/exe`]).stdout));
  const sinceMs = Date.now() - (found.startedAtMs ?? 0);
  t.ok(sinceMs > -2000 && sinceMs < 600_000, 'it started just now');
  t.equal((await readProcess(pid)).startedAtMs, found.startedAtMs, 'and did so once');
});

t.test('a name with a parenthesis and an argument with a line feed are kept', async (t) => {
  const name = 'a) S 1 (b';
  const program = bench.copy('/bin/sleep', name);
  const pid = await bench.start([program, '600'], 'libc.so');
  t.match(await readProcess(pid), {comm: name, ppid: process.pid, startedAtMs: Number});
  const shell = await bench.start(['sh', '-c', 'read x # \n', ' ', ''], 'libc.so');
  t.strictSame((await readProcess(shell)).argv?.slice(0, 4), ['sh', '-c', 'read x # \n', ' ']);
});

t.test('of a process that has gone, only the number is known', async (t) => {
  t.strictSame(await readProcess(nobody), {pid: nobody});
});

t.test('a container is known by its cgroup', async (t) => {
  const id = '0123456789abcdef'.repeat(4);
  for (const path of [
    `0::/system.slice/docker-${id}.scope`,
    `12:pids:/docker/${id}\n0::/`,
    `0::/kubepods.slice/kubepods-pod12_34.slice/cri-containerd-${id}.scope`,
    `0::/machine.slice/libpod-${id}.scope/container`,
    `0::/kubepods/besteffort/pod6a/crio-${id}`,
  ]) {
    t.equal(containerIn(path), '0123456789ab', path);
  }
  t.equal(containerIn('0::/lxc.payload.web/system.slice'), 'web');
  t.equal(containerIn('0::/user.slice/user-1000.slice'), undefined);
  t.equal(containerIn(`0::/x/${id}0`), undefined, 'longer is another thing');
});

t.test('processes are found by what filters name', async (t) => {
  const name = 'tls-kit-found';
  const pid = await bench.start([bench.copy('/bin/sleep', name), '600'], 'libc.so');
  const pidsOf = async (filters: Partial<Filters>) =>
    (await findProcesses({...none, ...filters})).map((one) => one.pid);
  t.strictSame(await pidsOf({comms: [name]}), [pid]);
  t.strictSame(await pidsOf({comms: [name], uids: [process.getuid?.() ?? 0]}), [pid]);
  t.strictSame(await pidsOf({comms: [name], uids: [4_000_000]}), []);
  t.strictSame(await pidsOf({pids: [pid, nobody]}), [pid]);
  t.ok((await pidsOf({})).includes(process.pid));
  const tree = await pidsOf({pids: [process.pid], descendants: true});
  t.ok(tree.includes(process.pid) && tree.includes(pid));
  t.strictSame(await pidsOf({pids: [process.pid]}), [process.pid]);
});

t.test('descendants are children, and children of children', async (t) => {
  const shell = await bench.start(['sh', '-c', 'sh -c "sleep 600; :"; :'], 'libc.so');
  let below: readonly number[] = [];
  while (below.length < 2) below = await descendantsOf(shell);
  const names = await Promise.all(below.map(async (pid) => (await readProcess(pid)).comm));
  t.strictSame(names, ['sh', 'sleep']);
  for (const pid of below) process.kill(pid);
  t.strictSame(await descendantsOf(nobody), []);
});

t.test('a user is a number, or a name that getent knows', async (t) => {
  t.equal(await uidOf('0'), 0);
  t.equal(await uidOf('4294967294'), 4294967294);
  t.equal(await uidOf('root'), 0);
  t.equal(await uidOf('daemon'), Number(execaSync('id', ['-u', 'daemon']).stdout));
  for (const wrong of ['no-such-user', '4294967295', '-1', '--help', '', ' 1', 'root:x']) {
    const error = await uidOf(wrong).catch((thrown) => thrown);
    t.match(error, {errorCode: 'BAD_VALUE', message: /There is no user/}, JSON.stringify(wrong));
    t.ok(error.suggestions.length > 0);
  }
});

t.test('the caller of sudo is known by number', unlessRoot, async (t) => {
  const uid = execaSync('id', ['-u', 'daemon']).stdout;
  t.match(await callerOf({SUDO_UID: uid}), {uid: Number(uid), name: 'daemon', gid: Number, home: String});
  for (const env of [{}, {SUDO_UID: '0'}, {SUDO_UID: 'daemon'}, {SUDO_UID: '3999999'}]) {
    t.equal(await callerOf(env), undefined);
  }
});

const mount = (await readMounts('self')).find(({type}) => type === 'cgroup2');
const unlessOld = mount ? {} : {skip: 'this machine has no cgroups of version 2'};

t.test('a cgroup has an id, and so has each below it', unlessOld, async (t) => {
  if (!mount) return;
  const all = await idsOfCgroup(mount.point);
  const folders = execaSync('find', [mount.point, '-type', 'd']).stdout.split('\n');
  t.strictSame([...all].sort(), folders.map((folder) => String(statSync(folder, {bigint: true}).ino)).sort());
  t.strictSame(await idsOfCgroup('/'), all, 'a path as in /proc/PID/cgroup');
  const own = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1] ?? '/';
  t.equal((await idsOfCgroup(own))[0], String(statSync(join(mount.point, own), {bigint: true}).ino));
  for (const wrong of ['/no/such/cgroup', '/tmp', join(mount.point, 'cgroup.procs'), '/etc/passwd']) {
    const error = await idsOfCgroup(wrong).catch((thrown) => thrown);
    t.match(error, {errorCode: 'BAD_VALUE', message: /not a cgroup of version 2/}, wrong);
    t.ok(error.suggestions.length > 0);
  }
});

t.test('mounts and layers are read with their escapes', async (t) => {
  const line =
    '36 35 98:0 /ro\\040ot /mnt\\0112\\134x rw shared:1 - overlay none rw,lowerdir=/a\\:b:/c\\040d,upperdir=/u\n\nnoise\n';
  const [mount, ...others] = parseMounts(line);
  t.match(mount, {root: '/ro ot', point: '/mnt\t2\\x', type: 'overlay'});
  t.strictSame(others, []);
  const layers = (options: string) => layersOf({options});
  t.strictSame(layers('rw,lowerdir=/a\\:b:/c d,upperdir=/u,workdir=/w'), {upper: ['/u'], lower: ['/a:b', '/c d']});
  t.strictSame(layers('rw,lowerdir+=/a,lowerdir+=/b'), {upper: [], lower: ['/a', '/b']});
  t.strictSame(layers('rw,lowerdir=l/A:l/B,upperdir=/u'), {upper: [], lower: []}, 'relative to what is not known');
});

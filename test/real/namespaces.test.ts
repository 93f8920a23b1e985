import {execFileSync} from 'node:child_process';
import {once} from 'node:events';
import {copyFileSync, mkdirSync} from 'node:fs';
import {basename, dirname, join} from 'node:path';
import t from 'tap';
import {dialectOf} from '../../src/scripts/dialects.js';
import {descendantsOf} from '../../src/targets/index.js';
import {beside, runCurl} from './programs.js';
import {addsUp, answer, nameOf, needsTypes, sentBy, setUp, startAsker, watchRemains, without} from './surroundings.js';
import {cannotTrace, dataOf, Tracer} from './tracer.js';

const reason = cannotTrace();

t.test('a kernel without its types is traced all the same', {skip: reason || needsTypes()}, async (t) => {
  const surroundings = await setUp(t);
  const {workshop, own, port, env} = surroundings;
  workshop.file('www/page', answer);
  const words = ['--lib', own, '--format', 'ndjson'];
  const tracer = await new Tracer(workshop.folder, words, env, without('/sys/kernel/btf')).ready();
  const leavesNothing = await watchRemains(t, surroundings, tracer);
  const pid = await runCurl(workshop, ['--output', '/dev/null', `https://127.0.0.1:${port}/page`]);
  t.equal(await tracer.stop(), 0, tracer.errors);
  t.match(sentBy(tracer.events, pid), /^GET \/page /);
  addsUp(t, tracer.events);
  await leavesNothing();
});

t.test('a kernel without tracefs is told, with the command to type', {skip: reason}, async (t) => {
  const {workshop, own, env} = await setUp(t);
  const tracer = new Tracer(workshop.folder, ['--lib', own], env, without('/sys/kernel/tracing'));
  t.equal(await tracer.ended(), 3, tracer.errors);
  t.match(tracer.errors, /tracefs is not mounted/);
  t.match(tracer.errors, 'sudo mount -t tracefs tracefs /sys/kernel/tracing');
});

t.test('root of a user namespace is told that it cannot trace', {skip: reason}, async (t) => {
  const {workshop, own, env} = await setUp(t);
  const enter = ['unshare', '--user', '--map-root-user', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const tracer = new Tracer(workshop.folder, ['--lib', own], env, enter);
  t.equal(await tracer.ended(), 3, tracer.errors);
  t.match(tracer.errors, /user namespace/);
  t.match(tracer.errors, 'outside of this container');
});

const inContainer = ['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];

t.test('from inside of a container, a library is traced in it and outside of it', {skip: reason}, async (t) => {
  const surroundings = await setUp(t);
  const {workshop, own, port, env} = surroundings;
  workshop.file('www/page', answer);
  const words = ['--lib', own, '--format', 'ndjson', '--max-events', '4'];
  const tracer = await new Tracer(workshop.folder, words, env, inContainer).ready();
  await runCurl(workshop, ['--output', '/dev/null', `https://127.0.0.1:${port}/page`]);
  t.equal(await tracer.ended(), 0, tracer.errors);
  const asked = dataOf(tracer.events).filter(({pid}) => sentBy(tracer.events, pid).startsWith('GET /page '));
  t.ok(asked.length > 0, 'the request of a process outside was seen');
  addsUp(t, tracer.events);
});

t.test('from inside of a container, pids that cannot be compared are refused', {skip: reason}, async (t) => {
  const {workshop, own, env} = await setUp(t);
  const version = execFileSync('bpftrace', ['--version'], {encoding: 'utf8'});
  const skip = dialectOf(version).ownPids && 'this bpftrace compares the pids of its own namespace';
  t.test('before bpftrace 0.23', {skip}, async (t) => {
    for (const words of [
      ['--lib', own, '-p', '1'],
      ['--lib', own, '--', 'true'],
    ]) {
      const tracer = new Tracer(workshop.folder, words, env, inContainer);
      t.equal(await tracer.ended(), 3, tracer.errors);
      t.match(tracer.errors, '--pid=host');
    }
  });
});

t.test('a process in its own root and its own namespaces is traced from outside', {skip: reason}, async (t) => {
  const surroundings = await setUp(t);
  const {workshop, own, env} = surroundings;
  const root = join(workshop.folder, 'root');
  mkdirSync(join(root, 'private'), {recursive: true});
  for (const each of [own, join(dirname(own), basename(beside(own)))])
    copyFileSync(each, join(root, 'private', basename(each)));
  const enter = `
    for each in usr etc dev; do mkdir "$0/$each" && mount --rbind "/$each" "$0/$each"; done
    for each in lib lib64 bin; do [ ! -e "/$each" ] || ln -s "usr/$each" "$0/$each"; done
    mkdir "$0/proc" && mount -t proc proc "$0/proc"
    exec chroot "$0" env LD_LIBRARY_PATH=/private "$@"`;
  const flags = ['--mount', '--pid', '--fork', '--kill-child', '--propagation', 'private'];
  const asker = await startAsker(surroundings, 'inside', ['unshare', ...flags, 'sh', '-c', enter, root]);
  const inside = (await descendantsOf(asker.child.pid as number)).find((pid) => nameOf(pid) === 'python3') as number;

  const tracer = await new Tracer(workshop.folder, ['-p', String(inside), '--format', 'ndjson'], env).ready();
  const leavesNothing = await watchRemains(t, surroundings, tracer);
  await asker.ask();
  const ended = once(asker.child, 'exit');
  process.kill(inside, 'SIGKILL');
  await ended;
  t.equal(await tracer.stop(), 0, tracer.errors);
  t.match(sentBy(tracer.events, inside), /^GET \/inside /);
  addsUp(t, tracer.events);
  await leavesNothing();
});

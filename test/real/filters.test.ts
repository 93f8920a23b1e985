import {existsSync, mkdirSync, readFileSync, rmdirSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import t, {type Test} from 'tap';
import {type Held, holdCurl, type Manner} from './held.js';
import {beside, portOf, startNginx, startSink, systemLibrary} from './programs.js';
import {cannotTrace, dataOf, Tracer} from './tracer.js';
import {Workshop} from './workshop.js';

const reason = cannotTrace();
/** The user `nobody`, by number: the same on every Linux. */
const nobody = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'];

interface Setting {
  readonly workshop: Workshop;
  readonly url: string;
  readonly own: string;
  readonly hold: (manner?: Manner) => Held;
}

/** nginx and the clients use the same private copy: only the filter tells them apart. */
async function setUp(t: Test): Promise<Setting> {
  const workshop = new Workshop();
  t.teardown(() => workshop.close());
  const libssl = await systemLibrary('libssl');
  const own = workshop.copyLibrary(libssl, beside(libssl));
  workshop.openToAll();
  workshop.file('www/page', 'a page');
  const sink = await startSink();
  t.teardown(() => sink.close());
  const url = `https://127.0.0.1:${await startNginx(workshop, portOf(sink))}/page`;
  return {workshop, url, own, hold: (manner) => holdCurl(workshop, url, manner)};
}

/** Both get the page under a trace with these flags: the first is seen, whole, and nobody else. */
async function only(t: Test, {workshop, own}: Setting, flags: readonly string[], seen: Held, unseen: Held) {
  const tracer = await new Tracer(workshop.folder, ['--lib', own, '--format', 'ndjson', ...flags]).ready();
  await unseen.run();
  await seen.run();
  t.equal(await tracer.stop(), 0, tracer.errors);
  const data = dataOf(tracer.events);
  t.strictSame([...new Set(data.map(({pid}) => pid))], [seen.pid]);
  const text = (direction: string) =>
    data
      .filter((event) => event.direction === direction)
      .map(({payload}) => Buffer.from(payload, 'base64').toString())
      .join('');
  t.match(text('send'), /^GET \/page /);
  t.match(text('receive'), /a page$/);
}

t.test('--pid shows one process', {skip: reason}, async (t) => {
  const setting = await setUp(t);
  const [seen, unseen] = [setting.hold(), setting.hold()];
  await only(t, setting, ['--pid', String(seen.pid)], seen, unseen);
});

t.test('--pid twice shows two', {skip: reason}, async (t) => {
  const setting = await setUp(t);
  const [one, other, unseen] = [setting.hold(), setting.hold(), setting.hold()];
  const flags = ['--lib', setting.own, '--format', 'ndjson', '-p', String(one.pid), '-p', String(other.pid)];
  const tracer = await new Tracer(setting.workshop.folder, flags).ready();
  for (const held of [one, unseen, other]) await held.run();
  t.equal(await tracer.stop(), 0);
  t.strictSame([...new Set(dataOf(tracer.events).map(({pid}) => pid))], [one.pid, other.pid]);
});

t.test('--comm shows processes of a name', {skip: reason}, async (t) => {
  const setting = await setUp(t);
  const program = join(setting.workshop.folder, 'a "b" \\c');
  symlinkSync('/usr/bin/curl', program);
  await only(t, setting, ['--comm', 'a "b" \\c'], setting.hold({program}), setting.hold());
});

t.test('--uid shows processes of a user, by number and by name', {skip: reason}, async (t) => {
  const setting = await setUp(t);
  for (const user of ['65534', 'nobody'])
    await only(t, setting, ['--uid', user], setting.hold({before: nobody}), setting.hold());
});

t.test('--cgroup shows processes in a cgroup and below it', {skip: reason || whyNoCgroup()}, async (t) => {
  const setting = await setUp(t);
  const path = makeCgroup(t);
  const below = join(path, 'below');
  mkdirSync(below);
  t.teardown(() => rmdirSync(below));
  for (const place of [path, below]) {
    const [seen, unseen] = [setting.hold(), setting.hold()];
    writeFileSync(join(place, 'cgroup.procs'), String(seen.pid));
    await only(t, setting, ['--cgroup', path], seen, unseen);
  }
});

t.test('--lib shows who uses that file, and not who uses a copy of it', {skip: reason}, async (t) => {
  const setting = await setUp(t);
  const other = new Workshop();
  t.teardown(() => other.close());
  const copy = other.copyLibrary(setting.own, beside(setting.own));
  const seen = setting.hold({env: {LD_LIBRARY_PATH: other.environment().LD_LIBRARY_PATH as string}});
  await only(t, {...setting, own: copy}, [], seen, setting.hold());
});

t.test('filters of several kinds all hold', {skip: reason}, async (t) => {
  const setting = await setUp(t);
  const flags = ['--uid', 'nobody', '--comm', 'curl'];
  const program = join(setting.workshop.folder, 'lruc');
  symlinkSync('/usr/bin/curl', program);
  await only(t, setting, flags, setting.hold({before: nobody}), setting.hold({before: nobody, program}));
});

/** Where cgroups of version 2 are mounted: the second field of proc(5)'s mounts. */
function cgroupMount(): string | undefined {
  return /^\S+ (\S+) cgroup2 /m.exec(readFileSync('/proc/mounts', 'utf8'))?.[1];
}

function whyNoCgroup(): string | false {
  const mount = cgroupMount();
  if (mount === undefined) return 'this machine has no cgroups of version 2 mounted';
  const path = join(mount, `tls-kit-test-try-${process.pid}`);
  try {
    mkdirSync(path);
    const hasProcesses = existsSync(join(path, 'cgroup.procs'));
    rmdirSync(path);
    return hasProcesses ? false : `${mount} makes no cgroups`;
  } catch (error) {
    return `no cgroup can be made here: ${(error as Error).message}`;
  }
}

function makeCgroup(t: Test): string {
  const path = join(cgroupMount() as string, `tls-kit-test-${process.pid}`);
  mkdirSync(path);
  t.teardown(() => rmdirSync(path));
  return path;
}

import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, mkdirSync, readdirSync, readFileSync, statSync} from 'node:fs';
import {join} from 'node:path';
import t, {type Test} from 'tap';
import {descendantsOf} from '../../src/targets/index.js';
import {beside, portOf, runCurl, startNginx, startSink, systemLibrary} from './programs.js';
import {cannotTrace, cli, dataOf, eventsIn, summaryOf, Tracer} from './tracer.js';
import {isRunning, payloadOf, until, Workshop} from './workshop.js';

const reason = cannotTrace();
const page = payloadOf(8192, 'random');

interface Setting {
  readonly workshop: Workshop;
  readonly own: string;
  readonly url: string;
  /** So many requests of one curl. */
  readonly get: (times: number, name?: string) => Promise<number>;
}

async function setUp(t: Test): Promise<Setting> {
  const workshop = new Workshop();
  t.teardown(() => workshop.close());
  const libssl = await systemLibrary('libssl');
  const own = workshop.copyLibrary(libssl, beside(libssl));
  workshop.file('www/page', page);
  const sink = await startSink();
  t.teardown(() => sink.close());
  const url = `https://127.0.0.1:${await startNginx(workshop, portOf(sink))}`;
  const get = (times: number, name = 'page') =>
    runCurl(workshop, Array.from({length: times}, () => ['--output', '/dev/null', `${url}/${name}`]).flat());
  return {workshop, own, url, get};
}

const flagsOf = ({own}: Setting, ...more: readonly string[]) => ['--lib', own, '--format', 'ndjson', ...more];

const textOf = (pid: number, output: string) =>
  dataOf(eventsIn(output))
    .filter((event) => event.pid === pid)
    .map(({payload}) => Buffer.from(payload, 'base64').toString('latin1'))
    .join('');

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  t.test(`${signal} ends a trace with all that came before it, and complete totals`, {skip: reason}, async (t) => {
    const setting = await setUp(t);
    const tracer = await new Tracer(setting.workshop.folder, flagsOf(setting)).ready();
    const pid = await setting.get(5);
    t.equal(await tracer.stop(signal), 0, tracer.errors);
    const {bytes, incomplete, calls} = summaryOf(tracer.events);
    t.equal(incomplete, false);
    t.equal(bytes.seen, bytes.captured);
    t.equal(calls?.entered, calls?.returned);
    const received = dataOf(tracer.events).filter((event) => event.pid === pid && event.direction === 'receive');
    t.ok(received.reduce((sum, {length}) => sum + length, 0) > 5 * page.length);
  });
}

t.test('nothing stays behind when tls-kit is killed', {skip: reason}, async (t) => {
  const setting = await setUp(t);
  const temporary = join(setting.workshop.folder, 'tmp');
  mkdirSync(temporary);
  const tracer = await new Tracer(setting.workshop.folder, flagsOf(setting), {TMPDIR: temporary}).ready();
  const descendants = await descendantsOf(tracer.child.pid as number);
  t.ok(descendants.length >= 2, 'a keeper and bpftrace');
  t.strictSame(await tracer.stop('SIGKILL'), -1);
  await until(() => descendants.every((pid) => !isRunning(pid)), 'the keeper and bpftrace to end');
  t.strictSame(readdirSync(temporary), []);
});

t.test('nothing stays behind when the keeper is killed', {skip: reason}, async (t) => {
  const setting = await setUp(t);
  const tracer = await new Tracer(setting.workshop.folder, flagsOf(setting)).ready();
  const descendants = await descendantsOf(tracer.child.pid as number);
  await setting.get(1);
  process.kill(descendants.find((pid) => nameOf(pid) === 'sh') as number, 'SIGKILL');
  await tracer.ended();
  t.equal(summaryOf(tracer.events).type, 'summary');
  await until(() => descendants.every((pid) => !isRunning(pid)), 'bpftrace to end');
});

t.test('a reader that has had enough ends the trace', {skip: reason}, async (t) => {
  const setting = await setUp(t);
  const ready = join(setting.workshop.folder, 'ready');
  const words = [process.execPath, cli, 'trace', ...flagsOf(setting), '--ready-file', ready];
  const shell = spawn('bash', ['-o', 'pipefail', '-c', '"$@" | head -1', 'bash', ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const out: Buffer[] = [];
  shell.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  shell.stderr.resume();
  const closed = once(shell, 'close');
  await until(() => existsSync(ready), 'every probe to be attached');
  let isClosed = false;
  closed.then(() => {
    isClosed = true;
  });
  const deadline = Date.now() + 30_000;
  while (!isClosed && Date.now() < deadline) await setting.get(1);
  t.ok(isClosed, 'it ended by itself');
  t.equal((await closed)[0], 0);
  t.strictSame(
    eventsIn(Buffer.concat(out).toString()).map(({type}) => type),
    ['session'],
  );
});

t.test('a bpftrace that is killed leaves what was captured, said to be incomplete', {skip: reason}, async (t) => {
  const setting = await setUp(t);
  const capture = join(setting.workshop.folder, 'capture.ndjson');
  const tracer = await new Tracer(setting.workshop.folder, flagsOf(setting, '-w', capture)).ready();
  const pid = await setting.get(3);
  await until(() => readFileSync(capture, 'utf8').includes(`"pid":${pid},`), 'the requests to be written');
  const descendants = await descendantsOf(tracer.child.pid as number);
  process.kill(descendants.find((each) => nameOf(each) === 'bpftrace') as number, 'SIGKILL');
  t.equal(await tracer.ended(), 5);
  const written = readFileSync(capture, 'utf8');
  const warnings = eventsIn(written).flatMap((event) => (event.type === 'warning' ? [event.message] : []));
  t.match(warnings.join('\n'), /bpftrace was ended by signal 9/);
  t.equal(summaryOf(eventsIn(written)).type, 'summary');
  t.equal(summaryOf(eventsIn(written)).incomplete, true);
  t.match(textOf(pid, written), /^GET \/page /);
});

t.test('--duration ends a trace by itself', {skip: reason}, async (t) => {
  const setting = await setUp(t);
  const tracer = await new Tracer(setting.workshop.folder, flagsOf(setting, '--duration', '8s')).ready();
  const startedAt = Date.now();
  const pid = await setting.get(1);
  t.equal(await tracer.ended(), 0, tracer.errors);
  const took = Date.now() - startedAt;
  t.ok(took > 6000 && took < 60_000, `after ${took} ms`);
  t.match(textOf(pid, tracer.output), /^GET \/page /);
  t.equal(summaryOf(tracer.events).incomplete, false);
});

t.test('--max-events shows so many calls and ends', {skip: reason}, async (t) => {
  const setting = await setUp(t);
  const tracer = await new Tracer(setting.workshop.folder, flagsOf(setting, '--max-events', '7')).ready();
  await setting.get(20);
  t.equal(await tracer.ended(), 0, tracer.errors);
  t.equal(dataOf(tracer.events).length, 7);
  t.equal(summaryOf(tracer.events).type, 'summary');
});

t.test('the ready file is for its owner, and is never one that was there', {skip: reason}, async (t) => {
  const setting = await setUp(t);
  const ready = join(setting.workshop.folder, 'ready');
  const words = flagsOf(setting, '--ready-file', ready);
  const start = () => {
    const child = setting.workshop.start([process.execPath, cli, 'trace', ...words]);
    child.stdout?.resume();
    return child;
  };
  const first = start();
  first.stderr?.resume();
  await until(() => existsSync(ready), 'the ready file');
  t.equal(statSync(ready).mode & 0o777, 0o600);
  first.kill('SIGINT');
  t.equal((await once(first, 'close'))[0], 0);
  const second = start();
  const errors: Buffer[] = [];
  second.stderr?.on('data', (chunk: Buffer) => errors.push(chunk));
  t.equal((await once(second, 'close'))[0], 1);
  t.match(Buffer.concat(errors).toString(), ready);
});

t.test('--fail-on nothing fails where nothing was captured, and only there', {skip: reason}, async (t) => {
  const setting = await setUp(t);
  const flags = flagsOf(setting, '--fail-on', 'lost,nothing');
  const idle = await new Tracer(setting.workshop.folder, flags).ready();
  t.equal(await idle.stop(), 6);
  const busy = await new Tracer(setting.workshop.folder, flags).ready();
  await setting.get(1);
  t.equal(await busy.stop(), 0, busy.errors);
});

t.test('--fail-on lost fails when bpftrace could not keep up', {skip: reason}, async (t) => {
  const setting = await setUp(t);
  setting.workshop.file('www/large', payloadOf(1_048_576, 'random'));
  const tracer = await new Tracer(setting.workshop.folder, flagsOf(setting, '--fail-on', 'lost')).ready();
  const descendants = await descendantsOf(tracer.child.pid as number);
  const bpftrace = descendants.find((pid) => nameOf(pid) === 'bpftrace') as number;
  process.kill(bpftrace, 'SIGSTOP');
  await setting.get(24, 'large'); // more than the rings of two processors hold
  process.kill(bpftrace, 'SIGCONT');
  t.equal(await tracer.stop(), 6, tracer.errors);
  const {bytes, incomplete} = summaryOf(tracer.events);
  t.equal(incomplete, false);
  t.ok((bytes.lost ?? 0) > 0);
  t.equal(bytes.seen, bytes.captured + (bytes.cut ?? 0) + (bytes.lost ?? 0));
  t.equal(bytes.lost, bytes.lostByGaps);
});

const nameOf = (pid: number) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim();

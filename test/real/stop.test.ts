import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, mkdirSync, readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import t from 'tap';
import {descendantsOf} from '../../src/targets/index.js';
import {flagsOf, page, setUp, textOf} from './trace-setting.js';
import {cannotTrace, cli, dataOf, eventsIn, summaryOf, Tracer} from './tracer.js';
import {isRunning, until} from './workshop.js';

const reason = cannotTrace();

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

const nameOf = (pid: number) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim();

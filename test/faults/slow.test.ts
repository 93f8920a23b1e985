import {execFileSync} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {totalmem} from 'node:os';
import {join} from 'node:path';
import {setTimeout as wait} from 'node:timers/promises';
import t from 'tap';
import {dialectOf} from '../../src/scripts/dialects.js';
import {descendantsOf} from '../../src/targets/index.js';
import {runCurl} from '../real/programs.js';
import {answer, bpftraceOf, setUp, watchRemains} from '../real/surroundings.js';
import {cannotTrace, dataOf, summaryOf, Tracer} from '../real/tracer.js';
import {isRunning, payloadOf, until, Workshop} from '../real/workshop.js';

const reason = cannotTrace();
const forMs = 60_000;

/** Resident memory in MB, from VmRSS in /proc/PID/status, see proc(5). */
const residentOf = (pid: number) =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

const median = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1] as number;

t.test('a reader of 1 KB/s costs bytes, which are counted, and neither memory nor time', {skip: reason}, async (t) => {
  const surroundings = await setUp(t);
  const {workshop, own, port, env} = surroundings;
  workshop.file('www/large', payloadOf(1_000_000, 'random'));
  const tracer = await new Tracer(workshop.folder, ['--lib', own, '--format', 'ndjson'], env).ready();
  const leavesNothing = await watchRemains(t, surroundings, tracer);
  const bpftrace = await bpftraceOf(tracer);
  const get = async () => {
    const from = Date.now();
    await runCurl(workshop, ['--output', '/dev/null', `https://127.0.0.1:${port}/large`]);
    return Date.now() - from;
  };
  const before: number[] = [];
  for (let times = 0; times < 5; times++) before.push(await get());

  tracer.read(1024, 1000);
  const during: number[] = [];
  const resident: {tlsKit: number; bpftrace: number}[] = [];
  const deadline = Date.now() + forMs;
  while (Date.now() < deadline) {
    during.push(await get());
    resident.push({tlsKit: residentOf(tracer.child.pid as number), bpftrace: residentOf(bpftrace)});
    await wait(500);
  }
  tracer.read(Infinity, 0);
  t.equal(await tracer.stop(), 0, tracer.errors);

  const half = resident[resident.length >> 1];
  const last = resident.at(-1);
  for (const program of ['tlsKit', 'bpftrace'] as const) {
    const [middle = 0, end = Infinity] = [half?.[program], last?.[program]];
    t.ok(end < 250, `${program} has ${end.toFixed(0)} MB`);
    t.ok(end - middle < 10, `${(end - middle).toFixed(1)} MB more than half a minute before`);
  }
  t.ok(median(during) < 3 * median(before), `a request took ${median(during)} ms, and ${median(before)} ms before`);
  const {bytes, incomplete, malformedLines} = summaryOf(tracer.events);
  t.strictSame({incomplete, malformedLines}, {incomplete: false, malformedLines: 0});
  t.ok((bytes.lost ?? 0) > 0, `${bytes.lost} of ${bytes.seen} bytes were lost`);
  t.equal(bytes.seen, bytes.captured + (bytes.cut ?? 0) + (bytes.lost ?? 0));
  // The second measure of the loss is no better than the records of connections that ended, which are lost like all others.
  const captured = dataOf(tracer.events).reduce((sum, event) => sum + event.captured, 0);
  t.equal(captured, bytes.captured);
  await leavesNothing();
});

t.test('a bpftrace that hangs is killed, after which nothing is left', async (t) => {
  const workshop = new Workshop();
  t.teardown(() => workshop.close());
  const fixtures = join(import.meta.dirname, '../fixtures');
  const env = {
    NODE_OPTIONS: '',
    FAKE_RECORDING: join(fixtures, 'recordings/exchange-0.17.json'),
    FAKE_END: 'stall',
  };
  const words = ['--bpftrace', join(fixtures, 'bin/bpftrace'), '--lib', process.execPath, '--format', 'ndjson'];
  const asked = await new Tracer(workshop.folder, words, env).ready();
  const killed = await new Tracer(workshop.folder, words, env).ready();
  const processes = [asked, killed].map(({child}) => descendantsOf(child.pid as number));
  const all = (await Promise.all(processes)).flat();
  t.equal(await killed.stop('SIGKILL'), -1);
  t.equal(await asked.stop(), 5);
  t.equal(dataOf(asked.events).length, 4, 'what came before is kept');
  t.equal(summaryOf(asked.events).incomplete, true);
  await until(() => !all.some(isRunning), 'the keepers and what they kept to end');
});

t.test('a ring that memory does not hold is told, and all is counted as lost', {skip: reason}, async (t) => {
  const surroundings = await setUp(t);
  const {workshop, own, port, env} = surroundings;
  workshop.file('www/page', answer);
  const pages = 2 ** Math.ceil(Math.log2(totalmem() / 4096)); // on each processor
  const greedy = workshop.file(
    'bpftrace',
    `#!/bin/sh\nexport BPFTRACE_PERF_RB_PAGES=${pages}\nexec bpftrace "$@"\n`,
    0o755,
  );
  const {ring} = dialectOf(execFileSync('bpftrace', ['--version'], {encoding: 'utf8'}));
  const skip =
    ring.of === 'machine' && 'the ring of this bpftrace is set in the script, and is made or refused at its start';
  t.test('one for each processor', {skip}, async (t) => {
    const tracer = await new Tracer(
      workshop.folder,
      ['--lib', own, '--bpftrace', greedy, '--format', 'ndjson'],
      env,
    ).ready();
    const leavesNothing = await watchRemains(t, surroundings, tracer);
    await runCurl(workshop, ['--output', '/dev/null', `https://127.0.0.1:${port}/page`]);
    t.equal(await tracer.stop(), 0, tracer.errors);
    t.match(tracer.output, 'no memory for the ring');
    const {bytes, incomplete} = summaryOf(tracer.events);
    t.equal(incomplete, false);
    t.equal(bytes.captured, 0);
    t.ok((bytes.seen ?? 0) >= 2 * answer.length);
    t.equal(bytes.lost, bytes.seen);
    await leavesNothing();
  });
});

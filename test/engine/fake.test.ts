import {createHash} from 'node:crypto';
import {existsSync, mkdirSync, readdirSync, readFileSync} from 'node:fs';
import {basename, join} from 'node:path';
import t, {type Test} from 'tap';
import type {TraceEvent} from '../../src/model.js';
import {descendantsOf} from '../../src/targets/index.js';
import {isRoot, tlsKit} from '../commands/tls-kit.js';
import {systemLibrary} from '../real/programs.js';
import {dataOf, eventsIn, summaryOf, Tracer} from '../real/tracer.js';
import {isRunning, until, Workshop} from '../real/workshop.js';

const fixtures = join(import.meta.dirname, '../fixtures');
const fake = join(fixtures, 'bin/bpftrace');
const recordingOf = (version: string) => join(fixtures, `recordings/exchange-${version}.json`);
const skip = !isRoot && 'tls-kit trace asks for root first';

interface Stage {
  readonly workshop: Workshop;
  /** Where tls-kit and what it starts may make temporary files. */
  readonly temporary: string;
  /** Starts tls-kit with the fake. */
  readonly trace: (role: Readonly<Record<string, string>>, ...words: readonly string[]) => Tracer;
}

async function setUp(t: Test): Promise<Stage> {
  const workshop = new Workshop();
  t.teardown(() => workshop.close());
  const temporary = join(workshop.folder, 'tmp');
  mkdirSync(temporary);
  const library = await systemLibrary('libssl');
  const trace: Stage['trace'] = (role, ...words) =>
    new Tracer(workshop.folder, ['--bpftrace', fake, '--lib', library, '--format', 'ndjson', ...words], {
      NODE_OPTIONS: '',
      TMPDIR: temporary,
      FAKE_RECORDING: recordingOf('0.17'),
      ...role,
    });
  return {workshop, temporary, trace};
}

/** Events without what a trace adds to its recording: who ran it, and how long. The clock of 0.11 is tied to the run's own. */
function withoutRun(events: readonly TraceEvent[], version: string): unknown {
  // A process of today may have the pid of one that was recorded: then /proc tells of it.
  const own = ['durationNs', 'startedAt', 'exe', 'cgroup', 'argv', ...(version === '0.11' ? ['time'] : [])];
  const recorded = events.filter(({type}) => type !== 'session');
  return JSON.parse(JSON.stringify(recorded, (key, value) => (own.includes(key) ? undefined : value)));
}

/** Nothing is left of a tracer's processes and temporary files. */
async function leavesNothing(t: Test, {temporary}: Stage, processes: readonly number[]): Promise<void> {
  t.ok(processes.length >= 2, 'a keeper and bpftrace were there');
  await until(() => !processes.some(isRunning), 'the keeper and bpftrace to end');
  t.strictSame(readdirSync(temporary), []);
}

for (const version of ['0.11', '0.17', '0.23', '0.27']) {
  t.test(`what bpftrace ${version} printed gives the events that replay gives`, {skip}, async (t) => {
    const stage = await setUp(t);
    const kept = join(stage.workshop.folder, 'script.bt');
    const role = {
      FAKE_VERSION: version,
      FAKE_RECORDING: recordingOf(version),
      FAKE_SCRIPT: kept,
      FAKE_LINKS: stage.workshop.file('perf_event'),
    };
    const tracer = await stage.trace(role).ready();
    const processes = await descendantsOf(tracer.child.pid as number);
    t.equal(await tracer.stop(), 0, tracer.errors);
    await leavesNothing(t, stage, processes);

    const replayed = await tlsKit(['replay', '--format', 'ndjson', '--no-redact', recordingOf(version)]);
    t.ok(dataOf(tracer.events).length >= 4);
    t.strictSame(withoutRun(tracer.events, version), withoutRun(eventsIn(replayed.stdout), version));
    const [session] = tracer.events;
    const sha256 = createHash('sha256').update(readFileSync(kept)).digest('hex');
    t.match(session, {type: 'session', scriptSha256: sha256}, 'the script of the session is the one that ran');
  });
}

for (const [end, how] of [
  ['exit 3', /bpftrace ended with status 3/],
  ['exit 0', /bpftrace ended with status 0/],
  ['kill SIGSEGV', /bpftrace was ended by signal 11/],
  ['kill SIGKILL', /bpftrace was ended by signal 9/],
] as const) {
  t.test(`a bpftrace that ends by ${end} leaves what it printed, said to be incomplete`, {skip}, async (t) => {
    const stage = await setUp(t);
    const capture = join(stage.workshop.folder, 'capture.ndjson');
    const tracer = stage.trace({FAKE_END: end}, '-w', capture, '--print');
    t.equal(await tracer.ended(), 5, tracer.errors);
    t.equal(dataOf(tracer.events).length, 4);
    const {bytes, incomplete} = summaryOf(tracer.events);
    t.strictSame(
      {incomplete, seen: bytes.seen, lost: bytes.lost},
      {incomplete: true, seen: undefined, lost: undefined},
    );
    t.match(tracer.output, how);
    t.equal(readFileSync(capture, 'utf8'), tracer.output);
    t.strictSame(readdirSync(stage.temporary), []);
  });
}

t.test('a bpftrace that never says that the gate is closed is stopped all the same', {skip}, async (t) => {
  const stage = await setUp(t);
  const tracer = await stage.trace({FAKE_END: 'no marks'}, '--duration', '1s').ready();
  const processes = await descendantsOf(tracer.child.pid as number);
  t.equal(await tracer.ended(), 0, tracer.errors);
  t.equal(dataOf(tracer.events).length, 4);
  t.equal(summaryOf(tracer.events).incomplete, false);
  t.match(tracer.output, 'no memory for the ring');
  await leavesNothing(t, stage, processes);
});

t.test('garbage on its output is counted, and the rest is shown', {skip}, async (t) => {
  const stage = await setUp(t);
  const lines = readFileSync(recordingOf('0.17'), 'latin1').split('\n');
  const garbage = [
    '\u0000\u00ff\u00fe',
    '{"type": "printf", "data": ',
    'D|1|2',
    '{"type": "printf", "data": "D|x|\\n"}',
    'é',
  ];
  const damaged = lines.flatMap((line, index) =>
    index > 20 && index < 26 ? [garbage[index - 21] as string, line] : [line],
  );
  const recording = stage.workshop.file('damaged.json', Buffer.from(damaged.join('\n'), 'latin1'));
  const tracer = await stage.trace({FAKE_RECORDING: recording}).ready();
  t.equal(await tracer.stop(), 0, tracer.errors);
  t.equal(dataOf(tracer.events).length, 4);
  t.ok(summaryOf(tracer.events).malformedLines >= 4, String(summaryOf(tracer.events).malformedLines));
  t.equal(summaryOf(tracer.events).incomplete, false);
});

t.test('a bpftrace that prints only garbage is said to be incomplete', {skip}, async (t) => {
  const stage = await setUp(t);
  const recording = stage.workshop.file('garbage', Buffer.from('\u0001 no record\n'.repeat(50_000)));
  const tracer = await stage.trace({FAKE_RECORDING: recording}).ready();
  t.equal(await tracer.stop(), 5, tracer.errors);
  t.match(summaryOf(tracer.events), {incomplete: true, malformedLines: 50_000, events: 0});
});

for (const [said, status, message] of [
  ['stdin:1:1-2: ERROR: syntax error, unexpected }', 5, 'This bpftrace does not understand the script.'],
  ['ERROR: Could not resolve symbol: /lib/libssl.so.3:SSL_x', 4, 'bpftrace finds no symbol /lib/libssl.so.3:SSL_x.'],
  ['ERROR: bpftrace currently only supports running as the root user.', 3, 'bpftrace must run as root.'],
  ['ERROR: nobody knows', 5, /bpftrace ended with status 1 before it traced: ERROR: nobody knows/],
] as const) {
  t.test(`a refusal is told in plain words: ${said}`, {skip}, async (t) => {
    const stage = await setUp(t);
    const tracer = stage.trace({FAKE_REFUSAL: said});
    t.equal(await tracer.ended(), status);
    t.equal(tracer.errors.match(/^Error: /gm)?.length, 1, tracer.errors);
    t.match(tracer.errors.replaceAll(/\s+/g, ' '), message);
    t.match(tracer.errors, /^Try this:/m);
    t.strictSame(
      tracer.events.map(({type}) => type),
      ['session'],
    );
    t.strictSame(readdirSync(stage.temporary), []);
  });
}

t.test('a version that is too old is refused before anything runs', {skip}, async (t) => {
  const stage = await setUp(t);
  const kept = join(stage.workshop.folder, 'script.bt');
  const tracer = stage.trace({FAKE_VERSION: '0.10.0', FAKE_SCRIPT: kept});
  t.equal(await tracer.ended(), 3);
  t.match(tracer.errors, 'bpftrace 0.10 is too old');
  t.notOk(existsSync(kept), basename(kept));
});

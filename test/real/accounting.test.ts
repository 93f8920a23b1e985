import t, {type Test} from 'tap';
import {onlineProcessors} from '../../src/engine/engine.js';
import {beside, systemLibrary} from './programs.js';
import {isPattern, type Sender, startSender} from './senders.js';
import {cannotTrace, dataOf, firstInvalid, summaryOf, Tracer} from './tracer.js';
import {Workshop} from './workshop.js';

const reason = cannotTrace();

interface Load {
  readonly tracer: Tracer;
  readonly senders: readonly Sender[];
}

/** Senders on every processor, before a bpftrace whose ring holds next to nothing. */
async function setUp(t: Test, bytes: number): Promise<Load> {
  const workshop = new Workshop();
  t.teardown(() => workshop.close());
  const libssl = await systemLibrary('libssl');
  const own = workshop.copyLibrary(libssl, beside(libssl));
  const script = '#!/bin/sh\nBPFTRACE_PERF_RB_PAGES=32 exec bpftrace "$@"\n';
  const tiny = workshop.file('bpftrace', script, 0o755);
  const senders = await Promise.all((await onlineProcessors()).map((each) => startSender(workshop, each, bytes)));
  const words = ['--bpftrace', tiny, '--lib', own, '--format', 'ndjson', '--show', 'calls'];
  const tracer = await new Tracer(workshop.folder, words).ready();
  return {tracer, senders};
}

/** All that holds however much was lost. */
function addsUp(t: Test, {tracer, senders}: Load): void {
  const {events} = tracer;
  const {bytes, incomplete, lostEvents, malformedLines} = summaryOf(events);
  t.equal(incomplete, false);
  t.equal(malformedLines, 0);
  t.equal(firstInvalid(events), undefined);
  t.equal(bytes.seen, bytes.captured + (bytes.cut ?? 0) + (bytes.lost ?? 0));
  t.equal(bytes.lost, bytes.lostByGaps, 'lost by totals is lost by gaps');
  t.ok((bytes.lost ?? 0) > 0, 'the ring was too small');
  t.ok(lostEvents > 0, 'which bpftrace reported');
  const data = dataOf(events);
  for (const {pid} of senders)
    t.ok(
      data.some((event) => event.pid === pid),
      'every sender is seen',
    );
  t.equal(
    data.reduce((sum, {captured}) => sum + captured, 0),
    bytes.captured,
  );
  t.strictSame(
    data.filter((event) => !isPattern(event)).map(({offset, length, gaps}) => ({offset, length, gaps})),
    [],
    'what arrived is intact, and where it belongs',
  );
}

t.test('what the senders have moved is seen to the byte, whatever is lost', {skip: reason}, async (t) => {
  const load = await setUp(t, 6_000_000);
  for (const {begin} of load.senders) begin();
  const moved = await Promise.all(load.senders.map((each) => each.moved));
  t.equal(await load.tracer.stop(), 0, load.tracer.errors);
  const total = moved.reduce((sum, each) => sum + each, 0);
  t.equal(total, load.senders.length * 2 * 6_000_000);
  t.equal(summaryOf(load.tracer.events).bytes.seen, total);
  addsUp(t, load);
});

t.test('a stop in the middle of the load leaves an account that adds up', {skip: reason}, async (t) => {
  const load = await setUp(t, 1e12);
  for (const {begin} of load.senders) begin();
  await new Promise((resolve) => setTimeout(resolve, 1500));
  t.equal(await load.tracer.stop(), 0, load.tracer.errors);
  for (const {halt} of load.senders) halt();
  const moved = await Promise.all(load.senders.map((each) => each.moved));
  const total = moved.reduce((sum, each) => sum + each, 0);
  t.ok((summaryOf(load.tracer.events).bytes.seen ?? 0) < total, 'they went on after it');
  addsUp(t, load);
});

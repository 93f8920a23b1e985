import {Readable} from 'node:stream';
import fc from 'fast-check';
import t from 'tap';
import type {SummaryEvent} from '../../src/events.js';
import {createParser, toLines} from '../../src/parsers/index.js';
import {eventsOf, Kernel, only, printed} from './support/kernel.js';
import {validate} from './support/validate.js';

const call = fc.record({
  pid: fc.integer({min: 1, max: 3}),
  session: fc.integer({min: 1, max: 2}),
  deed: fc.constantFrom('receive', 'send', 'peek'),
  bytes: fc.uint8Array({minLength: 1, maxLength: 100}),
});
const step = fc.oneof({weight: 8, arbitrary: call}, {weight: 1, arbitrary: fc.constantFrom('end', 'exit')});

const runs = (ticksNs: fc.Arbitrary<number>) =>
  fc
    .record({
      form: fc.constantFrom('words', 'chunks', 'whole'),
      snaplen: fc.integer({min: 0, max: 80}),
      steps: fc.array(step, {maxLength: 40}),
      tickNs: ticksNs,
    })
    .map(({form, snaplen, steps, tickNs}) => {
      const kernel = new Kernel(form, snaplen, tickNs);
      for (const pid of [1, 2, 3]) kernel.process(pid, `p${pid}`);
      for (const each of steps) {
        if (each === 'end') kernel.end(1, 1);
        else if (each === 'exit') kernel.exit(2);
        else kernel.call(each);
      }
      return kernel;
    });

/** All within the hold-back. */
const run = runs(fc.constant(1_000_000));
/** Beyond it too. */
const longRun = runs(fc.constantFrom(1_000_000, 70_000_000, 900_000_000));

/** The records as several processors may hand them over: those of each thread in order. */
function shuffledRecords(kernel: Kernel, dice: fc.Stream<number>): string[] {
  const threads = new Map<number, string[]>();
  for (const {thread, text} of kernel.records) threads.set(thread, [...(threads.get(thread) ?? []), text]);
  const shuffled: string[] = [];
  while (threads.size > 0) {
    const names = [...threads.keys()];
    const name = names[dice.next().value % names.length] as number;
    const rest = threads.get(name) as string[];
    shuffled.push(rest.shift() as string);
    if (rest.length === 0) threads.delete(name);
  }
  return shuffled;
}

t.test(
  'whatever records are lost, and however late others come: seen = captured + cut + lost, and the gaps say the same',
  (t) => {
    const property = fc.property(longRun, fc.infiniteStream(fc.nat()), (kernel, dice) => {
      // An X record stays: without it, nobody knows how far a connection that has gone had come.
      const kept = shuffledRecords(kernel, dice).filter((text) => text.startsWith('X') || dice.next().value % 5 > 0);
      const events = eventsOf([...kernel.head, ...kept.map(printed), ...kernel.totals]);
      for (const event of events) if (!validate(event)) throw new Error(JSON.stringify(validate.errors));
      const {bytes, incomplete, malformedLines} = events.at(-1) as SummaryEvent;
      const captured = only(events, 'data').reduce((sum, {peek, captured}) => sum + (peek ? 0 : captured), 0);
      const lost = kernel.seen - kernel.cut - captured;
      const expected = {seen: kernel.seen, captured, cut: kernel.cut, lost, lostByGaps: lost, peeked: kernel.peeked};
      if (JSON.stringify(bytes) !== JSON.stringify(expected)) {
        throw new Error(`${JSON.stringify(bytes)} is not ${JSON.stringify(expected)}`);
      }
      return !incomplete && malformedLines === 0;
    });
    t.doesNotThrow(() => fc.assert(property, {numRuns: 300}));
    t.end();
  },
);

t.test('where the end of a connection was lost, the gaps say nothing', async (t) => {
  const kernel = new Kernel('whole', 64);
  for (const deed of ['send', 'receive'] as const) kernel.call({pid: 1, session: 1, deed, bytes: new Uint8Array(10)});
  kernel.end(1, 1);
  const summaryWithout = (letter: string) => {
    const kept = kernel.records.filter(({text}) => !text.startsWith(letter));
    return eventsOf([...kernel.head, ...kept.map(({text}) => text), ...kernel.totals]).at(-1) as SummaryEvent;
  };
  t.equal(summaryWithout('X').bytes.lostByGaps, undefined);
  t.equal(summaryWithout('D').bytes.lostByGaps, 20);
});

t.test('payload is what the calls moved, with its gaps in the right places', (t) => {
  const property = fc.property(
    fc.constantFrom('words', 'chunks'),
    fc.uint8Array({minLength: 1, maxLength: 200}),
    fc.infiniteStream(fc.boolean()),
    (form, bytes, coin) => {
      const kernel = new Kernel(form, 150);
      kernel.call({pid: 1, session: 1, deed: 'receive', bytes});
      const kept = kernel.records.filter(({text}) => /^[DG]/.test(text) || coin.next().value);
      const [data] = only(eventsOf([...kernel.head, ...kept.map(({text}) => text)]), 'data');
      if (!data) return false;
      const carried = bytes.slice(0, 150);
      const missing = new Set(
        (data.gaps ?? []).flatMap(([at, length]) => Array.from({length}, (_, index) => at + index)),
      );
      const present = carried.filter((_, index) => !missing.has(index));
      return Buffer.from(data.payload, 'base64').equals(present) && data.captured === present.length;
    },
  );
  t.doesNotThrow(() => fc.assert(property, {numRuns: 300}));
  t.end();
});

t.test('the order of arrival of different threads does not matter', (t) => {
  const property = fc.property(run, fc.infiniteStream(fc.nat()), (kernel, dice) => {
    const inOrder = eventsOf([...kernel.head, ...kernel.records.map(({text}) => text), ...kernel.totals]);
    const events = eventsOf([...kernel.head, ...shuffledRecords(kernel, dice), ...kernel.totals]);
    return JSON.stringify(events) === JSON.stringify(inOrder);
  });
  t.doesNotThrow(() => fc.assert(property));
  t.end();
});

t.test('the chunks in which a recording is read do not matter', async (t) => {
  const property = fc.asyncProperty(run, fc.array(fc.integer({min: 1, max: 400})), async (kernel, sizes) => {
    const lines = [...kernel.head, ...kernel.records.map(({text}) => printed(text)), ...kernel.totals];
    const bytes = Buffer.from(`${lines.join('\n')}\n`, 'latin1');
    const chunks: Buffer[] = [];
    let at = 0;
    for (const size of [...sizes, bytes.length]) {
      chunks.push(bytes.subarray(at, at + size));
      at += size;
    }
    const parser = createParser();
    const events = [];
    for await (const line of toLines(Readable.from(chunks))) events.push(...parser.push(line));
    events.push(...parser.end());
    return JSON.stringify(events) === JSON.stringify(eventsOf(lines));
  });
  await t.resolves(fc.assert(property));
});

t.test('no line makes it throw, and each event it makes is a valid one', (t) => {
  const field = fc.constantFrom('0', '1', '5', 'ffffffffffffffff', '6500000003', '3', '61 62 63', '', '100000001', '|');
  const record = fc
    .tuple(fc.constantFrom('D', 'C', 'W', 'B', 'P', 'X', 'E', 'TK', 'L', 'F', 'S'), fc.array(field, {maxLength: 9}))
    .map(([letter, fields]) => [letter, ...fields].join('|'));
  const near = fc
    .tuple(fc.constantFrom('5', '6', 'ffffffffffffffff'), fc.constantFrom('2', '3'), fc.constantFrom('0', '3'))
    .chain(([time, since, offset]) =>
      fc.constantFrom(
        `D|${time}|1|100000001|2|${since}|${offset}|6500000003|3|`,
        `D|${time}|1|100000001|2|${since}|${offset}|12d00000003|3|61 62 63`,
        `C|1|${time}|0|3|61 62`,
        `X|${time}|1|2|${since}|${offset}|5`,
        `E|${time}|1`,
        `P|${time}|1||0|`,
        `@moved[1, 2, 1]: ${offset}`,
        `@connection[1, 2]: ${since}`,
        `@connection[, -2]: ${since}`,
        '@bytes_seen: 3',
        '@record_version: 1',
        `TK|1|${time}|1700000000`,
        '{"type": "printf", "data": "TK|"}',
        '{"type": "time", "data": "1"}',
        'Lost 5 events',
      ),
    );
  const property = fc.property(fc.array(fc.oneof(near, near, record, fc.string()), {maxLength: 40}), (lines) => {
    const parser = createParser();
    const events = [...lines.flatMap((line) => [...parser.push(line), ...parser.flush()]), ...parser.end()];
    for (const event of events) if (!validate(event)) throw new Error(JSON.stringify([event, validate.errors]));
    return events[0]?.type === 'session' && events.at(-1)?.type === 'summary' && only(events, 'summary').length === 1;
  });
  t.doesNotThrow(() => fc.assert(property, {numRuns: 2000}));
  t.end();
});

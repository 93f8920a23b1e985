import {readFileSync} from 'node:fs';
import {Readable} from 'node:stream';
import t from 'tap';
import type {SummaryEvent, TraceEvent} from '../../src/events.js';
import {readCapture, sniff, toLines} from '../../src/parsers/index.js';
import {eventsOf, Kernel, only} from './support/kernel.js';
import {validate} from './support/validate.js';

async function readBack(text: string): Promise<TraceEvent[]> {
  const events: TraceEvent[] = [];
  for await (const event of readCapture(toLines(Readable.from([Buffer.from(text)])), validate)) events.push(event);
  for (const event of events) if (!validate(event)) throw new Error(JSON.stringify(validate.errors));
  return events;
}

function capture(): TraceEvent[] {
  const kernel = new Kernel('whole', 2);
  kernel.process(7, 'žluť');
  kernel.call({pid: 7, session: 1, deed: 'peek', bytes: Buffer.from('abc')});
  kernel.call({pid: 7, session: 1, deed: 'receive', bytes: Buffer.from('abc')});
  kernel.call({pid: 7, session: 1, deed: 'send', bytes: Buffer.from('d')});
  return eventsOf([...kernel.head, ...kernel.records.map(({text}) => text), ...kernel.totals]);
}

const asText = (events: readonly TraceEvent[]) => events.map((event) => `${JSON.stringify(event)}\n`).join('');

t.test('a capture is read back as it was written, names in any script included', async (t) => {
  const events = capture();
  t.match(events[1], {comm: 'žluť'});
  t.same(await readBack(asText(events)), events);
});

t.test('a capture that stops in mid-line gets a summary of what came, and is incomplete', async (t) => {
  const whole = asText(capture().slice(0, -1));
  const events = await readBack(`${whole}{"type":"loss","events":3,"cause":"ring"}\n{"type":"data","ti`);
  t.match(events.at(-1), {
    type: 'summary',
    events: 3,
    bytes: {captured: 3},
    lostEvents: 3,
    malformedLines: 1,
    incomplete: true,
    durationNs: 2_000_000,
    byProcess: [{pid: 7, comm: 'žluť', events: 3, bytesSent: 1, bytesReceived: 3}],
    byConnection: [{connection: '7.1', pid: 7, bytesSent: 1, bytesReceived: 3}],
  });
  t.match(only(events, 'warning'), [{code: 'malformed-line'}]);
});

t.test('a line that is no event is counted, and no event', async (t) => {
  const [session, process, ...rest] = capture() as [TraceEvent, TraceEvent, ...TraceEvent[]];
  const strange = '{"type":"data"}\n[]\nnull\n{"type":"process","pid":-1}\n{"type":"constructor"}\n\n';
  const events = await readBack(asText([session, process]) + strange + asText(rest));
  t.equal((events.at(-1) as SummaryEvent).malformedLines, 5);
  t.same(events.length, rest.length + 3, 'one warning more');
});

t.test('what follows a summary, or a second session, is not taken for the same capture', async (t) => {
  const events = capture();
  t.match((await readBack(asText([...events, ...events]))).at(-1), {malformedLines: events.length, incomplete: false});
  const twice = await readBack(asText([...events.slice(0, 2), ...events]));
  t.equal(only(twice, 'session').length, 1);
});

t.test('an empty or headless capture still begins with a session and ends with a summary', async (t) => {
  t.same(
    (await readBack('')).map(({type}) => type),
    ['session', 'summary'],
  );
  t.same(
    (await readBack('nothing\n')).map(({type}) => type),
    ['session', 'summary'],
  );
  t.same(
    (await readBack(asText(capture().slice(1, 2)))).map(({type}) => type),
    ['session', 'process', 'summary'],
  );
});

t.test('tells what a file holds by its first line', (t) => {
  const recordings = new URL('../fixtures/recordings/', import.meta.url);
  for (const version of ['0.11', '0.17', '0.23', '0.27']) {
    for (const format of ['json', 'text']) {
      for (const line of readFileSync(new URL(`exchange-${version}.${format}`, recordings), 'latin1')
        .split('\n')
        .slice(0, 5)) {
        t.equal(line === '' ? 'records' : sniff(line), 'records', line);
      }
    }
  }
  for (const event of capture()) t.equal(sniff(JSON.stringify(event)), 'capture');
  for (const line of ['', 'hello', '{}', '{"type":"other"}', '{"type":5}', '[', 'null', '{"log":{}}']) {
    t.equal(sniff(line), 'unknown', line);
  }
  t.end();
});

import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import type {Test} from 'tap';
import type {TraceEvent} from '../../src/model.js';
import {createCaptureFile} from '../../src/sinks/capture-file.js';
import {
  createCurlSink,
  createHarSink,
  createNdjsonSink,
  createPcapngSink,
  createTextSink,
  ReportFold,
  reportHtml,
  reportText,
} from '../../src/sinks/index.js';
import {createUnderstanding} from '../../src/understand.js';
import type {Call} from '../protocols/support/events.js';
import {summary} from '../sinks/events.js';

export const session: TraceEvent = {type: 'session', schema: 1, tlsKit: '0.1.0', what: ['openssl'], targets: []};

/** What each sink wrote, and what can be made of that: one text for each. */
export type Outputs = Record<string, string>;

/** What every sink makes of events as they are to be shown. */
export async function outputsOf(t: Test, events: readonly TraceEvent[]): Promise<Outputs> {
  const written: Outputs = {text: '', hex: '', ndjson: '', har: '', curl: '', pcapng: ''};
  const to = (name: string) => (text: string | Uint8Array) => {
    written[name] += typeof text === 'string' ? text : Buffer.from(text).toString('latin1');
  };
  const path = join(t.testdirName, 'capture.ndjson');
  t.testdir({});
  const text = {colour: false, time: 'utc', show: {headers: true, body: true, calls: true}} as const;
  const sinks = [
    createTextSink({...text, out: to('text'), err: to('text'), payload: 'text'}),
    createTextSink({...text, out: to('hex'), err: to('hex'), payload: 'hex'}),
    createNdjsonSink(to('ndjson')),
    createHarSink(to('har'), {name: 'tls-kit', version: '0'}),
    createCurlSink(to('curl')),
    createPcapngSink(to('pcapng'), 'tls-kit'),
    createCaptureFile(path),
  ];
  const fold = new ReportFold();
  for (const event of [...events, summary]) {
    fold.add(event);
    for (const sink of sinks) await sink.write(event);
  }
  for (const sink of sinks) await sink.close();
  const report = fold.report();
  return {
    ...written,
    report: reportText(report, false),
    page: reportHtml(report),
    capture: readFileSync(path, 'utf8'),
    dumped: dumped(written.hex ?? ''),
    ...contentOf(events),
  };
}

/** What the sinks make their outputs of: the events, the bytes of each direction, and what can be read in those. */
export function contentOf(events: readonly TraceEvent[]): Outputs {
  return {events: JSON.stringify(events), ...streams(events), readAgain: readAgain(events)};
}

/** What the hexdumps show. */
function dumped(hex: string): string {
  return [...hex.matchAll(/^ *[0-9a-f]{8} {2}([0-9a-f ]+) \|/gm)]
    .map(([, digits = '']) => Buffer.from(digits.replaceAll(' ', ''), 'hex').toString('latin1'))
    .join('');
}

/** The bytes of each direction, its calls joined. */
function streams(events: readonly TraceEvent[]): Outputs {
  const joined: Record<string, Buffer[]> = {send: [], receive: [], socket: []};
  for (const event of events) {
    if (event.type === 'data') joined[event.direction]?.push(Buffer.from(event.payload, 'base64'));
    if (event.type === 'socket') joined.socket?.push(Buffer.from(event.payload ?? '', 'base64'));
  }
  return Object.fromEntries(
    Object.entries(joined).map(([name, payloads]) => [`${name} joined`, Buffer.concat(payloads).toString('latin1')]),
  );
}

/** What is decoded when somebody takes the calls of a capture for ones that nobody has read: decompressed, and HPACK undone. */
function readAgain(events: readonly TraceEvent[]): string {
  const understand = createUnderstanding({redact: 'off'});
  const calls = events.filter(({type}) => type !== 'message' && type !== 'session');
  return JSON.stringify([session, ...calls, summary].flatMap((event) => [...understand(event)]).filter(isMessage));
}

function isMessage({type}: TraceEvent): boolean {
  return type === 'message';
}

/** Each call in two: at the same offset, or so far from its end. */
export function cutAnywhere(calls: readonly Call[], at: number): Call[] {
  return calls.flatMap((call) => {
    const where = at < 0 ? call.bytes.length + at : at;
    if (where <= 0 || where >= call.bytes.length) return [call];
    return [
      {...call, bytes: call.bytes.subarray(0, where)},
      {...call, bytes: call.bytes.subarray(where)},
    ];
  });
}

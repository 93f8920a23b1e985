/**
 * Secrets in every place where they are said to be masked, whole and cut at every offset, looked for in every output. The same
 * conversations unmasked show that what is looked for would be found.
 */
import t, {type Test} from 'tap';
import type {TraceEvent} from '../../src/model.js';
import {createUnderstanding} from '../../src/understand.js';
import type {Call} from '../protocols/support/events.js';
import {closing, eventsOf} from '../protocols/support/events.js';
import {contentOf, cutAnywhere, type Outputs, outputsOf, session} from './outputs.js';
import {conversations, fragment, http1, json, plant, planted} from './secrets.js';

/** Every so many cuts all sinks are asked. At the others, what they make their outputs of is looked into, which is faster. */
const cutsARound = 32;

function understood(events: readonly TraceEvent[], redact: readonly string[] | 'off' = []): TraceEvent[] {
  const understand = createUnderstanding({redact});
  return [session, ...events].flatMap((event) => [...understand(event)]);
}

function eventsOfAll(calls: readonly Call[]): TraceEvent[] {
  const moved = (direction: Call['direction']) =>
    calls.reduce((sum, call) => sum + (call.direction === direction ? call.bytes.length : 0), 0);
  return [...eventsOf(calls), closing('c1', {bytesSent: moved('send'), bytesReceived: moved('receive')})];
}

/** Where a piece of a secret stands, and what stands around it. */
function leaks(outputs: Outputs): string[] {
  return Object.entries(outputs).flatMap(([name, output]) => {
    const found = fragment.exec(output);
    return found ? [`${name}: ${JSON.stringify(output.slice(Math.max(0, found.index - 60), found.index + 40))}`] : [];
  });
}

/** When nothing is masked, each secret is in some output. */
async function allAreThere(t: Test, events: readonly TraceEvent[]): Promise<void> {
  const all = Object.values(await outputsOf(t, understood(events, 'off'))).join('\n');
  t.strictSame(
    [...planted].filter((secret) => !all.includes(secret)),
    [],
    'each is there when nothing is masked',
  );
}

async function holdsNone(t: Test, events: readonly TraceEvent[], what: string, isWhole = true): Promise<void> {
  const masked = understood(events);
  const found = leaks(isWhole ? await outputsOf(t, masked) : contentOf(masked));
  if (found.length > 0) t.fail(`${what}\n${found.join('\n')}`);
}

for (const [name, make] of Object.entries(conversations)) {
  t.test(`${name}: no secret is in any output, whole or cut anywhere`, async (t) => {
    planted.clear();
    const calls = make();
    await allAreThere(t, eventsOfAll(calls));
    const masked = understood(eventsOfAll(calls));
    const outputs = await outputsOf(t, masked);
    t.strictSame(leaks(outputs), []);
    t.match(outputs.text, /<redacted \d+B #[0-9a-f]{4}>/);
    const longest = Math.max(...calls.map(({bytes}) => bytes.length));
    for (let at = 1; at < longest; at++) {
      const isWhole = at % cutsARound === 0;
      await holdsNone(t, eventsOfAll(cutAnywhere(calls, at)), `cut at ${at}`, isWhole);
      const short = calls.map((call) => ({...call, cut: Math.max(0, call.bytes.length - at)}));
      await holdsNone(t, eventsOfAll(short), `the first ${at}`, isWhole);
    }
  });
}

t.test('byte by byte, none is shown either', async (t) => {
  const calls = http1(json(), 'application/json');
  const bytes = calls.flatMap(({direction, bytes: all}) =>
    [...all].map((byte) => ({direction, bytes: Buffer.from([byte])})),
  );
  await holdsNone(t, eventsOfAll(bytes), 'byte by byte');
});

t.test('of a chunked body, none is shown wherever its chunks end', async (t) => {
  const body = JSON.stringify({password: plant(), url: `https://ann:${plant()}@h/?token=${plant()}`});
  for (let at = 1; at < body.length; at++) {
    const calls = http1(body, 'application/json', {chunkedAt: at});
    await holdsNone(t, eventsOfAll(calls), `a chunk that ends at ${at}`, false);
    await holdsNone(t, eventsOfAll(cutAnywhere(calls, -at)), `a chunk, and a call ${at} from its end`, false);
  }
});

t.test('command lines and sentences hold none', async (t) => {
  planted.clear();
  const words = [
    [
      'curl',
      '-u',
      `ann:${plant()}`,
      '-H',
      `Authorization: Bearer ${plant()}`,
      `https://a:${plant()}@h/?token=${plant()}`,
    ],
    ['curl', `-uann:${plant()}`, '-d', `password=${plant()}`, '-b', `sid=${plant()}`, `-HX-Api-Key: ${plant()}`],
    ['mysql', `-p${plant()}`, `--password=${plant()}`, '--token', plant()],
    ['redis-cli', '-a', plant()],
    ['sh', '-c', `curl -u ann:${plant()} -H 'X-Api-Key: ${plant()}' --password ${plant()} https://x/`],
    ['env', `DB_PASSWORD=${plant()}`, `AWS_SECRET_ACCESS_KEY=${plant()}`, 'true'],
  ];
  const time = '2026-11-23T04:26:57.121000000Z';
  const events: TraceEvent[] = [
    {type: 'session', schema: 1, tlsKit: '0.1.0', what: ['openssl'], targets: [], command: words[0] as string[]},
    ...words.map((argv, pid): TraceEvent => ({type: 'process', pid, argv})),
    {type: 'warning', code: 'x', message: `it said token=${plant()}`},
    {
      type: 'handshake',
      time,
      pid: 1,
      source: 'wire',
      result: 'failed',
      explanation: `The peer said "Authorization: Basic ${plant()}"`,
      plainAnswer: {direction: 'receive', line: `GET /?token=${plant()}`},
    },
  ];
  await allAreThere(t, events);
  t.strictSame(leaks(await outputsOf(t, understood(events))), []);
});

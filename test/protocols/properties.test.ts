import * as http2 from 'node:http2';
import fc from 'fast-check';
import t from 'tap';
import type {DataEvent} from '../../src/events.js';
import {ConnectionProtocol} from '../../src/protocols/connection-protocol.js';
import {defaultLimits, type MessageEvent} from '../../src/protocols/index.js';
import {befallen, conversation, fates, segmented} from './support/conversations.js';
import {type Call, decode, eventsOf, receive, send} from './support/events.js';
import {data, frame, preface, request, settings} from './support/frames.js';
import {listen, record} from './support/recording.js';
import {http2Server} from './support/servers.js';

const runs = {numRuns: 300};

/** Pieces that parsers take notice of, between bytes that mean nothing. */
const piece = fc.oneof(
  fc.uint8Array({maxLength: 60}).map((bytes) => Buffer.from(bytes)),
  fc
    .constantFrom(
      'GET / HTTP/1.1\r\n',
      'POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n',
      'PUT / HTTP/1.0\r\nContent-Length: 10\r\n\r\n',
      'GET /w HTTP/1.1\r\nUpgrade: websocket\r\n\r\n',
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n',
      'HTTP/1.1 200 OK\r\n',
      'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: x\n\n',
      'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 20\r\n\r\n',
      'CONNECT a:1 HTTP/1.1\r\n\r\n',
      '\r\n',
      '\r\n\r\n',
      'ffffffffffff\r\n',
      '5\r\nabcde\r\n0\r\n\r\n',
      'a: b\r\n',
    )
    .map((text) => Buffer.from(text)),
  fc.constantFrom(preface, settings, request(1, '/1'), data(1, 'x', 1)),
  fc
    .record({
      type: fc.integer({min: 0, max: 10}),
      flags: fc.integer({min: 0, max: 255}),
      id: fc.integer({min: 0, max: 5}),
    })
    .chain(({type, flags, id}) =>
      fc.uint8Array({maxLength: 40}).map((bytes) => frame(type, flags, id, Buffer.from(bytes))),
    ),
);

const anyCalls = fc.array(
  fc
    .record({
      direction: fc.constantFrom('send' as const, 'receive' as const),
      pieces: fc.array(piece, {minLength: 1, maxLength: 4}),
    })
    .map(({direction, pieces}): Call => ({direction, bytes: Buffer.concat(pieces)})),
  {maxLength: 25},
);

t.test('no bytes make it throw, and no more is called opaque than was captured', async (t) => {
  fc.assert(
    fc.property(anyCalls, fates, (calls, all) => {
      const captured = eventsOf(befallen(calls, all)).reduce((sum, event) => sum + event.captured, 0);
      const opaque = decode(befallen(calls, all)).reduce(
        (sum, message) => sum + (message.opaque?.bytesSent ?? 0) + (message.opaque?.bytesReceived ?? 0),
        0,
      );
      return opaque <= captured;
    }),
    {numRuns: 3000},
  );
  t.pass('nothing was thrown');
});

t.test('what is held of a connection stays bounded', async (t) => {
  const limits = {
    ...defaultLimits,
    bodyBytes: 1000,
    headBytes: 2000,
    headers: 50,
    openExchanges: 20,
    connectionBytes: 20_000,
  };
  fc.assert(
    fc.property(anyCalls, (calls) => {
      const connection = new ConnectionProtocol(limits);
      const many = Array.from({length: 20}, () => calls).flat();
      for (const event of eventsOf(many)) {
        connection.push(event);
        // Bodies end at connectionBytes; heads, tables and what is not decided yet come on top.
        if (connection.holding.bytes > 300_000) return false;
      }
      return true;
    }),
    runs,
  );
  t.pass('never more than 300 kB');
});

t.test('HTTP/1: any segmentation gives the same messages', async (t) => {
  fc.assert(
    fc.property(
      conversation,
      fc.array(fc.integer({min: 1, max: 60}), {minLength: 1, maxLength: 20}),
      ({calls, targets}, cuts) => {
        const whole = decode(calls).map(withoutTimes);
        t.strictSame(
          whole.map(({request}) => request?.target),
          targets,
        );
        const cut = decode(segmented(calls, cuts)).map(withoutTimes);
        return JSON.stringify(cut) === JSON.stringify(whole);
      },
    ),
    runs,
  );
});

t.test('HTTP/1: holes never make a message that was not sent', async (t) => {
  fc.assert(
    fc.property(
      conversation,
      fates,
      fc.array(fc.integer({min: 20, max: 300}), {minLength: 1, maxLength: 20}),
      ({calls}, all, cuts) => {
        const truth = decode(calls);
        for (const message of decode(befallen(segmented(calls, cuts), all))) {
          if (message.protocol !== 'unknown') checkAgainst(truth, message, numberOf);
        }
      },
    ),
    {numRuns: 3000},
  );
  t.pass('all were sent');
});

t.test('HTTP/2: segmentation and holes, on what a real client and server said', async (t) => {
  const calls = await recordHttp2();
  const truth = decode(calls);
  t.equal(truth.length, 23);
  t.ok(truth.every(({complete}) => complete));
  fc.assert(
    fc.property(fc.array(fc.integer({min: 1, max: 2000}), {minLength: 1, maxLength: 50}), (cuts) => {
      t.strictSame(byStream(decode(segmented(calls, cuts))), byStream(truth));
    }),
    {numRuns: 100},
  );
  fc.assert(
    fc.property(
      fates,
      fc.array(fc.integer({min: 100, max: 4000}), {minLength: 1, maxLength: 20}),
      fc.boolean(),
      (all, cuts, isCut) => {
        for (const message of decode(befallen(isCut ? segmented(calls, cuts) : calls, all))) {
          if (message.protocol !== 'unknown') checkAgainst(truth, message, ({streamId}) => String(streamId));
        }
      },
    ),
    {numRuns: 300},
  );
  for (const start of calls.keys()) {
    for (const message of decode(calls.map((call, index) => ({...call, isLost: index < start})))) {
      if (message.protocol !== 'unknown') checkAgainst(truth, message, ({streamId}) => String(streamId));
    }
  }
});

t.test('mutated recordings make it throw as little', async (t) => {
  const calls = await recordHttp2();
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat(255)), {minLength: 1, maxLength: 30}), (changes) => {
      const changed = calls.map((call) => ({...call, bytes: Buffer.from(call.bytes)}));
      for (const [call, at, byte] of changes) {
        const {bytes} = changed[call % changed.length] as Call;
        bytes[at % bytes.length] = byte;
      }
      return decode(changed).length >= 0;
    }),
    runs,
  );
  t.pass('nothing was thrown');
});

/** 23 interleaved streams, with shared header fields that only the first request spells out. */
async function recordHttp2(): Promise<Call[]> {
  const server = http2Server([]);
  const recorder = await record(await listen(server));
  const session = http2.connect(`http://127.0.0.1:${recorder.port}`);
  const streams = Array.from({length: 23}, async (_, n) => {
    const path = `/${n}?size=${n * 90 + 1}&parts=2`;
    const stream = session.request({':method': 'POST', ':path': path, 'x-shared': 'the same', 'x-own': path});
    stream.end(`body of ${path}`);
    stream.resume();
    await new Promise((done) => stream.on('close', done));
  });
  await Promise.all(streams);
  await new Promise<void>((done) => session.close(done));
  await recorder.stop();
  server.close();
  return recorder.events
    .filter((event): event is DataEvent => event.type === 'data')
    .map(({direction, payload}) => (direction === 'send' ? send : receive)(Buffer.from(payload, 'base64')));
}

/** Fails unless all that the message says was said in the exchange that it names. */
function checkAgainst(
  truth: readonly MessageEvent[],
  message: MessageEvent,
  nameOf: (message: MessageEvent) => string | undefined,
): void {
  const name = nameOf(message);
  const original = truth.find((each) => nameOf(each) === name);
  const fail = (what: string): never => {
    throw new Error(`${what}: ${JSON.stringify(message)} is not in ${JSON.stringify(original)}`);
  };
  if (!original) {
    // A cut head may not have come to the number; the target says it then.
    const target = message.request?.target;
    if (name !== undefined || (target !== undefined && !truth.some(({request}) => request?.target === target)))
      fail('no such exchange');
    return;
  }
  if (message.complete && JSON.stringify(withoutInterim(message)) !== JSON.stringify(withoutInterim(original)))
    fail('complete');
  for (const half of ['request', 'response'] as const) {
    const {headers = [], body, ...rest} = message[half] ?? {};
    const {headers: trueHeaders = [], body: trueBody, ...trueRest} = original[half] ?? {};
    for (const {name, value} of headers) {
      const isTrue = trueHeaders.some(
        (header) => (name ?? header.name) === header.name && (value ?? header.value) === header.value,
      );
      if (!isTrue && (name !== undefined || value !== undefined)) fail('header');
    }
    for (const key of ['method', 'target', 'status', 'scheme', 'authority'] as const) {
      const said = (rest as Record<string, unknown>)[key];
      if (said !== undefined && said !== (trueRest as Record<string, unknown>)[key]) fail(key);
    }
    if (body?.text && !trueBody?.text?.includes(body.text)) fail('body');
    if (body && body.length > (trueBody?.length ?? 0)) fail('length');
  }
}

/** The exchange that a message is of, by the number in both of its heads; these must agree. */
function numberOf({request, response}: MessageEvent): string | undefined {
  const numbers = [request, response].flatMap(
    (half) => half?.headers.find(({name}) => name === 'X-Number')?.value ?? [],
  );
  if (new Set(numbers).size > 1) throw new Error(`paired wrongly: ${numbers}`);
  return numbers[0];
}

function byStream(messages: readonly MessageEvent[]): object[] {
  return messages.map(withoutTimes).sort((a, b) => (a.streamId as number) - (b.streamId as number));
}

/** Pairing is left out too: what is assumed must be as right as what is certain. */
function withoutTimes({time, timings, pairing, ...rest}: MessageEvent) {
  return rest;
}

/** What a message says of itself; interim responses may lie in the gap before it. */
function withoutInterim(message: MessageEvent) {
  const {response, ...rest} = withoutTimes(message);
  const {informational, ...final} = response ?? {};
  return {...rest, gaps: [], response: final};
}

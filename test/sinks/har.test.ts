import {isIPv4, isIPv6} from 'node:net';
import {Ajv} from 'ajv';
import draft6 from 'ajv/dist/refs/json-schema-draft-06.json' with {type: 'json'};
import fc from 'fast-check';
import harSchema from 'har-schema';
import t from 'tap';
import type {MessageEvent, TraceEvent} from '../../src/model.js';
import {createHarSink} from '../../src/sinks/har.js';
import {summary, time} from './events.js';
import {message} from './messages.js';

/** The published schema of HAR 1.2, with what it calls formats: those of RFC 3339 and RFC 3986. */
const ajv = new Ajv({
  strict: false,
  formats: {
    'date-time': (text: string) => !Number.isNaN(Date.parse(text)),
    uri: (text: string) => URL.canParse(text),
    ipv4: isIPv4,
    ipv6: isIPv6,
  },
});
ajv.addMetaSchema(draft6);
for (const schema of Object.values(harSchema)) ajv.addSchema(schema as object);

// biome-ignore lint/suspicious/noExplicitAny: what is read back is checked by the schema
async function har(events: readonly TraceEvent[]): Promise<any> {
  let text = '';
  const sink = createHarSink(
    (more) => {
      text += more;
    },
    {name: 'tls-kit', version: '0.1.0'},
  );
  for (const event of events) await sink.write(event);
  await sink.close();
  const value = JSON.parse(text);
  const isValid = ajv.validate('har.json#', value);
  if (!isValid) throw new Error(`${ajv.errorsText()} in ${text}`);
  return value.log;
}

t.test('an exchange becomes an entry with all that was said', async (t) => {
  const log = await har([message(), summary]);
  t.match(log.creator, {name: 'tls-kit', version: '0.1.0'});
  t.match(log.comment, /seen 1,300 bytes = captured 1,000 \+ cut 200 \+ lost 100/);
  t.match(log.entries, [
    {
      startedDateTime: time,
      time: 7.5,
      timings: {blocked: -1, send: 0.5, wait: 5, receive: 2},
      serverIPAddress: '127.0.0.1',
      connection: '8834.1',
      request: {
        method: 'POST',
        url: 'https://shop.example:8443/orders/17?q=a%20b&q=2',
        httpVersion: 'HTTP/1.1',
        cookies: [
          {name: 'a', value: '1'},
          {name: 'b', value: '2=3'},
        ],
        queryString: [
          {name: 'q', value: 'a b'},
          {name: 'q', value: '2'},
        ],
        postData: {mimeType: 'application/json', text: '{"n":1}'},
        bodySize: 7,
      },
      response: {
        status: 201,
        statusText: 'Created',
        cookies: [{name: 's', value: 'x', path: '/', httpOnly: true, secure: false}],
        content: {size: 11, compression: -9, mimeType: 'text/plain', text: 'hello world'},
        redirectURL: '/orders/18',
        bodySize: 20,
      },
    },
  ]);
  t.equal(log.entries[0].comment, undefined);
});

t.test('what was not seen is said, and is not made up', async (t) => {
  const {request, response, ...neither} = message();
  const log = await har([
    message({response: undefined, complete: false}),
    {...neither, response: response as NonNullable<MessageEvent['response']>, complete: false},
    message({request: {version: '2', headers: [{name: 'x-lost'}, {}]}, complete: false}),
    message({
      gaps: [],
      webSocket: {direction: 'send', kind: 'text', length: 1, frames: 1, captured: 1},
      request: undefined,
      response: undefined,
    }),
  ]);
  t.equal(log.entries.length, 3);
  t.match(log.entries[0], {response: {status: 0, bodySize: -1}, comment: /^No response was seen\./});
  t.match(log.entries[1], {request: {method: '', bodySize: -1}, comment: /^The request was not seen\./});
  t.match(log.entries[2], {request: {headers: [{name: 'x-lost', value: ''}, {}]}, comment: /2 headers unknown\./});
  t.match(log.comment, /What was lost is unknown.* 1 WebSocket message left out\./);
});

t.test('a capture without exchanges is a valid HAR without entries', async (t) => {
  t.strictSame((await har([summary])).entries, []);
});

t.test('whatever the texts of a message are, the HAR is valid', async () => {
  const text = fc.string({unit: 'binary'});
  await fc.assert(
    fc.asyncProperty(text, text, text, async (a, b, c) => {
      const headers = ['cookie', 'set-cookie', 'location', 'content-type', a].map((name) => ({name, value: b}));
      const request = {
        method: a,
        target: b,
        version: c,
        scheme: a,
        authority: c,
        headers,
        body: {length: 3, captured: 3, text: c},
      };
      const log = await har([message({request, response: {status: 999, version: c, headers}, comm: a})]);
      if (log.entries.length !== 1) throw new Error('no entry');
    }),
    {numRuns: 200},
  );
});

/** What of the payload of system calls is shown: what was read, its secrets masked, and what nobody can read. */
import {gzipSync} from 'node:zlib';
import t from 'tap';
import type {SocketEvent, SummaryEvent, TraceEvent} from '../../src/model.js';
import {createTextSink} from '../../src/sinks/index.js';
import {createUnderstanding} from '../../src/understand.js';
import {preface, request, settings} from '../protocols/support/frames.js';
import {summary} from '../sinks/events.js';
import {outputsOf, session} from './outputs.js';
import {fragment, plant} from './secrets.js';

interface Moved {
  readonly syscall?: string;
  readonly bytes: Buffer | string;
  readonly change?: Partial<SocketEvent>;
}

function call({syscall = 'sendto', bytes, change = {}}: Moved): SocketEvent {
  const payload = Buffer.from(bytes as string, 'latin1');
  return {
    ...{type: 'socket', time: '2026-11-23T04:26:57.121000000Z', pid: 7, tid: 7, comm: 'curl', syscall, fd: 5},
    ...{family: 'AF_INET', protocol: 'tcp', remote: '192.0.2.1:80', result: payload.length, latencyNs: 5000},
    ...{length: payload.length, captured: payload.length, payload: payload.toString('base64')},
    ...change,
  };
}

function plain(syscall: string, change: Partial<SocketEvent> = {}): SocketEvent {
  return {type: 'socket', time: '2026-11-23T04:26:57.121000000Z', pid: 7, tid: 7, syscall, fd: 5, result: 0, ...change};
}

function understood(events: readonly TraceEvent[], begin = session): TraceEvent[] {
  const understand = createUnderstanding({redact: []});
  return [begin, ...events, summary].flatMap((event) => [...understand(event)]);
}

function saidOf(events: readonly TraceEvent[]): string[] {
  return events.flatMap((event) =>
    event.type === 'socket' && event.payload !== undefined
      ? [Buffer.from(event.payload, 'base64').toString('latin1')]
      : [],
  );
}

function redactionOf(events: readonly TraceEvent[]) {
  return (events.at(-1) as SummaryEvent).redaction;
}

function textOf(events: readonly TraceEvent[]): string {
  let text = '';
  const sink = createTextSink({
    out: (more) => {
      text += more;
    },
    ...{err: () => {}, colour: false, time: 'utc', payload: 'text'},
  });
  for (const event of events) void sink.write(event);
  return text;
}

t.test('HTTP in plain is readable, but for its secrets', async (t) => {
  const body = '{"user":"ann","password":"hunter2"}';
  const events = understood([
    call({
      bytes:
        'POST /a?token=abc&x=1 HTTP/1.1\r\nHost: a.test\r\nAuthorization: Bearer abcdefg\r\nContent-Length: 35\r\n\r\n',
    }),
    call({bytes: body}),
    call({syscall: 'recvfrom', bytes: 'HTTP/1.1 200 OK\r\nSet-Cookie: sid=abc\r\nContent-Length: 2\r\n\r\nok'}),
  ]);
  t.strictSame(saidOf(events), [
    'POST /a?token=***&x=1 HTTP/1.1\r\nHost: a.test\r\nAuthorization: Bearer *******\r\nContent-Length: 35\r\n\r\n',
    '{"user":"ann","password":"*******"}',
    'HTTP/1.1 200 OK\r\nSet-Cookie: sid=***\r\nContent-Length: 2\r\n\r\nok',
  ]);
  t.match(redactionOf(events), {masked: 4, uninspectedBytes: 0});
  t.notOk(events.some(({type}) => type === 'message'));
});

t.test('a DNS query is readable as one', async (t) => {
  const query = Buffer.from('4a2b0100000100000000000003777777076578616d706c6503636f6d0000010001', 'hex');
  const events = understood([
    call({bytes: query, change: {protocol: 'udp', remote: '192.0.2.53:53'}}),
    call({bytes: query, change: {protocol: 'udp', remote: '192.0.2.53:53'}}),
  ]);
  t.strictSame(saidOf(events), [query.toString('latin1'), query.toString('latin1')]);
  t.match(textOf(events), /www\|\n.*\.example\.com/);
  t.match(redactionOf(events), {masked: 0, uninspectedBytes: 2 * query.length});
});

t.test('TLS records are ciphertext, wherever calls begin in them', async (t) => {
  const record = Buffer.concat([Buffer.from('1703030040', 'hex'), Buffer.alloc(64, 'password=abc ')]);
  const parts = [record.subarray(0, 5), record.subarray(5), record];
  const events = understood(parts.map((bytes) => call({syscall: 'read', bytes})));
  t.strictSame(
    events.flatMap((event) => (event.type === 'socket' ? [event.withheld] : [])),
    [undefined, undefined, undefined],
  );
  t.equal(redactionOf(events)?.uninspectedBytes, 0);
});

t.test('what was not inspected is said in one line', async (t) => {
  const calls = [
    call({bytes: Buffer.concat([preface, settings, request(1, '/')])}),
    call({bytes: 'x'.repeat(400), change: {fd: 6, length: 410, gaps: [[3, 10]]}}),
  ];
  const text = textOf(understood(calls)).split('\n');
  t.strictSame(text.filter((line) => line.startsWith('    ')).slice(0, 2), [
    `    (${calls[0]?.length} bytes withheld)`,
    '    (400 bytes withheld)',
  ]);
  t.notMatch(text.join('\n'), /\*\*/);
});

t.test('a compressed body is withheld', async (t) => {
  const body = gzipSync('password=hunter2');
  const head = `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${body.length}\r\n\r\n`;
  const events = understood([call({syscall: 'read', bytes: Buffer.concat([Buffer.from(head), body])})]);
  t.strictSame(saidOf(events), [head + '*'.repeat(body.length)]);
});

t.test('a descriptor that is used again is another connection', async (t) => {
  const begun = call({bytes: 'POST / HTTP/1.1\r\nContent-Length: 9000\r\n\r\n'});
  const other = 'GET /other HTTP/1.1\r\nHost: b\r\n\r\n';
  for (const again of [
    [plain('close')],
    [plain('socket', {fd: undefined, result: 5})],
    [plain('accept4', {fd: 3, result: 5})],
    [plain('connect')],
  ]) {
    t.equal(saidOf(understood([begun, ...(again as SocketEvent[]), call({bytes: other})])).at(-1), other);
  }
  t.equal(
    saidOf(understood([begun, plain('accept4', {fd: 3, result: 6}), call({bytes: other})])).at(-1),
    '*'.repeat(32),
  );
});

t.test('a capture that was redacted is shown as it is', async (t) => {
  const event = call({bytes: 'ab**', change: {withheld: 2}});
  const events = understood([event], {...session, redaction: 'on', messages: true} as TraceEvent);
  t.strictSame(events[1], event);
});

const said: Record<string, () => [string, string][]> = {
  HTTP: () => [
    [
      'sendto',
      `POST /?token=${plant()} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${plant()}\r\nCookie: sid=${plant()}\r\nContent-Length: 44\r\n\r\n{"a":"b","password":"${plant()}x"}`,
    ],
    ['read', `HTTP/1.1 204 No Content\r\nSet-Cookie: sid=${plant()}; Path=/\r\nX-Auth-Token: ${plant()}\r\n\r\n`],
  ],
  'lines of no known protocol': () => [
    ['write', `LOGIN user=ann password=${plant()}\r\nURL https://u:${plant()}@h/?api_key=${plant()} x\r\n`],
    ['recvfrom', `{"token": "${plant()}", "ok": true}\n{"list": [{"client_secret": "${plant()}"}]}\n`],
  ],
};

for (const [name, make] of Object.entries(said)) {
  t.test(`${name}: no secret is in any output, whole or cut anywhere`, async (t) => {
    const calls = make();
    const longest = Math.max(...calls.map(([, text]) => text.length));
    for (let at = 1; at <= longest; at++) {
      const cut = calls.flatMap(([syscall, text]) =>
        [text.slice(0, at), text.slice(at)].filter(Boolean).map((bytes) => call({syscall, bytes})),
      );
      const short = calls.map(([syscall, text]) =>
        call({syscall, bytes: text.slice(0, at), change: {length: text.length}}),
      );
      for (const events of [cut, short]) {
        const outputs = await outputsOf(t, understood(events));
        const [leaking] = Object.entries(outputs).filter(([, output]) => fragment.test(output));
        if (leaking) t.fail(`at ${at}, ${leaking[0]}: ${saidOf(understood(events)).join('|')}`);
      }
    }
    t.match(JSON.stringify(saidOf(understood(calls.map(([syscall, bytes]) => call({syscall, bytes}))))), /\*{27}/);
  });
}

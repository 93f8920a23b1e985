import type {ConnectionEvent, HandshakeEvent, TraceEvent} from '../../../src/model.js';
import {dataEvent, summary} from '../events.js';
import {message} from '../messages.js';

const startMs = Date.UTC(2026, 10, 23, 4, 26, 57);

export function timeAt(ms: number): string {
  return `${new Date(startMs + ms).toISOString().slice(0, -1)}000000Z`;
}

/** A failed handshake of a connection of its own. */
export function failedHandshake(ms: number, change: Partial<HandshakeEvent> = {}): HandshakeEvent {
  return {
    type: 'handshake',
    time: timeAt(ms),
    pid: 902,
    comm: 'sync',
    connection: {id: `902.${ms}`, remote: '203.0.113.90:443'},
    source: 'library',
    role: 'client',
    result: 'failed',
    cause: 'certificate-expired',
    explanation: 'The certificate of old.example expired on 2026-11-20.',
    serverName: 'old.example',
    durationNs: 30_000_000,
    certificates: [{subject: 'CN=old.example', issuer: 'CN=Some CA', notAfter: '2026-11-20T00:00:00Z'}],
    ...change,
  };
}

/** A small recording with something of everything, its numbers easy to reckon with. */
export function recording(): TraceEvent[] {
  const connection = {
    id: '8834.1',
    local: '10.0.0.5:40000',
    remote: '203.0.113.20:443',
    attribution: 'nested',
  } as const;
  const who = {pid: 8834, comm: 'shop'};
  const events: TraceEvent[] = [
    {
      type: 'session',
      schema: 1,
      tlsKit: '0.1.0',
      host: 'shop-3',
      what: ['openssl'],
      redaction: 'on',
      messages: true,
      targets: [{library: 'openssl', path: '/usr/lib/libssl.so.3', version: '3.5.4'}],
    },
    {type: 'process', ...who, argv: ['node', 'shop.js']},
    {type: 'connection', event: 'open', time: timeAt(0), ...who, connection},
    {
      type: 'handshake',
      time: timeAt(20),
      ...who,
      connection,
      source: 'library',
      result: 'ok',
      durationNs: 20_000_000,
      version: 'TLSv1.3',
    },
  ];
  let sent = 0;
  for (let index = 0; index < 100; index++) {
    const ms = 100 + index * 50;
    const totalNs = (index + 1) * 1_000_000;
    const status = index % 10 === 9 ? 503 : index % 10 === 8 ? 404 : 200;
    events.push({...dataEvent('x'.repeat(10)), ...who, time: timeAt(ms), connection, offset: sent});
    sent += 10;
    events.push({
      ...dataEvent('y'.repeat(20), {direction: 'receive', function: 'SSL_read'}),
      ...who,
      time: timeAt(ms + index + 1),
      connection,
      offset: 2 * (sent - 10),
    });
    events.push(
      message({
        ...who,
        time: timeAt(ms + index + 1),
        connection,
        request: {
          method: 'GET',
          target: `/users/${index}?page=2`,
          version: '1.1',
          authority: 'api.example',
          headers: [],
        },
        response: {status, reason: 'Said', version: '1.1', headers: []},
        timings: {startedAt: timeAt(ms), waitNs: totalNs / 2, totalNs},
      }),
    );
  }
  events.push(
    message({
      ...who,
      time: timeAt(6000),
      connection,
      request: {method: 'POST', target: '/hang', version: '1.1', authority: 'api.example', headers: []},
      response: undefined,
      complete: false,
      timings: {startedAt: timeAt(5900)},
    }),
    close(connection),
    failedHandshake(200),
    failedHandshake(300),
    {type: 'warning', code: 'x', message: 'A library was not probed.'},
    {...summary, redaction: {masked: 3, uninspectedBytes: 20}},
  );
  return events;
}

function close(connection: ConnectionEvent['connection']): ConnectionEvent {
  return {type: 'connection', event: 'close', time: timeAt(6100), pid: 8834, connection};
}

/** Texts that do something where they are taken for HTML, script, JSON, CSS, a URL, or a terminal's commands. */
export const hostileTexts = [
  '<script>window.owned=1</script>',
  '</script><script>window.owned=1</script>',
  '<!--<script>',
  ']]><img src=x onerror=window.owned=1>',
  '"><svg onload=window.owned=1>',
  `' onmouseover='window.owned=1`,
  'javascript:window.owned=1',
  '{{constructor.constructor("window.owned=1")()}}',
  '\u2028window.owned=1\u2029',
  '</title></style></textarea><iframe srcdoc="<script>parent.owned=1</script>">',
  'url(http://203.0.113.1/x)',
  '__proto__',
  '\u001b]0;owned\u0007\u202e',
];

/** The same recording where every text that came from outside is hostile. */
export function hostileRecording(): TraceEvent[] {
  const kept = new Set([
    'type',
    'event',
    'time',
    'startedAt',
    'result',
    'source',
    'role',
    'side',
    'protocol',
    'payload',
    'id',
  ]);
  let at = 0;
  const poison = (value: unknown, key = ''): unknown => {
    if (typeof value === 'string' && !kept.has(key)) return `${hostileTexts[at++ % hostileTexts.length]}${at}`;
    if (Array.isArray(value)) return value.map((item) => poison(item, key));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, poison(item, name)]));
  };
  const extra: TraceEvent[] = [
    {...failedHandshake(400), version: 'x', cipher: 'y', alpn: 'z'},
    {type: 'error', time: timeAt(500), pid: 1, comm: 'a', function: 'f', explanation: 'e', errors: []},
    {type: 'socket', time: timeAt(600), pid: 1, tid: 1, comm: 'a', syscall: 'connect', errno: 'E', remote: 'r'},
    message({comm: 'h', time: timeAt(700), timings: {startedAt: timeAt(690), totalNs: 9e9}}),
  ];
  const [session, ...rest] = recording();
  return [session as TraceEvent, ...extra, ...rest].map((event) =>
    event.type === 'summary'
      ? event
      : (poison({...event, ...(event.type === 'session' && {command: ['c'], filters: {comms: ['d']}})}) as TraceEvent),
  );
}

import type {DataEvent, SummaryEvent, TraceEvent} from '../../src/model.js';

/** Events of one small exchange, as a real one gave them, for tests of what is shown. */
export const time = '2026-11-23T04:26:57.121000000Z';

export function dataEvent(payload: Uint8Array | string, fields: Partial<DataEvent> = {}): DataEvent {
  const bytes = Buffer.from(payload as Uint8Array);
  return {
    type: 'data',
    time,
    pid: 8834,
    tid: 8834,
    uid: 0,
    comm: 'curl',
    library: 'openssl',
    function: 'SSL_write',
    direction: 'send',
    connection: {id: '8834.1'},
    offset: 0,
    length: bytes.length,
    captured: bytes.length,
    payload: bytes.toString('base64'),
    latencyNs: 55_500,
    ...fields,
  };
}

export const summary: SummaryEvent = {
  type: 'summary',
  events: 3,
  calls: {entered: 5, returned: 4, unmatched: 1},
  bytes: {seen: 1300, captured: 1000, cut: 200, lost: 100, lostByGaps: 100, peeked: 5},
  lostEvents: 2,
  malformedLines: 1,
  incomplete: false,
  durationNs: 4_220_000_000,
  byProcess: [
    {pid: 8834, comm: 'curl', events: 2, bytesSent: 88, bytesReceived: 104},
    {pid: 8835, comm: 'ngi\u001b[31mnx', events: 1, bytesSent: 1104, bytesReceived: 4},
  ],
  byConnection: [],
};

export const exchange: readonly TraceEvent[] = [
  {type: 'session', schema: 1, tlsKit: '0.1.0', what: ['openssl'], targets: []},
  {
    type: 'process',
    pid: 8834,
    ppid: 1,
    uid: 0,
    comm: 'curl',
    argv: ['curl', '-sk', 'https://localhost:8443/a b\u001b]0;x\u0007'],
  },
  {type: 'connection', event: 'open', time, pid: 8834, comm: 'curl', library: 'openssl', connection: {id: '8834.1'}},
  dataEvent('GET /hello.txt HTTP/1.1\r\nHost: localhost:32771\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n'),
  dataEvent(`HTTP/1.0 200 ok\r\nX-Long: ${'0123456789'.repeat(12)}\r\n\r\n\u001b[2Jcleared? t\u00fcr \u202eabc`, {
    direction: 'receive',
    function: 'SSL_read',
    connection: {id: '8834.1', fd: 5, local: '127.0.0.1:40000', remote: '127.0.0.1:8443', attribution: 'nested'},
    latencyNs: 1_234_567,
  }),
  dataEvent(
    Uint8Array.from({length: 40}, (_, index) => (index * 37) % 256),
    {length: 16_384, offset: 88, gaps: [[40, 200]]},
  ),
  dataEvent('peeked', {peek: true, function: 'SSL_peek', direction: 'receive'}),
  {type: 'loss', events: 2, cause: 'ring'},
  {type: 'warning', code: 'bpftrace', message: 'something \u001b[31mred'},
  {
    type: 'connection',
    event: 'close',
    time,
    pid: 8834,
    comm: 'curl',
    connection: {id: '8834.1'},
    bytesSent: 88,
    bytesReceived: 104,
    durationNs: 263_000,
  },
  summary,
];

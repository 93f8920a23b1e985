// Prints a made-up capture of a shop's servers, always the same: `node test/bench/make-capture.mjs [EVENTS] [SECONDS]`. What
// reports are measured with, and what the pictures of docs/report.md show.
import {once} from 'node:events';

const wanted = Number(process.argv[2] ?? 20_000);
const seconds = Number(process.argv[3] ?? 600);
const startMs = Date.UTC(2026, 10, 23, 4, 26, 57);

let seed = 7;
/** 0 to 1, by a linear congruential generator (Numerical Recipes). */
function random() {
  seed = (seed * 1_664_525 + 1_013_904_223) % 2 ** 32;
  return seed / 2 ** 32;
}

const pick = (list) => list[Math.floor(random() * list.length)];
/** Latencies have a long tail: a logarithmic normal distribution around a median. */
const spread = (median, sigma) =>
  Math.round(median * Math.exp(sigma * Math.sqrt(-2 * Math.log(random() || 1e-9)) * Math.cos(2 * Math.PI * random())));

const processes = [
  {pid: 811, comm: 'checkout', argv: ['node', '/srv/checkout/server.js', '--port', '8080'], share: 0.5},
  {pid: 902, comm: 'inventory', argv: ['/usr/bin/python3', '-m', 'inventory.sync'], share: 0.35},
  {pid: 1204, comm: 'nginx', argv: ['nginx: worker process'], share: 0.15},
];
const routes = [
  {
    side: 'client',
    host: 'api.payments.example',
    remote: '203.0.113.20:443',
    method: 'POST',
    path: (n) => `/v1/charges/${n}/capture`,
    median: 9e7,
    sigma: 0.5,
    errors: 0.012,
    code: 502,
  },
  {
    side: 'client',
    host: 'api.payments.example',
    remote: '203.0.113.20:443',
    method: 'GET',
    path: (n) => `/v1/customers/${n}`,
    median: 2.2e7,
    sigma: 0.4,
    errors: 0.004,
    code: 404,
  },
  {
    side: 'client',
    host: 'stock.warehouse.example',
    remote: '203.0.113.77:8443',
    method: 'GET',
    path: (n) => `/stock/${n}?site=north`,
    median: 6e6,
    sigma: 0.6,
    errors: 0.02,
    code: 404,
  },
  {
    side: 'client',
    host: 'stock.warehouse.example',
    remote: '203.0.113.77:8443',
    method: 'PUT',
    path: (n) => `/stock/${n}/reserved`,
    median: 1.4e7,
    sigma: 0.7,
    errors: 0.008,
    code: 409,
  },
  {
    side: 'client',
    host: 'mail.example',
    remote: '[2001:db8::25]:443',
    method: 'POST',
    path: () => '/send',
    median: 1.8e8,
    sigma: 0.3,
    errors: 0.003,
    code: 429,
  },
  {
    side: 'server',
    host: 'shop.example',
    remote: '198.51.100.9:51514',
    method: 'GET',
    path: (n) => `/product/${n}`,
    median: 3e6,
    sigma: 0.8,
    errors: 0.01,
    code: 404,
  },
  {
    side: 'server',
    host: 'shop.example',
    remote: '198.51.100.14:40122',
    method: 'POST',
    path: () => '/cart/checkout',
    median: 1.3e8,
    sigma: 0.6,
    errors: 0.02,
    code: 503,
  },
];
const reasons = {
  200: 'OK',
  204: 'No Content',
  404: 'Not Found',
  409: 'Conflict',
  429: 'Too Many Requests',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
};
const failures = [
  {
    comm: 'inventory',
    pid: 902,
    remote: '203.0.113.90:443',
    serverName: 'legacy.supplier.example',
    cause: 'certificate-expired',
    explanation: 'The certificate of legacy.supplier.example expired on 2026-11-20, 3 days before this handshake.',
    certificate: {subject: 'CN=legacy.supplier.example', issuer: 'CN=Supplier CA 2', notAfter: '2026-11-20T00:00:00Z'},
  },
  {
    comm: 'checkout',
    pid: 811,
    remote: '203.0.113.41:443',
    serverName: 'fx.rates.example',
    cause: 'no-shared-version',
    explanation: 'fx.rates.example offers TLS 1.1 at most, and this client accepts TLS 1.2 or later.',
  },
  {
    comm: 'nginx',
    pid: 1204,
    remote: '198.51.100.77:50100',
    serverName: '',
    cause: 'unknown-ca-by-peer',
    explanation: 'The client refused our certificate: it does not know the authority that issued it.',
  },
];

/** Events that have not been printed, with their times: calls of exchanges overlap. */
let pending = [];
const out = (event, ns) => pending.push({event, ns});

/** Prints what happened until then, in the order in which it did. */
async function printUntil(ns) {
  pending.sort((a, b) => a.ns - b.ns);
  const at = pending.findIndex((each) => each.ns > ns);
  const ready = at < 0 ? pending : pending.slice(0, at);
  pending = at < 0 ? [] : pending.slice(at);
  const text = ready.map(({event}) => `${JSON.stringify(event)}\n`).join('');
  if (!process.stdout.write(text)) await once(process.stdout, 'drain');
}

const timeAt = (ns) => {
  const ms = startMs + Math.floor(ns / 1e6);
  return `${new Date(ms).toISOString().slice(0, -1)}${String(Math.floor(ns % 1e6)).padStart(6, '0')}Z`;
};

out(
  {
    type: 'session',
    schema: 1,
    tlsKit: '0.1.0',
    bpftrace: '0.23.2',
    kernel: '6.12.0',
    host: 'shop-3',
    startedAt: timeAt(0),
    what: ['openssl', 'handshakes'],
    filters: {comms: processes.map(({comm}) => comm)},
    snaplen: 16_384,
    redaction: 'on',
    messages: true,
    targets: [
      {
        library: 'openssl',
        path: '/usr/lib/x86_64-linux-gnu/libssl.so.3',
        version: '3.5.4',
        pids: processes.map(({pid}) => pid),
      },
    ],
  },
  0,
);
for (const {pid, comm, argv} of processes) out({type: 'process', pid, uid: 1000, comm, argv}, 0);

const totals = {calls: 0, sent: 0, received: 0};
const open = [];
let opened = 0;
const exchanges = Math.max(1, Math.floor((wanted - 20) / 3.05));
const apart = (seconds * 1e9) / exchanges;
for (let index = 0; index < exchanges; index++) {
  // Load rises and falls, and one upstream has a bad minute.
  const ns = index * apart + random() * apart;
  const share = index / exchanges;
  const isBadMinute = share > 0.55 && share < 0.66;
  if (random() < 0.5 + 0.5 * Math.sin(share * 9) ** 2) exchange(ns, isBadMinute);
  if (index % Math.ceil(exchanges / 40) === 17) failure(ns);
  if (index % 2000 === 0) await printUntil(ns);
}
await printUntil(Number.POSITIVE_INFINITY);
for (const connection of open) close(connection, seconds * 1e9);
out(
  {
    type: 'warning',
    code: 'unprobed',
    message: 'process 1377 (curl) maps a libssl that is not probed: add --lib /opt/curl/libssl.so.3',
  },
  seconds * 1e9,
);
const bytes = totals.sent + totals.received;
out(
  {
    type: 'summary',
    events: totals.calls,
    calls: {entered: totals.calls + 2, returned: totals.calls, unmatched: 2},
    bytes: {seen: bytes + 5120, captured: bytes, cut: 4096, lost: 1024, lostByGaps: 1024, peeked: 0},
    lostEvents: 2,
    malformedLines: 0,
    incomplete: false,
    redaction: {masked: exchanges, uninspectedBytes: 0},
    durationNs: seconds * 1e9,
    byProcess: [],
    byConnection: [],
  },
  seconds * 1e9,
);
await printUntil(Number.POSITIVE_INFINITY);

function exchange(ns, isBadMinute) {
  const route = pick(routes);
  const connection = connectionFor(route, ns);
  const {pid, comm} = connection;
  const isSlow = isBadMinute && route.host === 'api.payments.example';
  const totalNs = spread(route.median * (isSlow ? 6 : 1), route.sigma);
  const hasFailed = random() < route.errors * (isSlow ? 20 : 1);
  const isUnanswered = random() < (isSlow ? 0.02 : 0.0005);
  const status = hasFailed ? route.code : route.method === 'PUT' ? 204 : 200;
  const target = route.path(1000 + Math.floor(random() * 9000));
  const who = {pid, tid: pid, uid: 1000, comm, library: 'openssl'};
  const request = Buffer.from(
    `${route.method} ${target} HTTP/1.1\r\nHost: ${route.host}\r\nAuthorization: <redacted 40B #a1b2>\r\n\r\n`,
  );
  const body = 'x'.repeat(status === 204 ? 0 : Math.min(2000, spread(400, 1)));
  const length = status === 204 ? '' : `Content-Length: ${body.length}\r\n`;
  const answer = Buffer.from(
    `HTTP/1.1 ${status} ${reasons[status]}\r\nContent-Type: text/plain\r\n${length}\r\n${body}`,
  );
  const [asked, answered] = route.side === 'client' ? ['send', 'receive'] : ['receive', 'send'];
  data(ns, connection, who, asked, request);
  if (!isUnanswered) data(ns + totalNs, connection, who, answered, answer);
  out(
    {
      type: 'message',
      time: timeAt(ns + totalNs),
      ...who,
      connection: connection.where,
      side: route.side,
      protocol: 'http/1',
      complete: !isUnanswered,
      gaps: [],
      request: {
        method: route.method,
        target,
        version: '1.1',
        authority: route.host,
        headers: [
          {name: 'Host', value: route.host},
          {name: 'Authorization', value: '<redacted 40B #a1b2>'},
        ],
      },
      ...(!isUnanswered && {
        response: {
          status,
          reason: reasons[status],
          version: '1.1',
          headers: [{name: 'Content-Type', value: 'text/plain'}],
          body: {length: body.length, captured: 0, truncated: true, text: ''},
        },
      }),
      timings: {
        startedAt: timeAt(ns),
        sentNs: 0,
        ...(!isUnanswered && {waitNs: totalNs, receiveNs: 0, totalNs}),
      },
    },
    ns + totalNs,
  );
  connection.freeNs = ns + totalNs;
  if (isUnanswered) close(...open.splice(open.indexOf(connection), 1), ns + 3e9);
}

function data(ns, connection, who, direction, payload) {
  totals.calls++;
  totals[direction === 'send' ? 'sent' : 'received'] += payload.length;
  out(
    {
      type: 'data',
      time: timeAt(ns),
      ...who,
      function: direction === 'send' ? 'SSL_write' : 'SSL_read',
      direction,
      connection: connection.where,
      offset: connection[direction],
      length: payload.length,
      captured: payload.length,
      payload: payload.toString('base64'),
      latencyNs: 40_000,
    },
    ns,
  );
  connection[direction] += payload.length;
}

/** Keeps connections alive for a while, as pools do. */
function connectionFor(route, ns) {
  const kept = open.findIndex(({route: of, freeNs}) => of === route && freeNs <= ns);
  if (kept >= 0 && random() > 0.01) return open[kept];
  if (kept >= 0) close(open.splice(kept, 1)[0], ns);
  const {pid, comm} = route.side === 'server' ? processes[2] : pick(processes.slice(0, 2));
  opened++;
  const local = `10.0.0.5:${32_768 + (opened % 28_000)}`;
  const where = {
    id: `${pid}.${opened}`,
    fd: 10 + (opened % 900),
    local: route.side === 'server' ? '10.0.0.5:443' : local,
    remote:
      route.side === 'server' ? route.remote.replace(/\d+$/, String(32_768 + ((7 * opened) % 28_000))) : route.remote,
    attribution: 'nested',
  };
  const connection = {route, pid, comm, where, openedNs: ns, freeNs: ns, send: 0, receive: 0};
  const durationNs = spread(route.side === 'server' ? 4e6 : 2.4e7, 0.4);
  out({type: 'connection', event: 'open', time: timeAt(ns), pid, comm, library: 'openssl', connection: where}, ns);
  out(
    {
      type: 'handshake',
      time: timeAt(ns),
      pid,
      tid: pid,
      uid: 1000,
      comm,
      library: 'openssl',
      connection: where,
      source: 'library',
      role: route.side,
      result: 'ok',
      durationNs,
      version: 'TLSv1.3',
      cipher: 'TLS_AES_256_GCM_SHA384',
      serverName: route.host,
      resumed: random() < 0.4,
    },
    ns,
  );
  open.push(connection);
  return connection;
}

function close({pid, comm, where, openedNs, send, receive}, ns) {
  out(
    {
      type: 'connection',
      event: 'close',
      time: timeAt(ns),
      pid,
      comm,
      library: 'openssl',
      connection: where,
      bytesSent: send,
      bytesReceived: receive,
      durationNs: Math.round(ns - openedNs),
    },
    ns,
  );
}

function failure(ns) {
  const {comm, pid, remote, serverName, cause, explanation, certificate} = pick(failures);
  const where = {id: `${pid}.f${Math.round(ns)}`, remote, local: '10.0.0.5:33000', attribution: 'nested'};
  out(
    {
      type: 'handshake',
      time: timeAt(ns),
      pid,
      tid: pid,
      uid: 1000,
      comm,
      library: 'openssl',
      connection: where,
      source: 'library',
      role: comm === 'nginx' ? 'server' : 'client',
      result: 'failed',
      cause,
      explanation,
      durationNs: spread(3e7, 0.3),
      ...(serverName && {serverName}),
      ...(certificate && {certificates: [certificate]}),
    },
    ns,
  );
}

import {gzipSync} from 'node:zlib';
import t from 'tap';
import type {MessageEvent} from '../../src/protocols/index.js';
import {type Call, decode, receive, send} from './support/events.js';

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** Each message in short: method target -> status, and the bodies' text. */
function short(messages: readonly MessageEvent[]): string[] {
  return messages.map(({request, response, protocol, opaque}) =>
    opaque
      ? `${protocol} ${opaque.bytesSent} ${opaque.bytesReceived}`
      : `${request?.method ?? '-'} ${request?.target ?? '-'} ${request?.body?.text ?? ''}> ${response?.status ?? '-'} ${response?.body?.text ?? ''}`,
  );
}

function get(target: string, more = ''): string {
  return `GET ${target} HTTP/1.1\r\nHost: a.test\r\n${more}\r\n`;
}

t.test('pairs requests and responses that keep a connection alive', async (t) => {
  const messages = decode([
    send(get('/1')),
    receive(ok),
    send(get('/2')),
    receive('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n'),
  ]);
  t.strictSame(short(messages), ['GET /1 > 200 ok', 'GET /2 > 404 ']);
  t.ok(messages.every(({complete, side, gaps}) => complete && side === 'client' && gaps.length === 0));
  t.equal(messages[0]?.request?.authority, 'a.test');
  t.strictSame(messages[0]?.timings, {
    startedAt: '2023-11-14T22:13:20.000000000Z',
    sentNs: 0,
    waitNs: 1_000_000,
    receiveNs: 0,
    totalNs: 1_000_000,
  });
});

t.test('pairs pipelined requests in order', async (t) => {
  const targets = Array.from({length: 23}, (_, index) => `/${index}`);
  const messages = decode([receive(targets.map((target) => get(target)).join('')), send(ok.repeat(23))]);
  t.strictSame(
    short(messages),
    targets.map((target) => `GET ${target} > 200 ok`),
  );
  t.ok(messages.every(({complete, side}) => complete && side === 'server'));
});

t.test('reads chunked bodies, with extensions and trailers', async (t) => {
  const [message] = decode([
    send(
      'POST /up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x="y"\r\nabc\r\n2\r\nde\r\n0\r\nDigest: q\r\n\r\n',
    ),
    receive(ok),
  ]);
  t.equal(message?.request?.body?.text, 'abcde');
  t.equal(message?.request?.body?.length, 5);
  t.strictSame(message?.request?.trailers, [{name: 'Digest', value: 'q'}]);
});

t.test('knows the responses that have no body', async (t) => {
  const head = 'HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n';
  const messages = decode([
    send('HEAD /h HTTP/1.1\r\n\r\n'),
    receive(head),
    send(get('/304')),
    receive('HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n'),
    send(get('/204')),
    receive('HTTP/1.1 204 No Content\r\n\r\n'),
    send(get('/last')),
    receive(ok),
  ]);
  t.strictSame(short(messages), ['HEAD /h > 200 ', 'GET /304 > 304 ', 'GET /204 > 204 ', 'GET /last > 200 ok']);
  t.ok(messages.every(({complete}) => complete));
});

t.test('keeps interim responses apart from the final one', async (t) => {
  const [message] = decode([
    send('PUT /x HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n'),
    receive('HTTP/1.1 100 Continue\r\n\r\n'),
    send('abc'),
    receive(`HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n${ok}`),
  ]);
  t.strictSame(message?.response?.informational, [100, 103]);
  t.equal(message?.response?.status, 200);
  t.equal(message?.request?.body?.text, 'abc');
});

t.test('sees a refused body that never comes', async (t) => {
  const messages = decode([
    send('PUT /x HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n'),
    receive('HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n'),
    send(get('/next')),
    receive(ok),
  ]);
  t.strictSame(short(messages), ['PUT /x > 417 ', 'GET /next > 200 ok']);
});

t.test('ends a body without length when the connection closes', async (t) => {
  const calls = [send(get('/')), receive('HTTP/1.0 200 OK\r\n\r\nabc'), receive('def')];
  t.match(decode(calls), [{complete: true, response: {body: {text: 'abcdef'}}}]);
  t.match(decode(calls, {isOpen: true}), [{complete: false, response: {body: {text: 'abcdef'}}}]);
});

t.test('reports an unanswered request at the end', async (t) => {
  const messages = decode([send(get('/1')), receive(ok), send(get('/slow'))], {isOpen: true});
  t.match(messages, [{complete: true}, {complete: false, request: {target: '/slow'}}]);
  t.notOk(messages[1]?.response);
});

t.test('follows CONNECT into the tunnel', async (t) => {
  const messages = decode([
    send('CONNECT b.test:80 HTTP/1.1\r\nHost: b.test:80\r\n\r\n'),
    receive('HTTP/1.1 200 Connection established\r\n\r\n'),
    send(get('/inner')),
    receive(ok),
  ]);
  t.strictSame(short(messages), ['CONNECT b.test:80 > 200 ', 'GET /inner > 200 ok']);
});

t.test('leaves TLS inside a tunnel alone, and counts it', async (t) => {
  const hello = Buffer.from('16030100050100000100', 'hex');
  const messages = decode([
    send('CONNECT b.test:443 HTTP/1.1\r\n\r\n'),
    receive('HTTP/1.1 200 OK\r\n\r\n'),
    send(hello),
    receive(hello),
  ]);
  t.match(messages[1], {protocol: 'unknown', opaque: {bytesSent: 10, bytesReceived: 10, looksLike: 'tls'}});
});

t.test('counts what no protocol is known for', async (t) => {
  const messages = decode([send('\x10\x20hello'), receive('220 mail.test ESMTP\r\n')]);
  t.match(messages, [{protocol: 'unknown', opaque: {bytesSent: 7, bytesReceived: 21}}]);
});

t.test('decodes compressed bodies', async (t) => {
  const body = gzipSync('a'.repeat(1000));
  const [message] = decode([
    send(get('/')),
    receive(
      Buffer.concat([
        Buffer.from(`HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${body.length}\r\n\r\n`),
        body,
      ]),
    ),
  ]);
  t.match(message?.response?.body, {length: body.length, encoding: 'gzip', decoded: true, text: 'a'.repeat(1000)});
});

t.test('steps over missing bytes of a body without losing its place', async (t) => {
  const body = 'x'.repeat(100);
  const messages = decode([
    send(get('/1')),
    receive(`HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n${body}`, {cut: 40}),
    receive(body),
    send(get('/2')),
    receive(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n${body}\r\n0\r\n\r\n`, {gaps: [[60, 20]]}),
    send(get('/3')),
    receive(ok),
  ]);
  t.strictSame(
    messages.map(({complete}) => complete),
    [false, false, true],
  );
  t.match(messages[0], {
    gaps: [{direction: 'receive', kind: 'missing', length: 40}],
    response: {body: {length: 200, captured: 60, truncated: true}},
  });
  t.match(messages[1]?.response?.body, {length: 100});
  t.equal(messages[2]?.response?.body?.text, 'ok');
});

t.test('shows the part of a head that was captured', async (t) => {
  const messages = decode([
    send(get('/long', 'Cookie: abcdefgh\r\nX: y\r\n'), {cut: 12}),
    receive(ok),
    send(get('/2')),
    receive(ok),
  ]);
  t.match(messages[0], {complete: false, request: {target: '/long', headers: [{name: 'Host', value: 'a.test'}]}});
  t.equal(messages[0]?.request?.headers.length, 1);
  t.equal(messages.at(-1)?.request?.target, '/2');
});

t.test('says that a pairing after a loss is assumed, and never pairs what was pipelined', async (t) => {
  const one = (n: number, more: Partial<Call> = {}) => [
    send(get(`/${n}`)),
    receive(`HTTP/1.1 20${n} OK\r\nContent-Length: 0\r\n\r\n`, more),
  ];
  const sequential = decode([...one(0), ...one(1), ...one(2, {isLost: true}), ...one(3), ...one(4)]);
  t.strictSame(short(sequential), ['GET /0 > 200 ', 'GET /1 > 201 ', 'GET /2 > - ', 'GET /3 > 203 ', 'GET /4 > 204 ']);
  t.strictSame(
    sequential.map(({pairing}) => pairing),
    [undefined, undefined, undefined, 'assumed', undefined],
  );
  const pipelined = decode([
    send(get('/0') + get('/1') + get('/2')),
    receive('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', {isLost: true}),
    receive('HTTP/1.1 201 OK\r\nContent-Length: 0\r\n\r\n'),
    receive('HTTP/1.1 202 OK\r\nContent-Length: 0\r\n\r\n'),
  ]);
  t.ok(pipelined.every(({request, response}) => !(request && response)));
  t.strictSame(
    pipelined.flatMap(({response}) => response?.status ?? []),
    [201, 202],
  );
});

t.test('joins in the middle of a connection', async (t) => {
  const messages = decode([
    receive('rest of some body that began before'),
    send(get('/1')),
    receive(ok),
    send(get('/2')),
    receive(ok),
  ]);
  t.strictSame(
    messages.flatMap(({request}) => request?.target ?? []),
    ['/1', '/2'],
  );
  t.match(messages.at(-1), {protocol: 'unknown', opaque: {bytesReceived: 35}});
});

t.test('counts server-sent events and keeps the first', async (t) => {
  const events = Array.from({length: 23}, (_, n) => `id: ${n}\ndata: event ${n}\n\n`).join('');
  const [message] = decode([
    send(get('/')),
    receive('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n'),
    receive(events),
  ]);
  t.equal(message?.response?.serverSentEvents?.count, 23);
  t.equal(message?.response?.serverSentEvents?.first.length, 10);
  t.strictSame(message?.response?.serverSentEvents?.first[1], {id: '1', data: 'event 1'});
});

t.test('keeps a body to the limit and counts the rest', async (t) => {
  const [message] = decode(
    [
      send(get('/')),
      receive('HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n'),
      receive('é'.repeat(1) + 'x'.repeat(99_999)),
    ],
    {
      limits: {bodyBytes: 1000},
    },
  );
  t.match(message?.response?.body, {length: 100_000, captured: 1000, truncated: true});
});

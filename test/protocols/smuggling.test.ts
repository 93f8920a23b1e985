import t from 'tap';
import {decode, receive, send} from './support/events.js';

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';

function requestsOf(head: string, rest: string) {
  return decode([receive(`POST / HTTP/1.1\r\nHost: a\r\n${head}\r\n${rest}`), send(ok)]).filter(({request}) => request);
}

const shapes: [string, string, string, string][] = [
  ['a length beside chunked', 'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n', 'length and chunked'],
  ['differing lengths', 'Content-Length: 4\r\nContent-Length: 8\r\n', 'abcd', 'differing lengths'],
  ['the same length twice', 'Content-Length: 4\r\nContent-Length: 4\r\n', 'abcd', 'repeated length'],
  ['a length that is no number', 'Content-Length: 0x4\r\n', 'abcd', 'invalid length'],
  ['a length with a sign', 'Content-Length: +4\r\n', 'abcd', 'invalid length'],
  [
    'a coding that is nearly chunked',
    'Transfer-Encoding: xchunked\r\nContent-Length: 4\r\n',
    'abcd',
    'unclear transfer coding',
  ],
  ['a space before the colon', 'Transfer-Encoding : chunked\r\n', '0\r\n\r\n', 'space around name'],
  ['a folded header', 'Transfer-Encoding:\r\n chunked\r\n', '0\r\n\r\n', 'folded header'],
  ['a vertical tab before the value', 'Transfer-Encoding: \x0bchunked\r\n', '0\r\n\r\n', 'control character'],
  [
    'two transfer codings',
    'Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n',
    '0\r\n\r\n',
    'repeated transfer coding',
  ],
  ['a chunk size that is no number', 'Transfer-Encoding: chunked\r\n', 'zz\r\nabcd\r\n0\r\n\r\n', 'invalid chunk'],
  ['a chunk size with a sign', 'Transfer-Encoding: chunked\r\n', '-1\r\n\r\n', 'invalid chunk'],
  ['a chunk longer than it says', 'Transfer-Encoding: chunked\r\n', '1\r\nabcd\r\n0\r\n\r\n', 'invalid chunk'],
  ['a line that is no header', 'nonsense\r\n', '', 'invalid header'],
  ['a bare line feed', 'X: y\n', '', 'bare line feed'],
];

for (const [name, head, rest, oddity] of shapes) {
  t.test(`notes ${name}`, async (t) => {
    const [message] = requestsOf(head, rest);
    t.equal(message?.request?.method, 'POST');
    t.ok(message?.oddities?.includes(oddity), JSON.stringify(message?.oddities));
  });
}

t.test('finds no request behind a body whose end is disputed', async (t) => {
  const hidden = 'GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n';
  for (const head of [
    'Content-Length: 4\r\nContent-Length: 8\r\n',
    'Transfer-Encoding: xchunked\r\n',
    'Transfer-Encoding : chunked\r\n',
  ]) {
    t.strictSame(
      requestsOf(head, `0\r\n\r\n${hidden}`).map(({request}) => request?.target),
      ['/'],
      head,
    );
  }
});

t.test('goes on at the next request that begins a call', async (t) => {
  const messages = decode([
    receive('POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'),
    send(ok),
    receive('GET /next HTTP/1.1\r\nHost: a\r\n\r\n'),
    send(ok),
  ]);
  t.strictSame(
    messages.flatMap(({request}) => request?.target ?? []),
    ['/', '/next'],
  );
  t.match(messages.find(({request}) => request?.target === '/next')?.gaps, [{kind: 'skipped', length: 2}]);
});

t.test('bounds absurd heads', async (t) => {
  const many = decode([send(`GET / HTTP/1.1\r\n${'a: b\r\n'.repeat(20_000)}\r\n`), receive(ok)]);
  t.equal(many[0]?.request?.headers.length, 1000);
  t.ok(many[0]?.oddities?.includes('too many headers'));
  const endless = decode([send(`GET / HTTP/1.1\r\nX: ${'y'.repeat(1_000_000)}`), receive(ok)]);
  t.notOk(endless.some(({request}) => request));
  t.equal(endless.at(-1)?.opaque?.bytesSent, 1_000_019);
});

t.test('counts an endless chunked body without holding it', async (t) => {
  const chunk = `ffff\r\n${'z'.repeat(0xffff)}\r\n`;
  const messages = decode([
    send('GET / HTTP/1.1\r\n\r\n'),
    receive('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'),
    ...Array.from({length: 100}, () => receive(chunk)),
  ]);
  t.match(messages, [{complete: false, response: {body: {length: 100 * 0xffff, captured: 65_536, truncated: true}}}]);
});

import t from 'tap';
import {createDecoder} from '../../src/protocols/index.js';
import {piecesOf} from '../../src/protocols/streams.js';
import {closing, eventsOf, receive, send} from './support/events.js';

const get = (path: string) => send(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
const ok = receive('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');

function pieces(call: Parameters<typeof eventsOf>[0][number], offset: number, expected: number): string[] {
  const [event] = eventsOf([call]);
  if (!event) return [];
  return piecesOf({...event, offset}, expected).map((piece) =>
    'hole' in piece
      ? `${piece.offset}: ${piece.hole} missing`
      : `${piece.offset}: ${piece.bytes}${piece.startsCall ? ' (call)' : ''}`,
  );
}

t.test('makes holes of what was lost before a call, in it, and cut off its end', async (t) => {
  t.strictSame(pieces(send('abcdef'), 0, 0), ['0: abcdef (call)']);
  t.strictSame(pieces(send('abcdef'), 10, 4), ['4: 6 missing', '10: abcdef (call)']);
  t.strictSame(pieces(send('abcdef', {cut: 4}), 0, 0), ['0: ab (call)', '2: 4 missing']);
  t.strictSame(
    pieces(
      send('abcdef', {
        gaps: [
          [1, 2],
          [4, 1],
        ],
      }),
      0,
      0,
    ),
    ['0: a (call)', '1: 2 missing', '3: d', '4: 1 missing', '5: f'],
  );
  t.strictSame(pieces(send('abcdef', {gaps: [[0, 6]]}), 0, 0), ['0: 6 missing']);
  t.strictSame(pieces(send('abcdef'), 0, 2), ['2: cdef'], 'bytes seen before are left out');
  t.strictSame(pieces(send('abcdef'), 0, 6), []);
});

t.test('passes over peeks and all events that are not of a connection', async (t) => {
  const decoder = createDecoder();
  const [request, response] = eventsOf([get('/'), ok]);
  if (!request || !response) return;
  t.strictSame(decoder.push({...request, peek: true}), []);
  t.strictSame(decoder.push({type: 'loss', events: 3, cause: 'ring full'}), []);
  t.strictSame(decoder.push(request), []);
  t.match(decoder.push(response), [{complete: true, request: {target: '/'}}]);
  t.strictSame(decoder.end(), []);
});

t.test('keeps connections apart', async (t) => {
  const decoder = createDecoder();
  const a = eventsOf([get('/a'), ok], 'a');
  const b = eventsOf([get('/b'), ok], 'b');
  const mixed = [a[0], b[0], b[1], a[1]].flatMap((event) => (event ? [event] : []));
  const messages = mixed.flatMap((event) => decoder.push(event));
  t.strictSame(
    messages.map(({connection, request}) => `${connection.id} ${request?.target}`),
    ['b /b', 'a /a'],
  );
});

t.test('reports at the close of a connection what never was answered', async (t) => {
  const decoder = createDecoder();
  for (const event of eventsOf([get('/')])) decoder.push(event);
  t.match(decoder.push(closing('c1')), [{complete: false, request: {target: '/'}}]);
  t.strictSame(decoder.push(closing('c1')), []);
});

t.test('a body until close is not whole when the totals say that more was moved', async (t) => {
  const decoder = createDecoder();
  for (const event of eventsOf([get('/'), receive('HTTP/1.0 200 OK\r\n\r\nabc')])) decoder.push(event);
  t.match(decoder.push(closing('c1', {bytesReceived: 30})), [
    {complete: false, response: {body: {length: 11, text: 'abc'}}},
  ]);
});

t.test('closes the connections longest idle when there are too many', async (t) => {
  const decoder = createDecoder({connections: 10});
  const messages = Array.from({length: 100}, (_, n) => eventsOf([get(`/${n}`)], `c${n}`))
    .flat()
    .flatMap((event) => decoder.push(event));
  t.strictSame(
    messages.map(({request}) => request?.target),
    Array.from({length: 90}, (_, n) => `/${n}`),
  );
  t.equal(decoder.end().length, 10);
});

t.test('closes the connections longest idle when they hold too much', async (t) => {
  const decoder = createDecoder({totalBytes: 500_000});
  const upload = send(`POST / HTTP/1.1\r\nContent-Length: 100000\r\n\r\n${'x'.repeat(60_000)}`);
  const messages = Array.from({length: 100}, (_, n) => eventsOf([upload], `c${n}`))
    .flat()
    .flatMap((event) => decoder.push(event));
  t.ok(messages.length > 85 && messages.length < 100);
  t.equal(messages.length + decoder.end().length, 100);
});

t.test('holds nothing of exchanges that are over', async (t) => {
  const decoder = createDecoder({totalBytes: 5000});
  const calls = Array.from({length: 500}, (_, n) => [
    get(`/${n}`),
    receive('HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n'),
    receive('r'.repeat(2000)),
  ]);
  const messages = eventsOf(calls.flat()).flatMap((event) => decoder.push(event));
  t.equal(messages.length, 500);
  t.ok(messages.every(({complete}) => complete));
});

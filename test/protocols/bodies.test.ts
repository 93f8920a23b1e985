import {brotliCompressSync, deflateRawSync, deflateSync, gzipSync} from 'node:zlib';
import t from 'tap';
import {BodyCollector} from '../../src/protocols/body.js';
import {contentCodings, decodeContent} from '../../src/protocols/content-encoding.js';
import {decode, receive, send} from './support/events.js';

const text = 'the same words again and again. '.repeat(1000);
const plain = Buffer.from(text);

const codings: [string, Buffer][] = [
  ['gzip', gzipSync(plain)],
  ['x-gzip', gzipSync(plain)],
  ['deflate', deflateSync(plain)],
  ['deflate', deflateRawSync(plain)],
  ['br', brotliCompressSync(plain)],
];

for (const [coding, bytes] of codings) {
  t.test(`undoes ${coding}, also of a body cut short`, async (t) => {
    t.equal(decodeContent(bytes, [coding])?.bytes.toString(), text);
    const cut = decodeContent(bytes.subarray(0, Math.floor(bytes.length / 2)), [coding]);
    t.ok(cut && text.startsWith(cut.bytes.toString()), 'a beginning');
  });
}

t.test('undoes several codings, the last first', async (t) => {
  const twice = brotliCompressSync(gzipSync(plain));
  t.equal(decodeContent(twice, contentCodings('gzip, BR'))?.bytes.toString(), text);
  t.strictSame(contentCodings('identity'), []);
});

t.test('leaves alone what is not what it says, or not known', async (t) => {
  t.equal(decodeContent(Buffer.from('not gzip'), ['gzip']), undefined);
  t.equal(decodeContent(plain, ['compress']), undefined);
  t.equal(decodeContent(plain, ['gzip', 'gzip', 'gzip', 'gzip', 'gzip']), undefined);
});

for (const [coding, compress, shown] of [
  ['gzip', gzipSync, 65_536],
  ['br', brotliCompressSync, 0], // 80 bytes of it are one command: no part of it gives less
] as const) {
  t.test(`a bomb of ${coding} gives its beginning and no more`, async (t) => {
    const bomb = compress(Buffer.alloc(50_000_000, 'b'));
    const [message] = decode([
      send('GET / HTTP/1.1\r\n\r\n'),
      receive(`HTTP/1.1 200 OK\r\nContent-Encoding: ${coding}\r\nContent-Length: ${bomb.length}\r\n\r\n`),
      receive(bomb),
    ]);
    const body = message?.response?.body;
    t.match(body, {length: bomb.length, decoded: true, truncated: true});
    t.equal(body?.text, 'b'.repeat(shown));
    t.ok((decodeContent(bomb, [coding])?.bytes.length ?? 0) <= 1024 * 1024);
  });
}

t.test('shows text as text, and all else as base64', async (t) => {
  const shown = (bytes: Buffer, bodyBytes = 100) => {
    const body = new BodyCollector({bytes: 0}, {bodyBytes, connectionBytes: 1000});
    body.push(bytes);
    return body.finish(undefined);
  };
  t.match(shown(Buffer.from('é')), {text: 'é', length: 2});
  t.match(shown(Buffer.from([0xff, 0xfe])), {base64: '//4='});
  // A character cut by the limit is left out, not mistaken for bytes that are no text.
  t.match(shown(Buffer.from('aé'), 2), {text: 'a', length: 3, captured: 2, truncated: true});
});

t.test('stops keeping at the limit of the connection, and lets go when done', async (t) => {
  const holding = {bytes: 0};
  const body = new BodyCollector(holding, {bodyBytes: 1000, connectionBytes: 50});
  body.push(Buffer.alloc(40));
  body.push(Buffer.alloc(40));
  t.equal(holding.bytes, 50);
  t.match(body.finish(undefined), {length: 80, captured: 50, truncated: true});
  t.equal(holding.bytes, 0);
});

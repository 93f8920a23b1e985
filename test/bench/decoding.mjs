// How fast messages are made of recorded calls, on one processor: without and with redaction.
import {createUnderstanding} from '../../dist/understand.js';

const callBytes = 16_384;
const wantedBytes = 32e6;

/** Prints a table: megabytes of payload a second. Base64 is undone in this time, as with a capture; reading JSON is not in it. */
export function decoding() {
  console.log('\n| messages of | payload | MB/s | with redaction |');
  console.log('| --- | --- | --- | --- |');
  for (const [protocol, make] of [
    ['HTTP/1, bodies of 64 KiB', () => http1(65_536)],
    ['HTTP/1, bodies of 200 bytes', () => http1(200)],
    ['HTTP/2, bodies of 64 KiB', () => http2(65_536)],
    ['HTTP/2, bodies of 200 bytes', () => http2(200)],
  ]) {
    const events = make();
    const bytes = events.reduce((sum, {length}) => sum + length, 0);
    const [plain, redacted] = ['off', []].map((redact) => Math.round(bytes / 1e6 / fastest(events, redact)));
    console.log(`| ${protocol} | ${Math.round(bytes / 1e6)} MB | ${plain} | ${redacted} |`);
  }
}

/** Seconds of processor time, the best of three. */
function fastest(events, redact) {
  const times = [1, 2, 3].map(() => {
    const understand = createUnderstanding({redact});
    const start = process.cpuUsage();
    let messages = 0;
    for (const event of events) for (const {type} of understand(event)) messages += type === 'message' ? 1 : 0;
    if (messages === 0) throw new Error('nothing was decoded');
    const {user, system} = process.cpuUsage(start);
    return (user + system) / 1e6;
  });
  return Math.min(...times);
}

function http1(size) {
  const body = textOf(size);
  const request = Buffer.from('GET /a?x=1 HTTP/1.1\r\nHost: a.test\r\nAuthorization: Bearer abcdefghijkl\r\n\r\n');
  const response = Buffer.from(
    `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${size}\r\nServer: s\r\n\r\n${body}`,
  );
  return calls([], () => [
    ['send', request],
    ['receive', response],
  ]);
}

function http2(size) {
  const body = Buffer.from(textOf(size));
  const preface = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(4, 0, 0, [])]);
  const asked = fields({':method': 'GET', ':scheme': 'https', ':path': '/a?x=1', ':authority': 'a.test'});
  const answered = fields({':status': '200', 'content-type': 'text/plain', server: 's'});
  let stream = -1;
  const exchange = () => {
    stream += 2;
    const data = [];
    for (let at = 0; at < size; at += callBytes) {
      const part = body.subarray(at, at + callBytes);
      data.push(frame(0, at + callBytes >= size ? 1 : 0, stream, part));
    }
    return [
      ['send', frame(1, 5, stream, asked)],
      ['receive', Buffer.concat([frame(1, 4, stream, answered), ...data])],
    ];
  };
  return calls(
    [
      ['send', preface],
      ['receive', frame(4, 0, 0, [])],
    ],
    exchange,
  );
}

/** Literal fields that enter no table, RFC 7541, 6.2.2. */
function fields(all) {
  return Buffer.concat(
    Object.entries(all).map(([name, value]) => Buffer.from(`\0${char(name)}${name}${char(value)}${value}`)),
  );
}

const char = ({length}) => String.fromCharCode(length);

function frame(type, flags, stream, payload) {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, Buffer.from(payload)]);
}

/** Data events of one connection until there is enough, a record of TLS each. */
function calls(first, exchange) {
  const events = [];
  const offsets = {send: 0, receive: 0};
  const add = ([direction, bytes]) => {
    for (let at = 0; at < bytes.length; at += callBytes) {
      const part = bytes.subarray(at, at + callBytes);
      events.push({
        ...{type: 'data', time: '2026-11-23T04:26:57.121000000Z', pid: 7, tid: 7, library: 'openssl', function: 'f'},
        ...{direction, connection: {id: '7.1'}, offset: offsets[direction], length: part.length},
        ...{captured: part.length, payload: part.toString('base64'), latencyNs: 1000},
      });
      offsets[direction] += part.length;
    }
  };
  first.forEach(add);
  while (offsets.send + offsets.receive < wantedBytes) exchange().forEach(add);
  return events;
}

function textOf(size) {
  return 'A line of a page, as pages have them: some words, a number 42.\n'.repeat(size / 64 + 1).slice(0, size);
}

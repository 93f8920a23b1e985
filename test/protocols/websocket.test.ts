import t from 'tap';
import {type Call, decode, receive, send} from './support/events.js';

const upgrade = [
  send('GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'),
  receive('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'),
];

function frame(first: number, payload: Buffer | string, mask?: Buffer): Buffer {
  const bytes = Buffer.from(payload as string);
  const length =
    bytes.length < 126
      ? [bytes.length]
      : bytes.length < 65_536
        ? [126, bytes.length >> 8, bytes.length & 255]
        : undefined;
  const head = length ? Buffer.from([first, ...length]) : Buffer.concat([Buffer.from([first, 127]), Buffer.alloc(8)]);
  if (!length) head.writeBigUInt64BE(BigInt(bytes.length), 2);
  if (!mask) return Buffer.concat([head, bytes]);
  head[1] = (head[1] as number) | 0x80;
  return Buffer.concat([head, mask, bytes.map((byte, at) => byte ^ (mask[at % 4] as number))]);
}

const mask = Buffer.from('a1b2c3d4', 'hex');

function said(calls: readonly Call[]) {
  return decode([...upgrade, ...calls]).slice(1);
}

t.test('shows the messages that follow an upgrade', async (t) => {
  const messages = decode([
    ...upgrade,
    send(frame(0x81, 'hello é', mask)),
    receive(frame(0x82, Buffer.from([0, 255]))),
  ]);
  t.match(messages, [
    {protocol: 'http/1', complete: true, response: {status: 101}},
    {
      protocol: 'websocket',
      side: 'client',
      complete: true,
      webSocket: {direction: 'send', kind: 'text', text: 'hello é', frames: 1},
    },
    {protocol: 'websocket', webSocket: {direction: 'receive', kind: 'binary', base64: 'AP8=', length: 2}},
  ]);
});

t.test('puts fragments together, with control frames between them', async (t) => {
  const bytes = Buffer.concat([
    frame(0x01, 'one '),
    frame(0x89, 'are you there'),
    frame(0x00, 'two '),
    frame(0x80, 'three'),
  ]);
  const messages = said([...Array.from(bytes, (_, at) => receive(bytes.subarray(at, at + 1)))]);
  t.match(messages, [
    {webSocket: {kind: 'ping', text: 'are you there'}},
    {webSocket: {kind: 'text', text: 'one two three', frames: 3, length: 13}},
  ]);
});

t.test('says why it was closed', async (t) => {
  const [message] = said([send(frame(0x88, Buffer.concat([Buffer.from([3, 232]), Buffer.from('bye')]), mask))]);
  t.match(message?.webSocket, {kind: 'close', closeCode: 1000, closeReason: 'bye'});
});

t.test('counts compressed messages, and long ones', async (t) => {
  const messages = said([receive(frame(0xc1, 'not text')), receive(frame(0x82, Buffer.alloc(1_000_000)))]);
  t.match(messages, [
    {webSocket: {compressed: true, length: 8, base64: Buffer.from('not text').toString('base64')}},
    {webSocket: {length: 1_000_000, captured: 65_536, truncated: true}},
  ]);
});

t.test('steps over missing payload, and stops where a frame head is missing', async (t) => {
  const messages = said([
    receive(frame(0x81, 'x'.repeat(100)), {cut: 20}),
    receive(frame(0x81, 'seen')),
    receive(frame(0x81, 'lost'), {isLost: true}),
    receive(frame(0x81, 'skipped')),
  ]);
  t.match(messages, [
    {complete: false, webSocket: {length: 100, captured: 80}, gaps: [{length: 20}]},
    {complete: true, webSocket: {text: 'seen'}},
    {protocol: 'unknown', opaque: {bytesReceived: 9}},
  ]);
});

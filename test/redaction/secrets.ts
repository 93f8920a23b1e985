import {brotliCompressSync, deflateSync, gzipSync} from 'node:zlib';
import {type Call, receive, send} from '../protocols/support/events.js';
import {data, frame, headers, literals, preface, settings} from '../protocols/support/frames.js';

/** Each three letters of this stand in secrets and nowhere else, so that a piece of one is told as well. */
const letters = 'Qz7xQz7xQz7x';
export const fragment = /Qz7|z7x|7xQ|xQz/;

/** The secrets made since the last `clear`. */
export const planted = new Set<string>();
let counter = 0;

/** A secret that stands nowhere else. */
export function plant(): string {
  const secret = `${letters}${String(++counter).padStart(3, '0')}${letters}`;
  planted.add(secret);
  return secret;
}

const fields = () => [
  `Authorization: Bearer ${plant()}`,
  `Proxy-Authorization: Basic ${plant()}`,
  `Cookie: theme=${plant()}; sid=${plant()}`,
  `X-Api-Key: ${plant()}`,
  `x-auth-token:${plant()}`,
  `X-Amz-Security-Token: ${plant()}`,
  `X-CSRF-Token: ${plant()}`,
  `Referer: https://user:${plant()}@a.test/?access_token=${plant()}&x=1`,
  `Sec-WebSocket-Protocol: chat, bearer.${plant()}`,
];

const target = () =>
  `/p?token=${plant()}&x=1&api_key=${plant()}&next=https%3A%2F%2Fu%3A${plant()}%40b.test%2F%3Fpin%3D${plant()}%26code%3D${plant()}&code=${plant()}`;

export const json = () =>
  JSON.stringify({
    user: 'ann',
    password: plant(),
    nested: {client_secret: plant(), list: [{refresh_token: plant()}]},
    url: `https://u:${plant()}@h/`,
  }) +
  `\n{"passw\\u006frd" :\n "${plant()}", "secret": ["${plant()}", {"a": "${plant()}"}], "inner": "{\\"token\\":\\"${plant()}\\"}"}`;
const form = () =>
  `user=ann&password=${plant()}%21&user%5Bpassword%5D=${plant()}&Token=${plant()} with blank ${plant()}`;
const parts = () =>
  `--b\r\nContent-Disposition: form-data; name="password"\r\n\r\n${plant()}\r\n--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n--b--\r\n`;
const xml = () => `<a><ns:Password type="t">${plant()}</ns:Password><token><![CDATA[${plant()}]]></token></a>`;
const stream = () => `event: auth\ndata: {"token":"${plant()}"}\n\ndata: password=${plant()}\nid: 7\n\n`;

const encoders = {gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync};

export interface Http1Options {
  /** In two chunks, the first so long, and trailers. */
  readonly chunkedAt?: number;
  readonly encoding?: keyof typeof encoders;
  readonly target?: string;
  readonly fields?: readonly string[];
}

/** One exchange, its request and its response with the same body. */
export function http1(body: string, type: string, options: Http1Options = {}): Call[] {
  const bytes = options.encoding ? encoders[options.encoding](body) : Buffer.from(body);
  const {chunkedAt, encoding, target = '/', fields = [`Authorization: Bearer ${plant()}`]} = options;
  const lines = [
    `Content-Type: ${type}`,
    ...(encoding ? [`Content-Encoding: ${encoding}`] : []),
    chunkedAt === undefined ? `Content-Length: ${bytes.length}` : 'Transfer-Encoding: chunked',
  ];
  const sent = chunkedAt === undefined ? bytes : chunked([bytes.subarray(0, chunkedAt), bytes.subarray(chunkedAt)]);
  const message = (first: string, own: readonly string[]) =>
    Buffer.concat([Buffer.from(`${[first, ...own, ...lines].join('\r\n')}\r\n\r\n`), sent]);
  return [
    send(message(`POST ${target} HTTP/1.1`, ['Host: a.test', ...fields])),
    receive(
      message('HTTP/1.1 200 OK', [`Set-Cookie: sid=${plant()}; Path=/; HttpOnly`, `Location: /x?token=${plant()}`]),
    ),
  ];
}

function chunked(chunks: readonly Buffer[]): Buffer {
  return Buffer.concat([
    ...chunks.flatMap((chunk) => [Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')]),
    Buffer.from(`0\r\nX-Token: ${plant()}\r\n\r\n`),
  ]);
}

/** The fields by which HTTP/2 says the same. */
const named = () =>
  Object.fromEntries(
    fields().map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
const asked = (more: Record<string, string>, path = `/a?token=${plant()}`) => ({
  ':method': 'POST',
  ':scheme': 'https',
  ':path': path,
  ':authority': 'a.test',
  ...more,
});

function http2(body: Buffer, more: Record<string, string> = {}): Call[] {
  const type = {'content-type': 'application/json', ...more};
  return [
    send(Buffer.concat([preface, settings, headers(1, asked({...named(), ...type}))])),
    send(data(1, body, 1)),
    receive(Buffer.concat([settings, headers(1, {':status': '200', 'set-cookie': `sid=${plant()}`, ...type})])),
    receive(data(1, body, 1)),
  ];
}

/** The head in two frames. */
function continued(): Call[] {
  const block = literals(asked(named()), true);
  const half = block.length >> 1;
  const parts = [frame(1, 1, 1, block.subarray(0, half)), frame(9, 4, 1, block.subarray(half))];
  return [
    send(Buffer.concat([preface, settings, ...parts])),
    receive(Buffer.concat([settings, headers(1, {':status': '204', 'x-auth-token': plant()}, 5)])),
  ];
}

function grpc(): Call[] {
  const metadata = {authorization: `Bearer ${plant()}`, 'x-session-bin': plant()};
  const secret = Buffer.from(plant());
  const message = Buffer.concat([Buffer.from([0, 0, 0, 0, secret.length + 2, 0x0a, secret.length]), secret]);
  const type = {'content-type': 'application/grpc'};
  return [
    send(Buffer.concat([preface, settings, headers(1, asked({...type, ...metadata}, '/p.S/M'))])),
    send(data(1, message, 1)),
    receive(Buffer.concat([settings, headers(1, {':status': '200', ...type}), data(1, message)])),
    receive(headers(1, {'grpc-status': '16', 'grpc-message': `bad token=${plant()}`}, 5)),
  ];
}

function webSocket(): Call[] {
  const text = Buffer.from(`{"type":"auth","token":"${plant()}"}`);
  const mask = Buffer.from([1, 2, 3, 4]);
  const masked = Buffer.from(text.map((byte, at) => byte ^ (mask[at % 4] as number)));
  const binary = Buffer.from(`\0${plant()}`, 'latin1');
  const half = text.length >> 1;
  return [
    send(
      `GET /ws?token=${plant()} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: chat, bearer.${plant()}\r\nCookie: s=${plant()}\r\n\r\n`,
    ),
    receive('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'),
    send(Buffer.concat([Buffer.from([0x81, 0x80 | text.length]), mask, masked])),
    receive(Buffer.concat([Buffer.from([0x01, half]), text.subarray(0, half)])),
    receive(Buffer.concat([Buffer.from([0x80, text.length - half]), text.subarray(half)])),
    receive(Buffer.concat([Buffer.from([0x82, binary.length]), binary])),
  ];
}

const formType = 'application/x-www-form-urlencoded';

export const conversations: Record<string, () => Call[]> = {
  'HTTP/1, heads': () => http1('', 'text/plain', {target: target(), fields: fields()}),
  'HTTP/1, JSON': () => http1(json(), 'application/json'),
  'HTTP/1, a form': () => http1(form(), formType),
  'HTTP/1, multipart': () => http1(parts(), 'multipart/form-data; boundary=b'),
  'HTTP/1, XML': () => http1(xml(), 'text/xml'),
  'HTTP/1, chunked': () => http1(json(), 'application/json', {chunkedAt: 100}),
  'HTTP/1, gzip': () => http1(json(), 'application/json', {encoding: 'gzip'}),
  'HTTP/1, deflate': () => http1(xml(), 'text/xml', {encoding: 'deflate'}),
  'HTTP/1, br, chunked': () => http1(form(), formType, {encoding: 'br', chunkedAt: 30}),
  'server-sent events': () => http1(stream(), 'text/event-stream'),
  'HTTP/2': () => http2(Buffer.from(json())),
  'HTTP/2, gzip': () => http2(gzipSync(json()), {'content-encoding': 'gzip'}),
  'HTTP/2, a head continued': continued,
  gRPC: grpc,
  WebSocket: webSocket,
};

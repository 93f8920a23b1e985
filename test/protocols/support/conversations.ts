import fc from 'fast-check';
import {type Call, receive, send} from './events.js';

/** A valid HTTP/1.1 conversation: what was said, and the calls that said it. */
export interface Conversation {
  readonly calls: Call[];
  readonly targets: string[];
}

type BodyKind = 'chunked' | 'head' | 'length' | 'none' | 'not modified';

const exchange = fc.record({
  kind: fc.constantFrom<BodyKind>('chunked', 'head', 'length', 'none', 'not modified'),
  isUpload: fc.boolean(),
  hasInterim: fc.boolean(),
  size: fc.integer({min: 1, max: 400}),
});

/** Conversations of one request at a time, or with all requests sent ahead; seen from the client. */
export const conversation: fc.Arbitrary<Conversation> = fc
  .record({exchanges: fc.array(exchange, {minLength: 1, maxLength: 8}), isPipelined: fc.boolean()})
  .map(({exchanges, isPipelined}) => {
    const requests = exchanges.map(({kind, isUpload, size}, n) => send(requestText(n, kind, isUpload ? size : 0)));
    const responses = exchanges.map(({kind, size, hasInterim}, n) => receive(responseText(n, kind, size, hasInterim)));
    const inTurn = requests.flatMap((request, n) => [request, responses[n] as Call]);
    const ahead = [send(Buffer.concat(requests.map(({bytes}) => bytes))), ...responses];
    return {calls: isPipelined ? ahead : inTurn, targets: exchanges.map((_, n) => `/${n}`)};
  });

/** The body of exchange n: each byte says which exchange it belongs to. */
function bodyOf(n: number, size: number): string {
  return `[${n}]`.repeat(size).slice(0, size);
}

function requestText(n: number, kind: BodyKind, size: number): string {
  const method = kind === 'head' ? 'HEAD' : size > 0 ? 'POST' : 'GET';
  const length = size > 0 ? `Content-Length: ${size}\r\n` : '';
  return `${method} /${n} HTTP/1.1\r\nHost: a.test\r\nX-Number: ${n}\r\n${length}\r\n${bodyOf(n, size)}`;
}

function responseText(n: number, kind: BodyKind, size: number, hasInterim: boolean): string {
  const interim = hasInterim ? 'HTTP/1.1 103 Early Hints\r\nX-Hint: yes\r\n\r\n' : '';
  const named = `X-Number: ${n}\r\n`;
  const body = bodyOf(n, size);
  const final = {
    chunked: () =>
      `HTTP/1.1 200 OK\r\n${named}Transfer-Encoding: chunked\r\n\r\n${chunks(body)}0\r\nX-End: ${n}\r\n\r\n`,
    head: () => `HTTP/1.1 200 OK\r\n${named}Content-Length: ${size}\r\n\r\n`,
    length: () => `HTTP/1.1 200 OK\r\n${named}Content-Length: ${size}\r\n\r\n${body}`,
    none: () => `HTTP/1.1 204 No Content\r\n${named}\r\n`,
    'not modified': () => `HTTP/1.1 304 Not Modified\r\n${named}Content-Length: ${size}\r\n\r\n`,
  }[kind]();
  return interim + final;
}

function chunks(body: string): string {
  const parts = body.match(/.{1,37}/g) ?? [];
  return parts.map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join('');
}

/** The same calls, each cut at some of these places into several. */
export function segmented(calls: readonly Call[], cuts: readonly number[]): Call[] {
  let next = 0;
  return calls.flatMap(({direction, bytes}) => {
    const parts: Call[] = [];
    for (let at = 0; at < bytes.length; ) {
      const end = Math.min(bytes.length, at + (cuts[next++ % cuts.length] as number));
      parts.push({direction, bytes: bytes.subarray(at, end)});
      at = end;
    }
    return parts;
  });
}

/** What befalls a call on its way: nothing mostly, or it is lost, cut, or has a gap. */
export type Fate = {kind: 'cut' | 'gap' | 'lost' | 'whole'; at: number; length: number};

export const fates: fc.Arbitrary<Fate[]> = fc.array(
  fc.record({
    kind: fc.constantFrom<Fate['kind']>('whole', 'whole', 'whole', 'cut', 'gap', 'lost'),
    at: fc.double({min: 0, max: 0.99, noNaN: true}),
    length: fc.double({min: 0.01, max: 1, noNaN: true}),
  }),
  {minLength: 1, maxLength: 40},
);

export function befallen(calls: readonly Call[], all: readonly Fate[]): Call[] {
  return calls.map((call, index) => {
    const fate = all[index % all.length] as Fate;
    const {length} = call.bytes;
    if (fate.kind === 'lost') return {...call, isLost: true};
    if (fate.kind === 'cut') return {...call, cut: Math.ceil(fate.length * length)};
    const at = Math.floor(fate.at * length);
    if (fate.kind === 'gap')
      return {...call, gaps: [[at, Math.ceil(fate.length * (length - at))]] as [number, number][]};
    return call;
  });
}

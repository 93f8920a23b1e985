import type {Grpc, GrpcMessages, Header} from './message.js';

const keptSizes = 100;

/** Counts the length-prefixed messages in the DATA of one direction: a flag, 4 bytes of length, the message
 * (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md). */
export class GrpcCounter {
  readonly counted: GrpcMessages = {messages: 0, bytes: 0, sizes: []};
  #prefix: number[] = [];
  #left = 0;
  #isLost = false;

  push(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length && !this.#isLost) {
      if (this.#left > 0) {
        const step = Math.min(this.#left, bytes.length - at);
        this.#left -= step;
        at += step;
        continue;
      }
      this.#prefix.push(bytes[at++] as number);
      if (this.#prefix.length === 5) this.#begin();
    }
  }

  hole(length: number): void {
    if (length <= this.#left) this.#left -= length;
    else this.lose();
  }

  lose(): void {
    this.#isLost = true;
    this.counted.uncounted = true;
  }

  #begin(): void {
    const [flag = 0, a = 0, b = 0, c = 0, d = 0] = this.#prefix;
    this.#prefix = [];
    if (flag > 1) {
      this.lose();
      return;
    }
    const size = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
    this.counted.messages++;
    this.counted.bytes += size;
    if (this.counted.sizes.length < keptSizes) this.counted.sizes.push(size);
    this.#left = size;
  }
}

/** `application/grpc`, with or without a suffix; not gRPC-Web, which frames its trailers otherwise. */
export function isGrpc(contentType: string | undefined): boolean {
  return contentType !== undefined && /^application\/grpc(?:[+;]|\s*$)/i.test(contentType);
}

/** The call: its name from the path, its status from the trailers (or the only headers), its message percent-decoded. */
export function grpcCall(
  path: string | undefined,
  fields: readonly Header[],
  request: GrpcMessages,
  response: GrpcMessages,
): Grpc {
  const [, service, method] = /^\/(.+)\/([^/]+)$/.exec(path ?? '') ?? [];
  const status = fields.findLast(({name}) => name === 'grpc-status')?.value;
  const message = fields.findLast(({name}) => name === 'grpc-message')?.value;
  return {
    ...(service === undefined ? {} : {service}),
    ...(method === undefined ? {} : {method}),
    ...(status !== undefined && /^\d{1,3}$/.test(status) ? {status: Number(status)} : {}),
    ...(message === undefined ? {} : {message: percentDecoded(message)}),
    request,
    response,
  };
}

function percentDecoded(text: string): string {
  const bytes = text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return bytes === text ? text : Buffer.from(bytes, 'latin1').toString('utf8');
}

import {createServer as createHttp1} from 'node:http';
import * as http2 from 'node:http2';
import type {Server} from 'node:net';
import {finished} from 'node:stream';

/** What a server says of a request when it is over: the truth that messages are compared with. */
export interface Logged {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
}

/**
 * Answers /N?size=S&status=T with S bytes, after reading the whole request; `parts` spreads the answer over several
 * writes, so that streams interleave.
 */
export function http1Server(log: Logged[]): Server {
  return createHttp1((request, response) => {
    let requestBytes = 0;
    request.on('data', (bytes: Buffer) => {
      requestBytes += bytes.length;
    });
    request.on('end', () => {
      const {size, status} = wanted(request.url ?? '/');
      response.statusCode = status;
      if (size % 2 === 0) response.setHeader('content-length', size);
      finished(response, () => {
        const {method = '', url = ''} = request;
        log.push({method, path: url, status, requestBytes, responseBytes: method === 'HEAD' ? 0 : size});
      });
      response.end(Buffer.alloc(size, 'r'));
    });
  });
}

export function http2Server(log: Logged[], options: http2.ServerOptions = {}): Server {
  const server = http2.createServer(options);
  server.on('stream', (stream, headers) => {
    const path = String(headers[':path']);
    const {size, status, parts} = wanted(path);
    let requestBytes = 0;
    stream.on('error', () => {});
    stream.on('data', (bytes: Buffer) => {
      requestBytes += bytes.length;
    });
    stream.on('end', () => {
      stream.respond({':status': status, 'x-path': path, 'x-large': 'l'.repeat(size % 7 === 0 ? 20_000 : 10)});
      finished(stream, {readable: false}, () => {
        log.push({method: String(headers[':method']), path, status, requestBytes, responseBytes: size});
      });
      for (let part = 1; part < parts; part++) stream.write(Buffer.alloc(Math.floor(size / parts), 'r'));
      stream.end(Buffer.alloc(size - (parts - 1) * Math.floor(size / parts), 'r'));
    });
  });
  return server as unknown as Server;
}

function wanted(path: string): {size: number; status: number; parts: number} {
  const query = new URL(path, 'http://a').searchParams;
  return {
    size: Number(query.get('size') ?? 10),
    status: Number(query.get('status') ?? 200),
    parts: Number(query.get('parts') ?? 1),
  };
}

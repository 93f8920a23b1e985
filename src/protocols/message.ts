import type {HttpResponse, MessageEvent} from '../events.js';

export type {
  Body,
  ConnectionRef,
  Gap,
  GrpcMessages,
  Header,
  HttpRequest as Request,
  HttpResponse as Response,
  MessageEvent,
} from '../events.js';

/** Which end of the connection the traced process is. */
export type Side = NonNullable<MessageEvent['side']>;
export type Timings = NonNullable<MessageEvent['timings']>;
export type Grpc = NonNullable<MessageEvent['grpc']>;
export type WebSocketMessage = NonNullable<MessageEvent['webSocket']>;
/** Why a stream ended without an answer. */
export type Reset = NonNullable<MessageEvent['reset']>;
export type ServerSentEvent = NonNullable<HttpResponse['serverSentEvents']>['first'][number];

export interface DecodeLimits {
  /** Bytes kept of each body, before and after decompression. */
  readonly bodyBytes: number;
  /** Bytes of one header block. */
  readonly headBytes: number;
  readonly headers: number;
  /** Exchanges of a connection that wait for their end; the oldest is reported unfinished. */
  readonly openExchanges: number;
  /** Bytes held of one connection; when reached, bodies are only counted. */
  readonly connectionBytes: number;
  /** Bytes held of all connections; when reached, the connection longest idle is closed. */
  readonly totalBytes: number;
  readonly connections: number;
}

export const defaultLimits: DecodeLimits = {
  bodyBytes: 64 * 1024,
  headBytes: 256 * 1024,
  headers: 1000,
  openExchanges: 1000,
  connectionBytes: 8 * 1024 * 1024,
  totalBytes: 128 * 1024 * 1024,
  connections: 10_000,
};

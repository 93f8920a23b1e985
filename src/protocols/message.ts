import type {DataEvent} from '../events.js';

export type ConnectionRef = DataEvent['connection'];

/** Which end of the connection the traced process is. */
export type Side = 'client' | 'server';

/** A header field. An absent name or value stood in HPACK state from before the capture, or lost with it. */
export interface Header {
  readonly name?: string;
  readonly value?: string;
}

/** Bytes that a message, or the stream right before it, lacks: `missing` were never captured, `skipped` were captured but not understood. */
export interface Gap {
  readonly direction: 'receive' | 'send';
  readonly kind: 'missing' | 'skipped';
  /** Where in the stream of that direction. */
  readonly offset: number;
  readonly length: number;
}

export interface Body {
  /** Bytes on the wire, framing apart, missing ones included. */
  length: number;
  /** Bytes before the first gap, up to the limit: what `text` or `base64` were made from. */
  captured: number;
  text?: string;
  base64?: string;
  /** The content codings, as the sender named them. */
  encoding?: string;
  /** `text` or `base64` hold the body with its content codings undone. */
  decoded?: true;
  /** `text` or `base64` hold only the beginning. */
  truncated?: true;
}

export interface Request {
  method?: string;
  /** The target as sent; for HTTP/2 `:path`, and for its CONNECT `:authority`. */
  target?: string;
  version: string;
  scheme?: string;
  /** `:authority`, or the Host field. */
  authority?: string;
  headers: Header[];
  trailers?: Header[];
  body?: Body;
}

export interface Response {
  status?: number;
  reason?: string;
  version: string;
  headers: Header[];
  trailers?: Header[];
  body?: Body;
  /** Statuses of the interim responses before this one (100, 103). */
  informational?: number[];
  /** Server-sent events: how many, and the first of them. */
  serverSentEvents?: {count: number; first: ServerSentEvent[]};
}

export interface ServerSentEvent {
  event?: string;
  id?: string;
  data: string;
}

export interface Timings {
  /** When the first byte of the exchange was seen. */
  startedAt: string;
  /** First byte of the request to its last. */
  sentNs?: number;
  /** Last byte of the request to the first of the response; 0 when the response came before the request had ended. */
  waitNs?: number;
  /** First byte of the response to its last. */
  receiveNs?: number;
  /** First byte of the request to the last of the response. */
  totalNs?: number;
}

/** Length-prefixed gRPC messages of one direction. `uncounted`: some could not be counted, for a gap. */
export interface GrpcMessages {
  messages: number;
  bytes: number;
  /** Of the first 100 messages. */
  sizes: number[];
  uncounted?: true;
}

export interface Grpc {
  service?: string;
  method?: string;
  status?: number;
  message?: string;
  request: GrpcMessages;
  response: GrpcMessages;
}

export interface WebSocketMessage {
  direction: 'receive' | 'send';
  kind: 'binary' | 'close' | 'ping' | 'pong' | 'text' | 'unknown';
  /** Payload bytes on the wire, of all fragments. */
  length: number;
  frames: number;
  captured: number;
  compressed?: true;
  text?: string;
  base64?: string;
  truncated?: true;
  closeCode?: number;
  closeReason?: string;
}

/** Why a stream ended without an answer. */
export interface Reset {
  by: 'client' | 'server';
  frame: 'GOAWAY' | 'RST_STREAM';
  code: string;
}

/** One exchange (or one WebSocket message) of a connection. `time` is when its last byte was seen. */
export interface MessageEvent {
  type: 'message';
  time: string;
  pid: number;
  tid?: number;
  uid?: number;
  comm?: string;
  library?: string;
  connection: ConnectionRef;
  side?: Side;
  protocol: 'grpc' | 'http/1' | 'http/2' | 'unknown' | 'websocket';
  /** Both halves were seen from the first byte to the last, with nothing missing in them and nothing unknown. */
  complete: boolean;
  gaps: Gap[];
  request?: Request;
  response?: Response;
  timings?: Timings;
  streamId?: number;
  /** HTTP/1 after a loss: request and response belong together if this client sends one request at a time, as it did so far. */
  pairing?: 'assumed';
  /** The server sent this without a request (PUSH_PROMISE). */
  pushed?: true;
  /** Shapes that parsers disagree about, as in request smuggling. */
  oddities?: string[];
  reset?: Reset;
  grpc?: Grpc;
  webSocket?: WebSocketMessage;
  /** What of this connection belongs to no message: captured bytes of each direction. */
  opaque?: {bytesSent: number; bytesReceived: number; looksLike?: 'tls'};
}

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

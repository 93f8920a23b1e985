import type {DataEvent} from '../events.js';

/**
 * What some bytes of a call are. `head`: a whole head of HTTP/1, or trailers. `body`: a whole body of HTTP/1. `framing`: a line that
 * says how long a chunk is, and nothing else. `unknown`: of no protocol that we know. `ciphertext`: of a connection that began with a
 * TLS record. Bytes of no span are of a known protocol, but not (or not yet, or not wholly) understood.
 */
export interface Span {
  readonly kind: 'body' | 'ciphertext' | 'framing' | 'head' | 'unknown';
  /** Where in the stream of its direction. */
  readonly offset: number;
  readonly bytes: Buffer;
  /** Of no known protocol: how the line began that these bytes go on with, as far as that is kept. */
  readonly before?: Buffer;
  /** Of a body. */
  readonly contentType?: string;
  readonly contentEncoding?: string;
}

/** What the decoder made of one call: the protocol that its connection speaks, if one is known by now, and its spans. */
export interface Reading {
  readonly protocol?: NonNullable<DataEvent['protocol']>;
  readonly spans: readonly Span[];
}

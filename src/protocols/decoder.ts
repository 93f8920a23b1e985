import type {DataEvent} from '../events.js';
import type {ConnectionRef, Gap, MessageEvent} from './message.js';
import type {DecodeContext} from './part.js';
import type {BytesPiece, HolePiece} from './streams.js';

type Direction = DataEvent['direction'];

/** What a decoder may ask of the connection that it decodes. */
export interface DecoderHost extends DecodeContext {
  emit(message: MessageEvent): void;
  /** Captured bytes that belong to no message. */
  opaque(direction: Direction, length: number): void;
  /** A gap that no message follows. */
  gap(gap: Gap): void;
  connection(): ConnectionRef;
  lastEvent(): DataEvent;
}

/** Reads the two streams of a connection, and never throws on what is in them. */
export interface ProtocolDecoder {
  /** Reads on; where the protocol ends in mid-stream, returns what comes after and the decoder for it. */
  bytes(piece: BytesPiece): Takeover | undefined;
  hole(direction: Direction, piece: HolePiece): void;
  /** `isClosed`: the connection ended here; else only the capture did. */
  close(isClosed: boolean): void;
  readonly protocol: NonNullable<DataEvent['protocol']>;
}

/** One protocol giving way to another on the same connection (Upgrade, CONNECT). */
export interface Takeover {
  /** How many bytes of the piece the old protocol took. */
  readonly taken: number;
  readonly next: 'detect' | 'opaque' | {readonly webSocketSide: 'client' | 'server'};
}

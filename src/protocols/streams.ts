import type {DataEvent} from '../events.js';

/** What one call added to the stream of its direction: bytes, or a hole where bytes were cut or lost. */
export type Piece = BytesPiece | HolePiece;

export interface BytesPiece {
  readonly bytes: Buffer;
  /** Where in the stream the bytes begin. */
  readonly offset: number;
  readonly event: DataEvent;
  /** The bytes begin where a call began: senders like to begin messages there. */
  readonly startsCall: boolean;
  /** Where in the stream the call ends. */
  readonly callEnd: number;
}

export interface HolePiece {
  readonly hole: number;
  readonly offset: number;
  readonly event: DataEvent;
}

/**
 * Turns a call into pieces that continue the stream at `expected`, the end of what came before. Bytes lost before the
 * call (its offset is ahead), in it (`gaps`), and cut off its end become holes of known length. What was seen before is
 * left out.
 */
export function piecesOf(event: DataEvent, expected: number): Piece[] {
  const payload = Buffer.from(event.payload, 'base64');
  const callEnd = event.offset + event.length;
  const pieces: Piece[] = [];
  let position = expected;
  let taken = 0;
  const addHole = (to: number) => {
    if (to <= position) return;
    pieces.push({hole: to - position, offset: position, event});
    position = to;
  };
  const addBytes = (start: number, length: number) => {
    const skip = Math.max(0, position - start);
    const bytes = payload.subarray(taken + skip, taken + length);
    taken += length;
    if (bytes.length === 0) return;
    addHole(start);
    pieces.push({bytes, offset: position, event, startsCall: position === event.offset, callEnd});
    position += bytes.length;
  };
  addHole(event.offset);
  let cursor = event.offset;
  for (const [at, length] of event.gaps ?? []) {
    const gapStart = Math.min(Math.max(event.offset + at, cursor), callEnd);
    addBytes(cursor, Math.min(gapStart - cursor, payload.length - taken));
    cursor = Math.min(Math.max(gapStart + length, gapStart), callEnd);
  }
  addBytes(cursor, Math.min(callEnd - cursor, payload.length - taken));
  addHole(callEnd);
  return pieces;
}

import type {DataEvent} from '../../events.js';
import type {DecoderHost, ProtocolDecoder} from '../decoder.js';
import {caller} from '../exchange.js';
import type {Gap, Side, WebSocketMessage} from '../message.js';
import {addGap} from '../part.js';
import {shownBytes} from '../shown-bytes.js';
import type {BytesPiece, HolePiece} from '../streams.js';
import {type GatheredMessage, WebSocketReader} from './reader.js';

type Direction = DataEvent['direction'];

const kinds: Record<number, WebSocketMessage['kind']> = {1: 'text', 2: 'binary', 8: 'close', 9: 'ping', 10: 'pong'};

/** What follows an upgrade to WebSocket: each message of each side is an event of its own. */
export class WebSocketConnection implements ProtocolDecoder {
  readonly protocol = 'websocket';
  readonly #readers: Record<Direction, WebSocketReader>;
  readonly #gaps: Record<Direction, Gap[]> = {send: [], receive: []};

  constructor(
    private readonly host: DecoderHost,
    private readonly side: Side,
  ) {
    this.#readers = {send: this.#reader('send'), receive: this.#reader('receive')};
  }

  bytes(piece: BytesPiece): undefined {
    this.#readers[piece.event.direction].bytes(piece);
  }

  hole(direction: Direction, piece: HolePiece): void {
    this.#readers[direction].hole(piece);
  }

  close(): void {
    for (const direction of ['send', 'receive'] as const) {
      this.#readers[direction].close();
      for (const gap of this.#gaps[direction]) this.host.gap(gap);
    }
  }

  #reader(direction: Direction): WebSocketReader {
    return new WebSocketReader(
      direction,
      this.host,
      (message) => this.#emit(direction, message),
      (gap) => {
        if (gap.kind === 'skipped') this.host.opaque(direction, gap.length);
        addGap(this.#gaps[direction], gap);
      },
    );
  }

  #emit(direction: Direction, {part, opcode, isCompressed, frames}: GatheredMessage): void {
    this.host.emit({
      type: 'message',
      time: part.endedAt,
      ...caller(part.event),
      connection: this.host.connection(),
      side: this.side,
      protocol: 'websocket',
      complete: part.isEnded && !part.isPartial,
      gaps: part.gaps,
      timings: {startedAt: part.startedAt},
      webSocket: shownMessage(direction, opcode, frames, isCompressed, part.body.finishRaw()),
    });
  }
}

function shownMessage(
  direction: Direction,
  opcode: number,
  frames: number,
  isCompressed: boolean,
  raw: {bytes: Buffer; length: number},
): WebSocketMessage {
  const {bytes, length} = raw;
  const message: WebSocketMessage = {
    direction,
    kind: kinds[opcode] ?? 'unknown',
    length,
    frames,
    captured: bytes.length,
  };
  const isCut = bytes.length < length;
  if (isCut) message.truncated = true;
  if (isCompressed) message.compressed = true;
  // What is compressed depends on the messages before: it is counted, and kept as it is.
  if (opcode === 8 && bytes.length >= 2) {
    message.closeCode = bytes.readUInt16BE(0);
    message.closeReason = bytes.toString('utf8', 2);
  } else if (length > 0) Object.assign(message, shown(bytes, isCut, opcode, isCompressed));
  return message;
}

function shown(bytes: Buffer, isCut: boolean, opcode: number, isCompressed: boolean) {
  return isCompressed || opcode === 2 ? {base64: bytes.toString('base64')} : shownBytes(bytes, isCut);
}

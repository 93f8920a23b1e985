import type {ConnectionEvent, DataEvent} from '../events.js';
import {Accumulator, type Holding} from './accumulator.js';
import type {DecoderHost, ProtocolDecoder, Takeover} from './decoder.js';
import {type Detected, detect} from './detect.js';
import {caller} from './exchange.js';
import {Http1Connection} from './http1/connection.js';
import {Http2Connection} from './http2/connection.js';
import type {ConnectionRef, DecodeLimits, Gap, MessageEvent} from './message.js';
import {addGap} from './part.js';
import type {Reading, Span} from './span.js';
import {type BytesPiece, type HolePiece, piecesOf} from './streams.js';
import {WebSocketConnection} from './websocket/connection.js';

type Direction = DataEvent['direction'];

/** The longest beginning that is held while it could become more than one protocol. */
const maxUndecidedBytes = 16 * 1024;

/** So much of a line of an unknown protocol is kept for the calls that go on with it. */
const maxLineBytes = 512;

/** What is held of a direction while the protocol is not known. */
interface Lane {
  expected: number;
  readonly undecided: Accumulator;
  /** The first piece of what is held. */
  first: BytesPiece | undefined;
  opaque: number;
  /** `unknown`: it began with what no protocol begins with. `doubtful`: bytes are missing from before that could be told. */
  verdict: 'doubtful' | 'unknown' | undefined;
  /** Of an unknown protocol: the last line, which may go on at `lineEnd`. */
  line: Buffer;
  lineEnd: number;
}

/** One connection: its two streams, the protocol they turn out to speak, and what belongs to no message. */
export class ConnectionProtocol implements DecoderHost {
  readonly holding: Holding = {bytes: 0};
  readonly #lanes: Record<Direction, Lane>;
  readonly #gaps: Gap[] = [];
  #messages: MessageEvent[] = [];
  #decoder: ProtocolDecoder | undefined;
  #isOpaque = false;
  #looksLikeTls = false;
  #last: DataEvent | undefined;
  #reference: ConnectionRef | undefined;
  #spans: Span[] = [];

  constructor(readonly limits: DecodeLimits) {
    const lane = (): Lane => ({
      expected: 0,
      undecided: new Accumulator(this.holding),
      first: undefined,
      opaque: 0,
      verdict: undefined,
      line: Buffer.alloc(0),
      lineEnd: 0,
    });
    this.#lanes = {send: lane(), receive: lane()};
  }

  push(event: DataEvent): MessageEvent[] {
    this.#last = event;
    this.#spans = [];
    this.#reference = event.connection;
    const lane = this.#lanes[event.direction];
    const pieces = piecesOf(event, lane.expected);
    lane.expected = Math.max(lane.expected, event.offset + event.length);
    for (const piece of pieces) this.#piece(event.direction, piece);
    return this.#take();
  }

  /** The connection ended (its event has the totals), or only the capture of it did. */
  close(event?: ConnectionEvent): MessageEvent[] {
    if (event) this.#reference = event.connection;
    this.#tail('send', event?.bytesSent);
    this.#tail('receive', event?.bytesReceived);
    this.#decoder?.close(event !== undefined);
    this.#decoder = undefined;
    for (const direction of ['send', 'receive'] as const) this.#dropUndecided(direction);
    this.#reportOpaque(event?.time);
    return this.#take();
  }

  /** What became of the last call. */
  get reading(): Reading {
    return {...(this.#decoder && {protocol: this.#decoder.protocol}), spans: this.#spans};
  }

  span(span: Span): void {
    this.#spans.push(span);
  }

  emit(message: MessageEvent): void {
    this.#messages.push(message);
  }

  opaque(direction: Direction, length: number): void {
    this.#lanes[direction].opaque += length;
  }

  gap(gap: Gap): void {
    addGap(this.#gaps, gap);
  }

  connection(): ConnectionRef {
    return this.#reference as ConnectionRef;
  }

  lastEvent(): DataEvent {
    return this.#last as DataEvent;
  }

  #take(): MessageEvent[] {
    const messages = this.#messages;
    this.#messages = [];
    return messages;
  }

  /** Bytes that the connection moved after the last call we saw. */
  #tail(direction: Direction, total: number | undefined): void {
    const lane = this.#lanes[direction];
    if (total === undefined || total <= lane.expected || !this.#last) return;
    this.#piece(direction, {hole: total - lane.expected, offset: lane.expected, event: this.#last});
    lane.expected = total;
  }

  #piece(direction: Direction, piece: BytesPiece | HolePiece): void {
    if ('hole' in piece) {
      if (this.#decoder) this.#decoder.hole(direction, piece);
      else {
        this.#dropUndecided(direction);
        this.#lanes[direction].verdict ??= 'doubtful';
        this.gap({direction, kind: 'missing', offset: piece.offset, length: piece.hole});
      }
    } else if (this.#decoder) this.#decode(this.#decoder, piece);
    else if (this.#isOpaque) this.#unknown(piece);
    else this.#detect(direction, piece);
  }

  #decode(decoder: ProtocolDecoder, piece: BytesPiece): void {
    const takeover = decoder.bytes(piece);
    if (!takeover) return;
    decoder.close(false);
    this.#decoder = this.#successor(takeover.next);
    const bytes = piece.bytes.subarray(takeover.taken);
    if (bytes.length === 0) return;
    this.#piece(piece.event.direction, {...piece, bytes, offset: piece.offset + takeover.taken, startsCall: true});
  }

  #successor(next: Takeover['next']): ProtocolDecoder | undefined {
    if (typeof next === 'object') return new WebSocketConnection(this, next.webSocketSide);
    this.#isOpaque = next === 'opaque';
    return undefined;
  }

  #detect(direction: Direction, piece: BytesPiece): void {
    const lane = this.#lanes[direction];
    if (!lane.first && !piece.startsCall) {
      this.#unknown(piece);
      return;
    }
    lane.first ??= piece;
    lane.undecided.append(piece.bytes);
    const rest = Math.max(0, piece.callEnd - piece.offset - piece.bytes.length);
    const detected = detect(lane.undecided.view(), rest);
    if (detected === 'more' && lane.undecided.length < maxUndecidedBytes) return;
    if (detected === 'tls') {
      this.#isOpaque = true;
      this.#looksLikeTls = true;
    }
    this.#decoder = this.#decoderFor(detected, direction);
    if (!this.#decoder) {
      this.#dropUndecided(direction);
      lane.verdict ??= 'unknown';
      this.#spanUnknown(piece);
      return;
    }
    for (const each of [direction === 'send' ? 'receive' : 'send', direction] as const) this.#release(each, piece);
  }

  #decoderFor(detected: Detected, direction: Direction): ProtocolDecoder | undefined {
    if (detected === 'http/2') return new Http2Connection(this);
    if (detected !== 'http/1 request' && detected !== 'http/1 response') return undefined;
    const isClient = (detected === 'http/1 request') === (direction === 'send');
    const isJoined = {send: this.#isJoined('send'), receive: this.#isJoined('receive')};
    // A response comes first only where its request was not seen.
    if (detected === 'http/1 response') isJoined[direction === 'send' ? 'receive' : 'send'] = true;
    return new Http1Connection(this, isClient ? 'client' : 'server', isJoined);
  }

  #unknown(piece: BytesPiece): void {
    this.opaque(piece.event.direction, piece.bytes.length);
    this.#spanUnknown(piece);
  }

  /** With its beginning missing, a protocol that we know would look like one that we do not. */
  #spanUnknown({event, offset, bytes}: BytesPiece): void {
    const lane = this.#lanes[event.direction];
    if (!this.#isOpaque && lane.verdict !== 'unknown') return;
    const before = lane.lineEnd === offset ? lane.line : Buffer.alloc(0);
    this.span({kind: this.#looksLikeTls ? 'ciphertext' : 'unknown', offset, bytes, before});
    lane.line = lastLine(before, bytes);
    lane.lineEnd = offset + bytes.length;
  }

  #isJoined(direction: Direction): boolean {
    return this.#lanes[direction].opaque > 0 || this.#gaps.some((gap) => gap.direction === direction);
  }

  /** Hands what was held to the decoder, as one piece. */
  #release(direction: Direction, last: BytesPiece): void {
    const {first, undecided} = this.#lanes[direction];
    if (!first) return;
    const bytes = Buffer.from(undecided.view());
    this.#forget(direction);
    const callEnd = first.event.direction === last.event.direction ? last.callEnd : first.offset + bytes.length;
    this.#piece(direction, {...first, bytes, callEnd});
  }

  #dropUndecided(direction: Direction): void {
    const held = this.#lanes[direction].undecided.length;
    this.#forget(direction);
    this.opaque(direction, held);
  }

  #forget(direction: Direction): void {
    const lane = this.#lanes[direction];
    lane.undecided.clear();
    lane.first = undefined;
  }

  #reportOpaque(time: string | undefined): void {
    const {send, receive} = this.#lanes;
    if (!this.#last || (send.opaque === 0 && receive.opaque === 0 && this.#gaps.length === 0)) return;
    this.emit({
      type: 'message',
      time: time ?? this.#last.time,
      ...caller(this.#last),
      connection: this.connection(),
      protocol: 'unknown',
      complete: false,
      gaps: [...this.#gaps],
      opaque: {
        bytesSent: send.opaque,
        bytesReceived: receive.opaque,
        ...(this.#looksLikeTls ? {looksLike: 'tls'} : {}),
      },
    });
  }
}

/** The end of these bytes that is in no line before, as far as it is kept. A copy, so that it does not hold the whole call in memory. */
function lastLine(before: Buffer, bytes: Buffer): Buffer {
  const start = bytes.lastIndexOf(0x0a) + 1;
  const line = start > 0 ? bytes.subarray(start) : Buffer.concat([before, bytes.subarray(-maxLineBytes)]);
  return Buffer.from(line.subarray(-maxLineBytes));
}

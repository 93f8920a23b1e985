import type {DataEvent} from '../../events.js';
import {Accumulator} from '../accumulator.js';
import {detectHttp1Request, detectHttp1Response} from '../detect.js';
import type {Gap} from '../message.js';
import {addGap, type DecodeContext, Part} from '../part.js';
import type {BytesPiece, HolePiece} from '../streams.js';
import {ChunkLine} from './chunk-line.js';
import type {Framing} from './framing.js';
import {type Head, headEnd, isStartLine, parseHead, parseTrailers} from './head.js';

/** What a reader tells the connection. */
export interface Http1Sink {
  /** A head was read: takes the part on, and says how its body ends. `stop`: what follows is another protocol. */
  onHead(head: Head, part: Part, requestsBefore: number): Framing | {readonly kind: 'stop'};
  /** How many requests of the connection have been seen: those that a response which begins now may answer. */
  requestsSoFar(): number;
  /** The part has ended (`isEnded`), or its end is lost. */
  onDone(part: Part): void;
  /** Messages may have been missed. */
  onLoss(gap: Gap): void;
  /** The body that the head announces may not come (a response to HEAD, a refused Expect). */
  isBodyDoubtful(part: Part): boolean;
}

type State =
  | 'chunk data'
  | 'chunk end'
  | 'chunk size'
  | 'length'
  | 'lost'
  | 'start'
  | 'stopped'
  | 'trailers'
  | 'until close';

/** The longest first line that is waited for. */
const maxLineBytes = 64 * 1024;

/** What follows the data of the only chunk of a body. */
const lastChunk = '\r\n0\r\n';

/**
 * Reads one direction of HTTP/1.0 and 1.1 (RFC 9112), and finds the next certain message after a gap.
 *
 * Own code, since http-parser-js 0.5.10 has no way to pass over missing bytes of a body, ends a message at a chunk size
 * that is no number, takes `Content-Length: 0x4` for 4, and says nothing of a length beside chunked.
 */
export class Http1Reader {
  #state: State = 'start';
  #isResuming = false;
  #part: Part | undefined;
  #left = 0;
  readonly #gathered: Accumulator;
  readonly #chunkLine = new ChunkLine();
  #gatheredFrom: {event: DataEvent; offset: number; requestsBefore: number} | undefined;
  #pendingGaps: Gap[] = [];

  constructor(
    private readonly kind: 'request' | 'response',
    private readonly direction: DataEvent['direction'],
    private readonly context: DecodeContext,
    private readonly sink: Http1Sink,
    isJoined: boolean,
  ) {
    this.#gathered = new Accumulator(context.holding);
    if (isJoined) this.#state = 'lost';
  }

  /** Reads on, and returns how many bytes were taken: all, unless the protocol ends. */
  bytes(piece: BytesPiece): number {
    if (piece.startsCall) this.#beginCall(piece);
    let at = 0;
    while (at < piece.bytes.length && this.#state !== 'stopped') {
      if (this.#state === 'lost') {
        this.#lose('skipped', piece.offset + at, piece.bytes.length - at);
        return piece.bytes.length;
      }
      at += this.#step(at === 0 ? piece.bytes : piece.bytes.subarray(at), piece, piece.offset + at);
    }
    return at;
  }

  hole({hole, offset, event}: HolePiece): void {
    const gap = (from: number, length: number) =>
      ({direction: this.direction, kind: 'missing', offset: from, length}) as const;
    const part = this.#part;
    const isInBody =
      part &&
      !this.#isBodyDoubtful(part) &&
      (this.#state === 'length' || this.#state === 'chunk data' || this.#state === 'until close');
    const inBody = !isInBody ? 0 : this.#state === 'until close' ? hole : Math.min(hole, this.#left);
    if (part && inBody > 0) {
      part.addBodyHole(gap(offset, inBody));
      part.endedAt = event.time;
      this.#left -= inBody;
      if (this.#state === 'length' && this.#left === 0) this.#endPart(part);
      else if (this.#state === 'chunk data' && this.#left === 0) this.#state = 'chunk end';
    }
    if (inBody === hole) return;
    if (this.#state === 'start') this.#handOnCutHead();
    const isTold = this.#abandon(gap(offset + inBody, hole - inBody));
    this.#lose('missing', offset + inBody, hole - inBody, isTold);
  }

  /** The stream ends. A body until close is whole then, if it was the connection that ended. */
  close(isClosed: boolean): Gap[] {
    const part = this.#part;
    if (part && this.#state === 'until close' && isClosed) this.#endPart(part);
    else if (this.#state === 'start' && this.#gathered.length > 0) this.#handOnCutHead();
    this.#abandon(undefined);
    this.#dropGathered();
    return this.#pendingGaps;
  }

  #beginCall(piece: BytesPiece): void {
    if (this.#state === 'lost') {
      if (this.#detect(piece.bytes) === 'none') return;
      this.#state = 'start';
      this.#isResuming = true;
    } else if (this.#part && this.#isBodyDoubtful(this.#part) && this.#detect(piece.bytes) !== 'none') {
      this.#part.isPartial = true;
      this.#endPart(this.#part);
      this.#isResuming = true;
    }
  }

  #isBodyDoubtful(part: Part): boolean {
    return part.body.length === 0 && this.#state !== 'trailers' && this.sink.isBodyDoubtful(part);
  }

  #detect(bytes: Buffer) {
    return this.kind === 'request' ? detectHttp1Request(bytes) : detectHttp1Response(bytes);
  }

  #step(bytes: Buffer, {event}: BytesPiece, offset: number): number {
    switch (this.#state) {
      case 'start':
        return this.#readHead(bytes, event, offset);
      case 'chunk size':
      case 'chunk end':
        return this.#readChunkLine(bytes, offset);
      case 'trailers':
        return this.#readTrailers(bytes, event, offset);
      default:
        return this.#readBody(bytes, event, offset);
    }
  }

  #readHead(bytes: Buffer, event: DataEvent, offset: number): number {
    const before = this.#gathered.length;
    // RFC 9112, 2.2: empty lines before a message are passed over.
    if (before === 0 && (bytes[0] === 0x0d || bytes[0] === 0x0a)) return 1;
    this.#gatheredFrom ??= {event, offset, requestsBefore: this.sink.requestsSoFar()};
    const whole = before === 0 ? headEnd(bytes, 0) : -1;
    if (whole >= 0 && whole <= this.context.limits.headBytes) {
      this.#endHead(bytes.subarray(0, whole), event, offset);
      return whole;
    }
    this.#gathered.append(bytes);
    const view = this.#gathered.view();
    const end = headEnd(view, Math.max(0, before - 3));
    if (end > this.context.limits.headBytes) this.#dropGathered(end);
    else if (end < 0 && !this.#couldBecomeHead(view, before)) this.#dropGathered();
    else if (end >= 0) this.#endHead(Buffer.from(view.subarray(0, end)), event);
    return end >= 0 ? Math.max(0, end - before) : bytes.length;
  }

  #couldBecomeHead(view: Buffer, checked: number): boolean {
    if (view.length > this.context.limits.headBytes) return false;
    const feed = view.subarray(0, maxLineBytes).indexOf(0x0a);
    if (feed < 0) return view.length < maxLineBytes;
    return feed < checked || isStartLine(view.subarray(0, feed + 1), this.kind);
  }

  /** `offset`: where the head begins, when all of it stands in one call. */
  #endHead(block: Buffer, event: DataEvent, offset?: number): void {
    const head = parseHead(block, this.kind, this.context.limits.headers);
    if (!head || (this.#isResuming && head.oddities.size > 0)) {
      this.#dropGathered(block.length);
      return;
    }
    if (offset !== undefined) this.context.span({kind: 'head', offset, bytes: block});
    const requestsBefore = this.#gatheredFrom?.requestsBefore ?? 0;
    const part = this.#takePart(head, block.length);
    part.endedAt = event.time;
    const framing = this.sink.onHead(head, part, requestsBefore);
    for (const oddity of head.oddities) part.oddities.add(oddity);
    this.#part = part;
    this.#follow(framing, part);
  }

  #takePart(head: Head, headBytes: number): Part {
    const {event} = this.#gatheredFrom as {event: DataEvent};
    const part = new Part(this.context, event);
    for (const gap of this.#pendingGaps) addGap(part.gaps, gap);
    this.#pendingGaps = [];
    part.headers = head.headers;
    part.holdHead(headBytes);
    this.#gathered.clear();
    this.#gatheredFrom = undefined;
    this.#isResuming = false;
    return part;
  }

  #follow(framing: Framing | {readonly kind: 'stop'}, part: Part): void {
    this.#left = framing.kind === 'length' ? framing.length : 0;
    if (framing.kind === 'chunked') this.#state = 'chunk size';
    else if (framing.kind === 'until close') this.#state = 'until close';
    else if (framing.kind === 'length' && framing.length > 0) this.#state = 'length';
    else if (framing.kind === 'unclear') {
      this.#abandon(undefined);
      this.#state = 'lost';
    } else {
      this.#endPart(part);
      if (framing.kind === 'stop') this.#state = 'stopped';
    }
  }

  #readBody(bytes: Buffer, event: DataEvent, offset: number): number {
    const part = this.#part as Part;
    this.#spanBody(bytes, offset, part);
    const taken = this.#state === 'until close' ? bytes.length : Math.min(bytes.length, this.#left);
    part.addBody(taken === bytes.length ? bytes : bytes.subarray(0, taken));
    part.endedAt = event.time;
    if (this.#state === 'until close') return taken;
    this.#left -= taken;
    if (this.#left > 0) return taken;
    if (this.#state === 'length') this.#endPart(part);
    else this.#state = 'chunk end';
    return taken;
  }

  /** Only a body that stands in this call as a whole is told: who looks for secrets must see all of it. */
  #spanBody(bytes: Buffer, offset: number, part: Part): void {
    if (this.#state === 'until close' || part.body.length > 0 || bytes.length < this.#left) return;
    const end = this.#left;
    if (this.#state === 'chunk data' && bytes.toString('latin1', end, end + lastChunk.length) !== lastChunk) return;
    const contentType = part.header('content-type');
    const contentEncoding = part.header('content-encoding');
    this.context.span({
      kind: 'body',
      offset,
      bytes: bytes.subarray(0, end),
      ...(contentType !== undefined && {contentType}),
      ...(contentEncoding !== undefined && {contentEncoding}),
    });
  }

  #readChunkLine(bytes: Buffer, offset: number): number {
    const taken = this.#chunkLine.push(bytes);
    const line = this.#chunkLine.take();
    if (line === undefined) return taken;
    if (line.isPlain) this.context.span({kind: 'framing', offset, bytes: bytes.subarray(0, taken)});
    const part = this.#part as Part;
    const size = this.#state === 'chunk end' ? undefined : line.size;
    if (line.isBare) part.oddities.add('bare line feed');
    if (this.#state === 'chunk end' && line.isEmpty) this.#state = 'chunk size';
    else if (size === undefined) {
      part.oddities.add('invalid chunk');
      const isTold = this.#abandon({direction: this.direction, kind: 'skipped', offset, length: taken});
      this.#lose('skipped', offset, taken, isTold);
    } else {
      this.#left = size;
      this.#state = size === 0 ? 'trailers' : 'chunk data';
    }
    return taken;
  }

  #readTrailers(bytes: Buffer, event: DataEvent, offset: number): number {
    const before = this.#gathered.length;
    this.#gatheredFrom ??= {event, offset, requestsBefore: 0};
    this.#gathered.append(bytes.subarray(0, this.context.limits.headBytes - before + 1));
    const view = this.#gathered.view();
    const isNone = view[0] === 0x0a || (view[0] === 0x0d && view[1] === 0x0a);
    const end = isNone ? (view[0] === 0x0a ? 1 : 2) : headEnd(view, Math.max(0, before - 3));
    const part = this.#part as Part;
    if (end < 0 && view.length <= this.context.limits.headBytes) return bytes.length;
    if (end < 0) {
      part.oddities.add('endless trailers');
      this.#abandon(undefined);
      this.#dropGathered();
      return bytes.length;
    }
    if (before === 0) this.context.span({kind: 'head', offset, bytes: bytes.subarray(0, end)});
    if (!isNone) part.trailers = parseTrailers(view.subarray(0, end), this.context.limits.headers);
    part.holdHead(end);
    part.endedAt = event.time;
    this.#gathered.clear();
    this.#gatheredFrom = undefined;
    this.#endPart(part);
    return end - before;
  }

  #endPart(part: Part): void {
    part.isEnded = true;
    this.#part = undefined;
    this.#state = 'start';
    this.sink.onDone(part);
  }

  /** A head cut by a gap: its whole lines are certain, if it is certain that it was one. */
  #handOnCutHead(): void {
    const view = Buffer.from(this.#gathered.view());
    const lines = view.subarray(0, view.lastIndexOf(0x0a) + 1);
    const head =
      this.#isResuming || !lines.length ? undefined : parseHead(lines, this.kind, this.context.limits.headers);
    if (!head) return;
    const requestsBefore = this.#gatheredFrom?.requestsBefore ?? 0;
    const part = this.#takePart(head, lines.length);
    part.isPartial = true;
    this.sink.onHead(head, part, requestsBefore);
    this.#part = part;
  }

  /** Gives up the part in hand, if any: where it ends is lost. */
  #abandon(gap: Gap | undefined): boolean {
    const part = this.#part;
    if (!part) return false;
    this.#part = undefined;
    part.isPartial = true;
    if (gap) addGap(part.gaps, gap);
    this.sink.onDone(part);
    return true;
  }

  /** What was gathered (the first `length` bytes of it) turned out to be no message. */
  #dropGathered(length = this.#gathered.length): void {
    const from = this.#gatheredFrom;
    this.#gathered.clear();
    this.#gatheredFrom = undefined;
    if (from && length > 0) this.#lose('skipped', from.offset, length);
  }

  #lose(kind: Gap['kind'], offset: number, length: number, isTold = false): void {
    this.#state = 'lost';
    this.#isResuming = false;
    this.#chunkLine.clear();
    this.#dropGathered();
    const gap = {direction: this.direction, kind, offset, length};
    if (!isTold) addGap(this.#pendingGaps, gap);
    this.sink.onLoss(gap);
  }
}

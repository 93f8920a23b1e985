import type {DataEvent} from '../../events.js';
import {Accumulator, type Holding} from '../accumulator.js';
import type {Gap} from '../message.js';
import type {BytesPiece, HolePiece} from '../streams.js';
import {
  chainOfFrames,
  connectionPreface,
  type FrameHeader,
  flag,
  frameHeaderBytes,
  frameType,
  isAllowed,
  isFirstSettings,
  readFrameHeader,
} from './plausible-frames.js';

/** What a reader hands on, in the order of the stream. */
export interface FrameSink {
  onPreface(): void;
  /** A frame other than DATA. Not whole: `payload` ends where bytes are missing. */
  onFrame(header: FrameHeader, payload: Buffer, isWhole: boolean, event: DataEvent): void;
  onData(streamId: number, bytes: Buffer, event: DataEvent): void;
  onDataHole(streamId: number, gap: Gap, event: DataEvent): void;
  onDataEnd(header: FrameHeader, event: DataEvent): void;
  /** The stream was not seen from its beginning. */
  onJoin(): void;
  /** Bytes in which frames may have been. */
  onLoss(gap: Gap): void;
}

type State = 'data' | 'header' | 'lost' | 'payload' | 'start';

/** Cuts the stream of one direction into frames, and finds the next certain one after a gap. */
export class FrameReader {
  #state: State = 'start';
  #gathered: Accumulator;
  #header: FrameHeader = {length: 0, type: 0, flags: 0, streamId: 0};
  /** Bytes of the frame's payload still to come, and those at its end that are padding. */
  #left = 0;
  #padding = 0;
  #isPadLengthDue = false;
  #isWhole = true;

  constructor(
    private readonly direction: 'receive' | 'send',
    private readonly sink: FrameSink,
    private readonly maxPayload: number,
    holding: Holding,
  ) {
    this.#gathered = new Accumulator(holding);
  }

  bytes(piece: BytesPiece): void {
    if (this.#state === 'lost') this.#tryResume(piece);
    let at = 0;
    while (at < piece.bytes.length) {
      if (this.#state === 'lost') {
        this.#lose('skipped', piece.offset + at, piece.bytes.length - at);
        return;
      }
      at += this.#step(at === 0 ? piece.bytes : piece.bytes.subarray(at), piece);
    }
  }

  hole({hole, offset, event}: HolePiece): void {
    const isInFrame = this.#state === 'data' || this.#state === 'payload';
    const inFrame = isInFrame ? Math.min(hole, this.#left) : 0;
    if (this.#state === 'data') this.#dataHole(inFrame, offset, event);
    else if (this.#state === 'payload') this.#payloadHole(inFrame, event);
    if (inFrame === hole) return;
    if (this.#state === 'start') this.sink.onJoin();
    this.#lose('missing', offset + inFrame, hole - inFrame);
  }

  #step(bytes: Buffer, piece: BytesPiece): number {
    switch (this.#state) {
      case 'start':
        return this.#start(bytes, piece);
      case 'header':
        return this.#readHeader(bytes, piece.event);
      case 'data':
        return this.#readData(bytes, piece.event);
      default:
        return this.#readPayload(bytes, piece.event);
    }
  }

  #start(bytes: Buffer, piece: BytesPiece): number {
    const before = this.#gathered.length;
    this.#gathered.append(bytes.subarray(0, 512));
    const view = this.#gathered.view();
    const compared = Math.min(view.length, connectionPreface.length);
    if (view.subarray(0, compared).equals(connectionPreface.subarray(0, compared))) {
      if (compared < connectionPreface.length) return bytes.length;
      this.#gathered.clear();
      this.#state = 'header';
      this.sink.onPreface();
      return compared - before;
    }
    const first = isFirstSettings(view);
    if (first === 'more') return bytes.length;
    if (first === 'yes') {
      // The settings themselves say nothing that decoding needs.
      const settings = frameHeaderBytes + (view[2] as number);
      this.#gathered.clear();
      this.#state = 'header';
      return settings - before;
    }
    this.#gathered.clear();
    this.sink.onJoin();
    this.#state = 'lost';
    if (before > 0) this.#lose('skipped', piece.offset - before, before);
    else this.#tryResume(piece);
    return 0;
  }

  #readHeader(bytes: Buffer, event: DataEvent): number {
    const before = this.#gathered.length;
    let view = bytes;
    if (before > 0 || bytes.length < frameHeaderBytes) {
      this.#gathered.append(bytes.subarray(0, frameHeaderBytes - before));
      if (this.#gathered.length < frameHeaderBytes) return bytes.length;
      view = Buffer.from(this.#gathered.view());
      this.#gathered.clear();
    }
    this.#header = readFrameHeader(view, 0);
    if (!isAllowed(this.#header)) {
      this.#state = 'lost';
      return 0;
    }
    this.#left = this.#header.length;
    this.#isWhole = true;
    const isData = this.#header.type === frameType.data;
    this.#state = isData ? 'data' : 'payload';
    this.#isPadLengthDue = isData && (this.#header.flags & flag.padded) !== 0;
    this.#padding = 0;
    if (this.#left === 0) this.#endFrame(event);
    return frameHeaderBytes - before;
  }

  #readPayload(bytes: Buffer, event: DataEvent): number {
    const taken = Math.min(this.#left, bytes.length);
    this.#left -= taken;
    if (this.#left === 0 && this.#gathered.length === 0 && this.#isWhole) {
      this.#handOn(bytes.subarray(0, taken), event);
      return taken;
    }
    const room = this.maxPayload - this.#gathered.length;
    if (taken > room) this.#isWhole = false;
    if (this.#isWhole) this.#gathered.append(bytes.subarray(0, taken));
    if (this.#left === 0) this.#endPayload(event);
    return taken;
  }

  #readData(bytes: Buffer, event: DataEvent): number {
    let at = 0;
    if (this.#isPadLengthDue) {
      this.#isPadLengthDue = false;
      this.#left--;
      this.#padding = Math.min(bytes[0] as number, this.#left);
      at = 1;
    }
    const data = Math.min(this.#left - this.#padding, bytes.length - at);
    if (data > 0) this.sink.onData(this.#header.streamId, bytes.subarray(at, at + data), event);
    const taken = Math.min(this.#left, bytes.length - at);
    this.#left -= taken;
    if (this.#left === 0) this.#endFrame(event);
    else this.#padding = Math.min(this.#padding, this.#left);
    return at + taken;
  }

  #dataHole(hole: number, offset: number, event: DataEvent): void {
    this.#isPadLengthDue = false;
    const length = Math.min(hole, this.#left - this.#padding);
    this.#left -= hole;
    if (length > 0) {
      this.sink.onDataHole(this.#header.streamId, {direction: this.direction, kind: 'missing', offset, length}, event);
    }
    if (this.#left === 0) this.#endFrame(event);
    else this.#padding = Math.min(this.#padding, this.#left);
  }

  #payloadHole(hole: number, event: DataEvent): void {
    this.#isWhole = false;
    this.#left -= hole;
    if (this.#left === 0) this.#endPayload(event);
  }

  #endFrame(event: DataEvent): void {
    if (this.#state === 'payload') this.#endPayload(event);
    else {
      this.#state = 'header';
      this.sink.onDataEnd(this.#header, event);
    }
  }

  #endPayload(event: DataEvent): void {
    const payload = Buffer.from(this.#gathered.view());
    this.#gathered.clear();
    this.#handOn(payload, event);
  }

  #handOn(payload: Buffer, event: DataEvent): void {
    this.#state = 'header';
    this.sink.onFrame(this.#header, payload, this.#isWhole, event);
  }

  #tryResume(piece: BytesPiece): void {
    const rest = piece.callEnd - piece.offset - piece.bytes.length;
    if (piece.startsCall && chainOfFrames(piece.bytes, rest)) this.#state = 'header';
  }

  #lose(kind: Gap['kind'], offset: number, length: number): void {
    this.#state = 'lost';
    this.#gathered.clear();
    this.sink.onLoss({direction: this.direction, kind, offset, length});
  }
}

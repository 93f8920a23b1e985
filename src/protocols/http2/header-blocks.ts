import {Accumulator, type Holding} from '../accumulator.js';
import {type FrameHeader, flag, frameType} from './plausible-frames.js';

/** A header block put together from HEADERS or PUSH_PROMISE and its CONTINUATIONs. */
export interface HeaderBlock {
  readonly streamId: number;
  readonly endsStream: boolean;
  readonly promisedId?: number;
  readonly bytes: Buffer;
  /** Bytes are missing after these. */
  readonly isCut: boolean;
}

/** Puts together the header blocks of one direction (RFC 9113, 4.3): nothing may come between their frames. */
export class HeaderBlocks {
  #open: {streamId: number; endsStream: boolean; promisedId?: number} | undefined;
  #bytes: Accumulator;
  #isCut = false;

  constructor(
    private readonly maxBytes: number,
    holding: Holding,
  ) {
    this.#bytes = new Accumulator(holding);
  }

  /** The blocks that this frame completes; a block that will never be completed is handed out cut. */
  push(frame: FrameHeader, payload: Buffer, isWhole: boolean): HeaderBlock[] {
    const blocks: HeaderBlock[] = [];
    if (frame.type === frameType.headers && frame.flags & flag.endHeaders && isWhole && !this.#open) {
      return [wholeBlock(frame, payload)];
    }
    const continues = frame.type === frameType.continuation && this.#open?.streamId === frame.streamId;
    if (!continues) blocks.push(...this.cut());
    if (frame.type === frameType.continuation && !continues) {
      return [...blocks, {streamId: 0, endsStream: false, bytes: Buffer.alloc(0), isCut: true}];
    }
    if (frame.type === frameType.continuation) this.#add(payload, isWhole);
    else if (frame.type === frameType.headers) this.#beginHeaders(frame, payload, isWhole);
    else if (frame.type === frameType.pushPromise) this.#beginPromise(frame, payload, isWhole);
    else return blocks;
    if (frame.flags & flag.endHeaders) blocks.push(...this.#take());
    return blocks;
  }

  /** Ends the open block, if there is one, for bytes are missing. */
  cut(): HeaderBlock[] {
    if (this.#open) this.#isCut = true;
    return this.#take();
  }

  #take(): HeaderBlock[] {
    if (!this.#open) return [];
    const block = {...this.#open, bytes: Buffer.from(this.#bytes.view()), isCut: this.#isCut};
    this.#open = undefined;
    this.#bytes.clear();
    return [block];
  }

  #beginHeaders(frame: FrameHeader, payload: Buffer, isWhole: boolean): void {
    this.#open = {streamId: frame.streamId, endsStream: (frame.flags & flag.endStream) !== 0};
    this.#isCut = false;
    this.#add(withoutPadding(frame, payload, isWhole, headersBefore(frame)), isWhole);
  }

  #beginPromise(frame: FrameHeader, payload: Buffer, isWhole: boolean): void {
    const before = frame.flags & flag.padded ? 1 : 0;
    const promisedId = payload.length >= before + 4 ? payload.readUInt32BE(before) & 0x7fffffff : 0;
    this.#open = {streamId: frame.streamId, endsStream: false, promisedId};
    this.#isCut = false;
    this.#add(withoutPadding(frame, payload, isWhole, before + 4), isWhole);
  }

  #add(bytes: Buffer, isWhole: boolean): void {
    const room = this.maxBytes - this.#bytes.length;
    if (!this.#isCut) this.#bytes.append(bytes.subarray(0, room));
    if (!isWhole || bytes.length > room) this.#isCut = true;
  }
}

/** A block in one frame, as nearly all are: nothing is to be put together, nor copied. */
function wholeBlock(frame: FrameHeader, payload: Buffer): HeaderBlock {
  const bytes = withoutPadding(frame, payload, true, headersBefore(frame));
  return {streamId: frame.streamId, endsStream: (frame.flags & flag.endStream) !== 0, bytes, isCut: false};
}

/** Bytes of a HEADERS frame before its block: the pad length, and a priority. */
function headersBefore({flags}: FrameHeader): number {
  return (flags & flag.padded ? 1 : 0) + (flags & flag.priority ? 5 : 0);
}

/** The part of a payload that belongs to the block. Of a frame cut short, all that is not padding for certain. */
function withoutPadding(frame: FrameHeader, payload: Buffer, isWhole: boolean, before: number): Buffer {
  const padding = frame.flags & flag.padded ? (payload[0] ?? 0) : 0;
  const end = isWhole ? payload.length - padding : Math.min(payload.length, frame.length - padding);
  return payload.subarray(before, Math.max(before, end));
}

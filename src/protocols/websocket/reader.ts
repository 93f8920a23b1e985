import type {DataEvent} from '../../events.js';
import {Accumulator} from '../accumulator.js';
import type {Gap} from '../message.js';
import {type DecodeContext, Part} from '../part.js';
import type {BytesPiece, HolePiece} from '../streams.js';

/** A message as it is gathered from its frames. The kept payload is unmasked. */
export interface GatheredMessage {
  readonly part: Part;
  readonly opcode: number;
  readonly isCompressed: boolean;
  frames: number;
}

interface Frame {
  readonly isLast: boolean;
  readonly isReserved: boolean;
  readonly isCompressed: boolean;
  readonly opcode: number;
  readonly length: number;
  readonly mask: Buffer | undefined;
}

/**
 * Reads the frames of one direction (RFC 6455, 5.2) into messages. Control frames may stand between fragments. A frame
 * says too little of itself to be found again: after lost framing nothing is certain, and the rest is skipped.
 */
export class WebSocketReader {
  readonly #head: Accumulator;
  #frame: Frame | undefined;
  #left = 0;
  #message: GatheredMessage | undefined;
  #control: GatheredMessage | undefined;
  #isLost = false;

  constructor(
    private readonly direction: DataEvent['direction'],
    private readonly context: DecodeContext,
    private readonly onMessage: (message: GatheredMessage) => void,
    private readonly onLoss: (gap: Gap) => void,
  ) {
    this.#head = new Accumulator(context.holding);
  }

  bytes({bytes, event, offset}: BytesPiece): void {
    let at = 0;
    while (at < bytes.length && !this.#isLost) {
      const part = bytes.subarray(at);
      at += this.#frame ? this.#readPayload(this.#frame, part, event) : this.#readHead(part, event);
    }
    if (at < bytes.length) this.onLoss(this.#gap('skipped', offset + at, bytes.length - at));
  }

  hole({hole, offset, event}: HolePiece): void {
    const message = this.#control ?? this.#message;
    const inFrame = this.#frame && message ? Math.min(hole, this.#left) : 0;
    if (message && this.#frame && inFrame > 0) {
      message.part.addBodyHole(this.#gap('missing', offset, inFrame));
      this.#left -= inFrame;
      if (this.#left === 0) this.#endFrame(this.#frame, event);
    }
    if (inFrame === hole) return;
    this.#lose();
    this.onLoss(this.#gap('missing', offset + inFrame, hole - inFrame));
  }

  /** The stream ends: a message that has begun is handed on as it is. */
  close(): void {
    this.#lose();
  }

  #readHead(bytes: Buffer, event: DataEvent): number {
    const before = this.#head.length;
    // Two bytes, up to eight of length, four of mask.
    this.#head.append(bytes.subarray(0, 14 - before));
    const view = this.#head.view();
    const headBytes = headLength(view);
    if (headBytes === undefined || view.length < headBytes) return view.length - before;
    const frame = readHead(Buffer.from(view.subarray(0, headBytes)));
    this.#head.clear();
    if (!isValid(frame, this.#message !== undefined)) {
      this.#lose();
      return 0;
    }
    this.#frame = frame;
    this.#left = frame.length;
    this.#beginFrame(frame, event);
    if (this.#left === 0) this.#endFrame(frame, event);
    return headBytes - before;
  }

  #beginFrame({opcode, isCompressed}: Frame, event: DataEvent): void {
    const begin = () => ({part: new Part(this.context, event), opcode, isCompressed, frames: 0});
    if (opcode >= 8) this.#control = begin();
    else if (opcode > 0) this.#message = begin();
    const message = this.#control ?? this.#message;
    if (message) message.frames++;
  }

  #readPayload(frame: Frame, bytes: Buffer, event: DataEvent): number {
    const taken = Math.min(bytes.length, this.#left);
    const message = this.#control ?? this.#message;
    const done = frame.length - this.#left;
    const payload = bytes.subarray(0, taken);
    message?.part.addBody(frame.mask ? unmasked(payload, frame.mask, done) : payload);
    if (message) message.part.endedAt = event.time;
    this.#left -= taken;
    if (this.#left === 0) this.#endFrame(frame, event);
    return taken;
  }

  #endFrame(frame: Frame, event: DataEvent): void {
    this.#frame = undefined;
    const message = this.#control ?? this.#message;
    if (!message || !frame.isLast) return;
    if (this.#control) this.#control = undefined;
    else this.#message = undefined;
    message.part.isEnded = true;
    message.part.endedAt = event.time;
    this.onMessage(message);
  }

  #lose(): void {
    this.#isLost = true;
    this.#head.clear();
    for (const message of [this.#control, this.#message]) if (message) this.onMessage(message);
    this.#control = undefined;
    this.#message = undefined;
    this.#frame = undefined;
  }

  #gap(kind: Gap['kind'], offset: number, length: number): Gap {
    return {direction: this.direction, kind, offset, length};
  }
}

function headLength(view: Buffer): number | undefined {
  const second = view[1];
  if (second === undefined) return undefined;
  const length = second & 0x7f;
  return 2 + (length === 126 ? 2 : length === 127 ? 8 : 0) + (second & 0x80 ? 4 : 0);
}

function readHead(head: Buffer): Frame {
  const first = head[0] as number;
  const second = head[1] as number;
  const short = second & 0x7f;
  const length = short === 126 ? head.readUInt16BE(2) : short === 127 ? Number(head.readBigUInt64BE(2)) : short;
  return {
    isLast: (first & 0x80) !== 0,
    // RSV1 marks compression (RFC 7692); nothing defines the others.
    isReserved: (first & 0x30) !== 0,
    isCompressed: (first & 0x40) !== 0,
    opcode: first & 0x0f,
    length,
    mask: second & 0x80 ? head.subarray(head.length - 4) : undefined,
  };
}

function isValid({opcode, isLast, isReserved, length}: Frame, isContinuing: boolean): boolean {
  if (isReserved || !Number.isSafeInteger(length)) return false;
  if (opcode >= 8) return opcode <= 10 && isLast && length <= 125;
  return opcode === 0 ? isContinuing : opcode <= 2 && !isContinuing;
}

function unmasked(bytes: Buffer, mask: Buffer, done: number): Buffer {
  const plain = Buffer.allocUnsafe(bytes.length);
  for (let at = 0; at < bytes.length; at++) {
    plain[at] = (bytes[at] as number) ^ (mask[(done + at) % 4] as number);
  }
  return plain;
}

import type {Holding} from './accumulator.js';
import {contentCodings, decodeContent} from './content-encoding.js';
import type {Body} from './message.js';
import {shownBytes} from './shown-bytes.js';

/** Gathers a body: its beginning up to the limit or the first gap is kept, the rest is counted. */
export class BodyCollector {
  length = 0;
  #kept: Buffer[] = [];
  #keptBytes = 0;
  #isKeeping = true;

  constructor(
    private readonly holding: Holding,
    private readonly limits: {bodyBytes: number; connectionBytes: number},
  ) {}

  push(bytes: Buffer): void {
    this.length += bytes.length;
    if (!this.#isKeeping) return;
    const room = Math.min(
      this.limits.bodyBytes - this.#keptBytes,
      Math.max(0, this.limits.connectionBytes - this.holding.bytes),
    );
    const kept = bytes.length > room ? bytes.subarray(0, room) : bytes;
    if (kept.length < bytes.length) this.#isKeeping = false;
    if (kept.length === 0) return;
    // A copy, so that a small part does not hold the whole call in memory.
    this.#kept.push(kept.length * 2 < kept.buffer.byteLength ? Buffer.from(kept) : kept);
    this.#keptBytes += kept.length;
    this.holding.bytes += kept.length;
  }

  hole(length: number): void {
    this.length += length;
    this.#isKeeping = false;
  }

  /** The body as shown, or undefined when there was none. Lets go of what was held. */
  finish(contentEncoding: string | undefined): Body | undefined {
    const {bytes, length} = this.finishRaw();
    return length === 0 ? undefined : shownBody(bytes, length, contentEncoding, this.limits.bodyBytes);
  }

  /** The kept bytes, and how many there were. Lets go of what was held. */
  finishRaw(): {bytes: Buffer; length: number} {
    const bytes = this.#kept.length === 1 ? (this.#kept[0] as Buffer) : Buffer.concat(this.#kept, this.#keptBytes);
    this.release();
    return {bytes, length: this.length};
  }

  release(): void {
    this.holding.bytes -= this.#keptBytes;
    this.#kept = [];
    this.#keptBytes = 0;
  }
}

function shownBody(raw: Buffer, length: number, contentEncoding: string | undefined, limit: number): Body {
  const codings = contentCodings(contentEncoding);
  const body: Body = {length, captured: raw.length};
  if (codings.length > 0) body.encoding = contentEncoding as string;
  let shown = raw;
  let isCut = raw.length < length;
  const decoded = codings.length > 0 && raw.length > 0 ? decodeContent(raw, codings) : undefined;
  if (decoded) {
    body.decoded = true;
    isCut ||= decoded.isCut || decoded.bytes.length > limit;
    shown = decoded.bytes.subarray(0, limit);
  }
  if (isCut) body.truncated = true;
  return Object.assign(body, shownBytes(shown, isCut));
}

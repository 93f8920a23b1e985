/** Bytes held of one connection, counted by all who hold some. */
export interface Holding {
  bytes: number;
}

/** Bytes gathered over several pieces, in one buffer that doubles: one byte at a time costs no more than all at once. */
export class Accumulator {
  #buffer = Buffer.alloc(0);
  #length = 0;

  constructor(private readonly holding: Holding) {}

  get length(): number {
    return this.#length;
  }

  append(bytes: Uint8Array): void {
    const needed = this.#length + bytes.length;
    if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2, 64));
      this.#buffer.copy(larger, 0, 0, this.#length);
      this.#hold(larger);
    }
    this.#buffer.set(bytes, this.#length);
    this.#length = needed;
  }

  /** The gathered bytes, valid until the next call. */
  view(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
    this.#hold(Buffer.alloc(0));
  }

  #hold(buffer: Buffer<ArrayBuffer>): void {
    this.holding.bytes += buffer.length - this.#buffer.length;
    this.#buffer = buffer;
  }
}

/**
 * How much of a message was there to read. `cut`: its end was not captured (or has not come). `malformed`: a length inside
 * it points past its own end; what was read before that point stands.
 */
export type Extent = 'cut' | 'malformed' | 'whole';

/** Reads a message of `declared` bytes of which only the first may be there. Past what is there, everything is undefined. */
export class ByteReader {
  #at = 0;

  constructor(
    private readonly bytes: Buffer,
    private readonly declared: number = bytes.length,
    /** Shared with the parts of this message. */
    private readonly verdict: {extent: Extent} = {extent: 'whole'},
  ) {}

  get extent(): Extent {
    return this.verdict.extent;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.declared;
  }

  /** A big-endian number of 1 to 3 bytes. */
  number(size: 1 | 2 | 3): number | undefined {
    return this.take(size)?.readUIntBE(0, size);
  }

  take(length: number): Buffer | undefined {
    if (!this.#fits(length)) return undefined;
    const start = this.#at;
    this.#at += length;
    if (this.#at <= this.bytes.length) return this.bytes.subarray(start, this.#at);
    this.#judge('cut');
    return undefined;
  }

  /** A vector: its length in `size` bytes, then that many bytes, some of which may not be there. */
  vector(size: 1 | 2 | 3): ByteReader | undefined {
    const length = this.number(size);
    if (length === undefined || !this.#fits(length)) return undefined;
    const there = this.bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    if (there.length < length) this.#judge('cut');
    return new ByteReader(there, length, this.verdict);
  }

  /** All numbers of a vector; undefined unless every one of them is there. */
  numbers(size: 1 | 2): number[] | undefined {
    const result: number[] = [];
    while (!this.isAtEnd) {
      const each = this.number(size);
      if (each === undefined) return undefined;
      result.push(each);
    }
    return result;
  }

  /** All that is left; undefined unless it is there to its end. */
  rest(): Buffer | undefined {
    return this.take(this.declared - this.#at);
  }

  /** Says that nothing should follow here. */
  expectEnd(): void {
    if (this.verdict.extent === 'whole' && !this.isAtEnd) this.#judge('malformed');
  }

  #fits(length: number): boolean {
    if (this.#at + length <= this.declared) return true;
    this.#judge('malformed');
    this.#at = this.declared;
    return false;
  }

  #judge(extent: Extent): void {
    if (this.verdict.extent !== 'malformed') this.verdict.extent = extent;
  }
}

import {headerText} from '../shown-bytes.js';
import {decodeHuffman} from './huffman.js';

/** Reads the primitives of RFC 7541, 5. After the first broken rule it is at its end. */
export class BlockReader {
  isBroken = false;
  #at = 0;

  constructor(private readonly block: Buffer) {}

  get isAtEnd(): boolean {
    return this.#at >= this.block.length;
  }

  peek(): number {
    return this.block[this.#at] ?? 0;
  }

  integer(prefixBits: number): number {
    const mask = (1 << prefixBits) - 1;
    let value = this.#byte() & mask;
    if (value < mask) return value;
    // Four more bytes reach 2^28: more than any index or length in a block.
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = this.#byte();
      value += (byte & 0x7f) << shift;
      if (!(byte & 0x80)) return value;
    }
    this.isBroken = true;
    return 0;
  }

  string(): string | undefined {
    const isHuffman = (this.peek() & 0x80) !== 0;
    const length = this.integer(7);
    const bytes = this.block.subarray(this.#at, this.#at + length);
    this.#at += length;
    if (bytes.length < length) this.isBroken = true;
    const text = this.isBroken ? undefined : isHuffman ? decodeHuffman(bytes) : bytes;
    if (!text) this.isBroken = true;
    return text && headerText(text);
  }

  #byte(): number {
    const byte = this.block[this.#at++];
    if (byte === undefined) this.isBroken = true;
    return byte ?? 0;
  }
}

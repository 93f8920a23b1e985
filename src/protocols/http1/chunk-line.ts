/** Extensions of chunks longer than this are not believed. */
const maxLineBytes = 4096;

export interface ReadChunkLine {
  /** The chunk's size; undefined where the line is not one (RFC 9112, 7.1). */
  readonly size: number | undefined;
  readonly isEmpty: boolean;
  /** It ended in LF without CR. */
  readonly isBare: boolean;
  /** It holds a size or nothing, and no extensions. */
  readonly isPlain: boolean;
}

/** Gathers the line before a chunk, or the empty one after it. */
export class ChunkLine {
  #text = '';
  #isDone = false;

  /** Takes bytes up to the end of the line, or until it is too long, and returns how many. */
  push(bytes: Buffer): number {
    const feed = bytes.indexOf(0x0a);
    const end = Math.min(feed < 0 ? bytes.length : feed + 1, maxLineBytes - this.#text.length + 1);
    this.#text += bytes.toString('latin1', 0, end);
    this.#isDone = this.#text.endsWith('\n') || this.#text.length > maxLineBytes;
    return end;
  }

  /** The line, once it has ended; forgets it then. */
  take(): ReadChunkLine | undefined {
    if (!this.#isDone) return undefined;
    const text = this.#text;
    this.clear();
    const isBare = !text.endsWith('\r\n');
    const line = text.slice(0, isBare ? -1 : -2);
    // 13 digits: below 2^53.
    const [, digits] = /^([0-9A-Fa-f]{1,13})[ \t]*(?:;.*)?$/.exec(line) ?? [];
    return {
      size: digits === undefined ? undefined : Number.parseInt(digits, 16),
      isEmpty: line === '',
      isBare,
      isPlain: line === (digits ?? ''),
    };
  }

  clear(): void {
    this.#text = '';
    this.#isDone = false;
  }
}

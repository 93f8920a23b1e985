import type {Exchange} from '../exchange.js';

const keptClosed = 1024;

/** The open streams of a connection, and the latest closed ones, whose late frames must not open them again. */
export class StreamTable {
  readonly open = new Map<number, Exchange>();
  readonly #closed = new Set<number>();

  isClosed(id: number): boolean {
    return this.#closed.has(id);
  }

  close(id: number): void {
    this.open.delete(id);
    this.#closed.add(id);
    if (this.#closed.size <= keptClosed) return;
    for (const oldest of this.#closed) {
      this.#closed.delete(oldest);
      break;
    }
  }

  oldest(): number | undefined {
    for (const id of this.open.keys()) return id;
    return undefined;
  }
}

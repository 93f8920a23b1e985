import type {Anchor} from './clock.js';
import {maxFlushes} from './hold-back.js';

/** How often a caller with live input flushes, in milliseconds. */
export const flushEveryMs = 100;

const shortestMs = 200;
const longestMs = maxFlushes * flushEveryMs;
const nsOf = (ms: number) => BigInt(Math.round(ms)) * 1_000_000n;
const flushEveryNs = nsOf(flushEveryMs);
/** Flushes for which it is remembered how late records may be. */
const memory = 20;
/** Nothing came for so long: bpftrace has found every ring empty. */
const pauseMs = 50;
const longestBusyMs = 1000;

/**
 * How long events wait for earlier ones. bpftrace empties the ring of one processor before it looks at the next, so what waits
 * there is late by the time that this takes: about as much as bpftrace lags behind the clock, and at most as long as it has been
 * busy without a pause (of which a second is waited: a ring that is filled as fast as it is read keeps it from the others while it
 * lags behind nothing). A recording has no clock to lag behind, and nobody who waits for it: there it is the longest time.
 */
export class Delay {
  anchor: Anchor | undefined;
  readonly #now: (() => number) | undefined;
  /** How late a record may have been, at most, since each of the last flushes, in milliseconds, the latest first. */
  readonly #lates = [0];
  #windowNs: bigint;
  #heardAt = Number.NEGATIVE_INFINITY;
  #busySince = 0;

  constructor(now: (() => number) | undefined) {
    this.#now = now;
    this.#windowNs = nsOf(now ? shortestMs : longestMs);
  }

  /** For what gets older while records come. */
  get windowNs(): bigint {
    return this.#windowNs;
  }

  /** For what nothing younger follows: so many flushes. */
  get flushes(): number {
    return Number(this.#windowNs / flushEveryNs);
  }

  /** A line has come. */
  hear(): void {
    if (!this.#now) return;
    const now = this.#now();
    if (now - this.#heardAt >= pauseMs) this.#busySince = now;
    this.#heardAt = now;
  }

  /** A record of this time has come. */
  note(time: bigint): void {
    if (!this.#now || !this.anchor) return;
    const lag = this.#now() - Number(this.anchor.epochNs - this.anchor.nsecs + time) / 1e6;
    const busy = Math.min(this.#heardAt - this.#busySince, longestBusyMs);
    const late = Math.max(0, busy) + 2 * Math.max(0, lag);
    if (late <= (this.#lates[0] as number)) return;
    this.#lates[0] = late;
    this.#adapt();
  }

  flush(): void {
    this.#lates.unshift(0);
    if (this.#lates.length > memory) this.#lates.pop();
    if (this.#now) this.#adapt();
  }

  #adapt(): void {
    this.#windowNs = nsOf(Math.min(shortestMs + Math.max(...this.#lates), longestMs));
  }
}

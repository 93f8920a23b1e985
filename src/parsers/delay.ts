import type {Anchor} from './clock.js';
import {maxFlushes} from './hold-back.js';

/** How often a caller with live input flushes, in milliseconds. */
export const flushEveryMs = 100;

const shortestMs = 200;
const longestMs = maxFlushes * flushEveryMs;
const nsOf = (ms: number) => BigInt(Math.round(ms)) * 1_000_000n;
const flushEveryNs = nsOf(flushEveryMs);
/** Flushes for which a lag is remembered. */
const memory = 20;

/**
 * How long events wait for earlier ones. bpftrace empties the ring of one processor before it looks at the next, so what waits
 * there is late by the time that this takes: about as much as bpftrace lags behind the clock. A recording has no clock to lag
 * behind, and nobody who waits for it: there it is the longest time.
 */
export class Delay {
  anchor: Anchor | undefined;
  readonly #now: (() => number) | undefined;
  /** The longest lag since each of the last flushes, in milliseconds, the latest first. */
  readonly #lags = [0];
  #windowNs: bigint;

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

  /** A record of this time has come. */
  note(time: bigint): void {
    if (!this.#now || !this.anchor) return;
    const lag = this.#now() - Number(this.anchor.epochNs - this.anchor.nsecs + time) / 1e6;
    if (lag <= (this.#lags[0] as number)) return;
    this.#lags[0] = lag;
    this.#adapt();
  }

  flush(): void {
    this.#lags.unshift(0);
    if (this.#lags.length > memory) this.#lags.pop();
    if (this.#now) this.#adapt();
  }

  #adapt(): void {
    this.#windowNs = nsOf(Math.min(shortestMs + 2 * Math.max(...this.#lags), longestMs));
  }
}

import {Latencies} from './latencies.js';
import type {OverTime, TimeBin} from './report.js';

export type Outcome = 'ok' | 'clientErrors' | 'serverErrors' | 'unanswered';

const maxBins = 240;
const firstWidthMs = 10;

/** Counts over time, in bins that become wider as time goes on: there are never more than 240. */
export class TimeBins {
  #startMs: number | undefined;
  #widthMs = firstWidthMs;
  #bins: Bin[] = [];

  /** Where time begins; what is said to be before counts there. */
  start(ms: number): void {
    this.#startMs ??= ms;
  }

  addExchange(ms: number, outcome: Outcome, totalNs: number | undefined): void {
    const bin = this.#binAt(ms);
    bin[outcome]++;
    if (totalNs !== undefined) bin.latencies.record(totalNs);
  }

  addBytes(ms: number, direction: 'receive' | 'send', bytes: number): void {
    const bin = this.#binAt(ms);
    if (direction === 'send') bin.bytesSent += bytes;
    else bin.bytesReceived += bytes;
  }

  overTime(): OverTime {
    return {startMs: this.#startMs ?? 0, widthMs: this.#widthMs, bins: this.#bins.map((bin) => bin.row())};
  }

  #binAt(ms: number): Bin {
    this.#startMs ??= ms;
    const sinceStart = Math.max(0, ms - this.#startMs);
    while (sinceStart >= maxBins * this.#widthMs) this.#widen();
    const at = Math.floor(sinceStart / this.#widthMs);
    while (this.#bins.length <= at) this.#bins.push(new Bin());
    return this.#bins[at] as Bin;
  }

  #widen(): void {
    this.#widthMs *= 2;
    const pairs: Bin[] = [];
    for (let at = 0; at < this.#bins.length; at += 2) {
      const bin = this.#bins[at] as Bin;
      const next = this.#bins[at + 1];
      if (next) bin.add(next);
      pairs.push(bin);
    }
    this.#bins = pairs;
  }
}

class Bin {
  ok = 0;
  clientErrors = 0;
  serverErrors = 0;
  unanswered = 0;
  bytesSent = 0;
  bytesReceived = 0;
  readonly latencies = new Latencies();

  add(other: Bin): void {
    this.ok += other.ok;
    this.clientErrors += other.clientErrors;
    this.serverErrors += other.serverErrors;
    this.unanswered += other.unanswered;
    this.bytesSent += other.bytesSent;
    this.bytesReceived += other.bytesReceived;
    this.latencies.add(other.latencies);
  }

  row(): TimeBin {
    const {ok, clientErrors, serverErrors, unanswered, bytesSent, bytesReceived} = this;
    const {p50Ns, p99Ns} = this.latencies.figures();
    return {
      ok,
      clientErrors,
      serverErrors,
      unanswered,
      ...(p50Ns !== undefined && {p50Ns}),
      ...(p99Ns !== undefined && {p99Ns}),
      bytesSent,
      bytesReceived,
    };
  }
}

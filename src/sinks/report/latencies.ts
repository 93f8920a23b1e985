import {createHistogram, type RecordableHistogram} from 'node:perf_hooks';
import type {LatencyFigures} from './report.js';

/** 1, 2, 5, 10 … from 10 us to 100 s. */
export const edgesNs: readonly number[] = [4, 5, 6, 7, 8, 9, 10]
  .flatMap((power) => [1, 2, 5].map((digit) => digit * 10 ** power))
  .concat(1e11);

/** An hour; what took longer counts as that in percentiles. */
const highestNs = 3.6e12;

/**
 * Durations in a High Dynamic Range histogram (that of Node.js, which is HdrHistogram): percentiles to two digits in a few
 * kilobytes, however many there are.
 */
export class Latencies {
  #histogram: RecordableHistogram | undefined;
  #sumNs = 0;
  #maxNs = 0;
  readonly #distribution = new Array<number>(edgesNs.length + 1).fill(0);

  record(ns: number): void {
    this.#histogram ??= newHistogram();
    this.#histogram.record(Math.min(Math.max(Math.round(ns), 1), highestNs));
    this.#sumNs += ns;
    this.#maxNs = Math.max(this.#maxNs, ns);
    const at = classOf(ns);
    this.#distribution[at] = (this.#distribution[at] ?? 0) + 1;
  }

  /** Takes in what another one holds. */
  add(other: Latencies): void {
    if (!other.#histogram) return;
    this.#histogram ??= newHistogram();
    this.#histogram.add(other.#histogram);
    this.#sumNs += other.#sumNs;
    this.#maxNs = Math.max(this.#maxNs, other.#maxNs);
    for (const [at, count] of other.#distribution.entries())
      this.#distribution[at] = (this.#distribution[at] ?? 0) + count;
  }

  figures(): LatencyFigures {
    const histogram = this.#histogram;
    if (!histogram) return {count: 0, distribution: []};
    const percentile = (share: number) => Math.min(histogram.percentile(share), this.#maxNs);
    return {
      count: histogram.count,
      meanNs: Math.round(this.#sumNs / histogram.count),
      p50Ns: percentile(50),
      p90Ns: percentile(90),
      p99Ns: percentile(99),
      maxNs: this.#maxNs,
      distribution: this.#distribution,
    };
  }
}

function newHistogram(): RecordableHistogram {
  return createHistogram({lowest: 1000, highest: highestNs, figures: 2});
}

function classOf(ns: number): number {
  const at = edgesNs.findIndex((edge) => ns <= edge);
  return at < 0 ? edgesNs.length : at;
}

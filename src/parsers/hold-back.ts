/** What waits for its turn: when it happened, and how many bytes it keeps in memory. */
export interface Held {
  readonly time: bigint;
  readonly weight: number;
}

export interface HoldBackLimits {
  readonly maxCount: number;
  readonly maxWeight: number;
}

/** Flushes that are remembered, beside the one that rings: an item waits through no more. */
export const maxFlushes = 30;

interface Entry<T> {
  readonly item: T;
  readonly arrival: number;
}

/**
 * Puts what comes from several processors in order of time, and of arrival where times are equal: an item leaves once one
 * that is a window younger has come, at once if it comes later than that, and never not at all.
 * `mayLeave` holds back one that is still being put together, and so those behind it, until a limit or a flush.
 */
export class HoldBack<T extends Held> {
  readonly #limits: HoldBackLimits;
  readonly #mayLeave: (item: T) => boolean;
  /** A binary heap: no entry is before the one at half its place. */
  readonly #heap: Entry<T>[] = [];
  #weight = 0;
  #arrivals = 0;
  #newest = 0n;
  #oldest: bigint | undefined;
  /** What had come at the last flushes, the latest last. */
  readonly #flushed: {readonly newest: bigint; readonly arrivals: number}[] = [];

  constructor(limits: HoldBackLimits, mayLeave: (item: T) => boolean) {
    this.#limits = limits;
    this.#mayLeave = mayLeave;
  }

  get count(): number {
    return this.#heap.length;
  }

  get isFull(): boolean {
    return this.count > this.#limits.maxCount || this.#weight > this.#limits.maxWeight;
  }

  /** The latest time that any item had. */
  get newest(): bigint {
    return this.#newest;
  }

  /** From the earliest to the latest time that any item had. */
  get spanNs(): bigint {
    return this.#newest - (this.#oldest ?? this.#newest);
  }

  add(item: T): void {
    this.#heap.push({item, arrival: this.#arrivals++});
    rise(this.#heap);
    this.#weight += item.weight;
    if (item.time > this.#newest) this.#newest = item.time;
    if (this.#oldest === undefined || item.time < this.#oldest) this.#oldest = item.time;
  }

  /** What has waited long enough by the times of what came after it: a window of so many nanoseconds. */
  release(windowNs: bigint): T[] {
    const watermark = this.#newest - windowNs;
    return this.#take(({item}) => this.isFull || (item.time <= watermark && this.#mayLeave(item)));
  }

  /** For a timer: all that was there when it rang as many flushes ago, and what belongs before that. */
  flush(flushes: number): T[] {
    this.#flushed.push({newest: this.#newest, arrivals: this.#arrivals});
    if (this.#flushed.length <= flushes) return [];
    const {newest, arrivals} = this.#flushed.at(-1 - flushes) as {newest: bigint; arrivals: number};
    if (this.#flushed.length > maxFlushes) this.#flushed.shift();
    return this.#take(({item, arrival}) => item.time <= newest && (arrival < arrivals || this.#mayLeave(item)));
  }

  drain(): T[] {
    return this.#take(() => true);
  }

  #take(leaves: (entry: Entry<T>) => boolean): T[] {
    const taken: T[] = [];
    for (let first = this.#heap[0]; first && leaves(first); first = this.#heap[0]) {
      const last = this.#heap.pop() as Entry<T>;
      if (last !== first) sink(this.#heap, last);
      this.#weight -= first.item.weight;
      taken.push(first.item);
    }
    return taken;
  }
}

function isBefore(a: Entry<Held>, b: Entry<Held>): boolean {
  return a.item.time < b.item.time || (a.item.time === b.item.time && a.arrival < b.arrival);
}

/** Brings the last entry to its place. */
function rise<T extends Held>(heap: Entry<T>[]): void {
  let place = heap.length - 1;
  const entry = heap[place] as Entry<T>;
  while (place > 0) {
    const above = (place - 1) >> 1;
    const other = heap[above] as Entry<T>;
    if (!isBefore(entry, other)) break;
    heap[place] = other;
    place = above;
  }
  heap[place] = entry;
}

/** Puts an entry in at the top, whose own has left. */
function sink<T extends Held>(heap: Entry<T>[], entry: Entry<T>): void {
  let place = 0;
  for (let below = 1; below < heap.length; below = 2 * place + 1) {
    const right = heap[below + 1];
    if (right && isBefore(right, heap[below] as Entry<T>)) below++;
    const other = heap[below] as Entry<T>;
    if (!isBefore(other, entry)) break;
    heap[place] = other;
    place = below;
  }
  heap[place] = entry;
}

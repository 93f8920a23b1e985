import type {InsideRecord, NameRecord, SystemCallRecord} from './records.js';

/** Threads whose last records are kept, far more than a machine has busy at once. */
const maxThreads = 65_536;

/** What a thread said when it entered a system call, until that returns. */
export class Threads {
  readonly #entered = new Map<number, Map<'inside' | 'name', InsideRecord | NameRecord>>();

  keep(record: InsideRecord | NameRecord): void {
    const kept = this.#entered.get(record.tid) ?? new Map<'inside' | 'name', InsideRecord | NameRecord>();
    kept.set(record.kind, record);
    this.#entered.set(record.tid, kept);
    if (this.#entered.size > maxThreads) this.#entered.delete(this.#entered.keys().next().value as number);
  }

  /** What was said of this call: at the time when it began. What another call left, whose return was lost, is dropped. */
  take({tid, time, latencyNs}: SystemCallRecord): {inside?: InsideRecord; name?: string} {
    const kept = this.#entered.get(tid);
    this.#entered.delete(tid);
    const began = time - BigInt(latencyNs);
    const of = (kind: 'inside' | 'name') => {
      const record = kept?.get(kind);
      return record?.time === began ? record : undefined;
    };
    const [inside, name] = [of('inside'), of('name')];
    return {
      ...(inside?.kind === 'inside' && {inside}),
      ...(name?.kind === 'name' && {name: name.name}),
    };
  }
}

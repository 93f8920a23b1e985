import type {ProcessEvent, ProcessTotals} from '../events.js';
import {Biggest} from './biggest.js';
import type {Connection} from './connections.js';
import type {ProcessRecord} from './records.js';

/** A process as the records show it. */
export interface Process {
  readonly pid: number;
  uid?: number;
  ppid?: number;
  comm?: string;
  readonly totals: ProcessTotals;
  readonly open: Set<Connection>;
}

/** Processes kept by pid, and pids whose connections are numbered on: far more than a machine has busy at once. */
const maxProcesses = 65_536;
/** Entries in the summary, at most: those with most bytes. */
const maxInSummary = 1000;

/** Who is who: names from P records, totals for the summary, and the numbers in the ids of connections. */
export class Processes {
  readonly #living = new Map<number, Process>();
  readonly #ended = new Biggest<ProcessTotals>(maxInSummary, bytesOf);
  /** The first P record of a process that has come but not had its turn. */
  readonly #announced = new Map<number, ProcessRecord>();
  readonly #lastNumber = new Map<number, number>();
  #floor = 0;

  of(pid: number): Process {
    const known = this.#living.get(pid);
    if (known) return known;
    const process: Process = {pid, totals: {pid, events: 0, bytesSent: 0, bytesReceived: 0}, open: new Set()};
    this.#living.set(pid, process);
    if (this.#living.size > maxProcesses) this.#retire(this.#living.keys().next().value as number);
    return process;
  }

  /** Who has this pid now, where that was seen. */
  find(pid: number): Process | undefined {
    return this.#living.get(pid);
  }

  /** To be called when the record arrives, before its turn: another thread's call may come just before it. */
  announce(record: ProcessRecord): void {
    if (!this.#announced.has(record.pid)) this.#announced.set(record.pid, record);
  }

  /** The event for a process that is about to have its first event, or has a new name. None when all is said. */
  name(process: Process, record?: ProcessRecord): ProcessEvent | undefined {
    const announced = this.#announced.get(process.pid);
    if (announced !== undefined && (record === announced || record === undefined)) this.#announced.delete(process.pid);
    const named = record ?? (process.uid === undefined ? announced : undefined);
    if (!named) return undefined;
    const {pid, ppid, uid, comm} = named;
    if (process.uid === uid && process.comm === comm && process.ppid === ppid) return undefined;
    Object.assign(process, {uid, ppid, comm});
    if (comm !== undefined) process.totals.comm = comm;
    return {type: 'process', pid, ...(ppid !== undefined && {ppid}), uid, ...(comm !== undefined && {comm})};
  }

  /** An id for the next connection of a process: `pid.n`, unique in the capture also when the pid is used again. */
  nextId(pid: number): string {
    const number = (this.#lastNumber.get(pid) ?? this.#floor) + 1;
    this.#lastNumber.delete(pid);
    this.#lastNumber.set(pid, number);
    if (this.#lastNumber.size > maxProcesses) {
      const [oldest, last] = this.#lastNumber.entries().next().value as [number, number];
      this.#lastNumber.delete(oldest);
      this.#floor = Math.max(this.#floor, last);
    }
    return `${pid}.${number}`;
  }

  /** Forgets who had this pid, and returns it: the pid's next user is another process, or another program. */
  exit(pid: number): Process | undefined {
    return this.#living.has(pid) ? this.#retire(pid) : undefined;
  }

  /** The processes with most bytes, at most 1,000. */
  totals(): ProcessTotals[] {
    const all = new Biggest<ProcessTotals>(maxInSummary, bytesOf);
    for (const totals of this.#ended.list()) all.add(totals);
    for (const {totals} of this.#living.values()) all.add(totals);
    return all.list();
  }

  #retire(pid: number): Process {
    const process = this.#living.get(pid) as Process;
    this.#living.delete(pid);
    this.#ended.add(process.totals);
    return process;
  }
}

function bytesOf({bytesSent, bytesReceived}: ProcessTotals): number {
  return bytesSent + bytesReceived;
}

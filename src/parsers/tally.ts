import type {ConnectionTotals, DataEvent, ProcessTotals, SummaryEvent, TraceEvent} from '../events.js';
import {Biggest} from './biggest.js';
import {readTimestamp} from './clock.js';

/** Entries in the summary, at most: those with most bytes. */
const maxInSummary = 1000;

/** Counts what a summary says, as far as events tell it. */
export class Tally {
  #events = 0;
  #captured = 0;
  #lostEvents = 0;
  #first: bigint | undefined;
  #last = 0n;
  readonly #processes = new Map<number, ProcessTotals>();
  readonly #connections = new Map<string, ConnectionTotals>();
  readonly #closed = new Biggest<ConnectionTotals>(maxInSummary, bytesOf);

  add(event: TraceEvent): void {
    if (event.type === 'connection' && event.event === 'close') this.#close(event.connection.id);
    if (event.type === 'loss') this.#lostEvents += event.events;
    if (event.type === 'data') this.#addData(event);
  }

  summary(): SummaryEvent {
    return {
      type: 'summary',
      events: this.#events,
      bytes: {captured: this.#captured},
      lostEvents: this.#lostEvents,
      malformedLines: 0,
      incomplete: true,
      durationNs: Math.max(0, Number(this.#last - (this.#first ?? this.#last))),
      byProcess: biggest(this.#processes.values()),
      byConnection: biggest([...this.#closed.list(), ...this.#connections.values()]),
    };
  }

  #close(id: string): void {
    const totals = this.#connections.get(id);
    if (totals) this.#closed.add(totals);
    this.#connections.delete(id);
  }

  #addData({pid, comm, time, connection: {id}, direction, length, captured, peek}: DataEvent): void {
    const at = readTimestamp(time);
    if (at !== undefined) {
      this.#first ??= at;
      if (at > this.#last) this.#last = at;
    }
    const process = this.#processes.get(pid) ?? {pid, events: 0, bytesSent: 0, bytesReceived: 0};
    this.#processes.set(pid, process);
    process.events++;
    if (comm !== undefined) process.comm = comm;
    this.#events++;
    if (peek) return;
    this.#captured += captured;
    const connection = this.#connections.get(id) ?? {connection: id, pid, bytesSent: 0, bytesReceived: 0};
    this.#connections.set(id, connection);
    for (const totals of [process, connection]) {
      if (direction === 'send') totals.bytesSent += length;
      else totals.bytesReceived += length;
    }
  }
}

function biggest<T extends Bytes>(all: Iterable<T>): T[] {
  const list = new Biggest<T>(maxInSummary, bytesOf);
  for (const totals of all) list.add(totals);
  return list.list();
}

interface Bytes {
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

function bytesOf({bytesSent, bytesReceived}: Bytes): number {
  return bytesSent + bytesReceived;
}

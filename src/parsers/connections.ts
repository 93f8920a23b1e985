import type {ConnectionRef, ConnectionTotals} from '../events.js';
import {Biggest} from './biggest.js';
import type {Process} from './processes.js';
import type {Place} from './records.js';

/** A connection as the kernel counts it: bytes moved by all its calls, and how many of them came out in events. */
export interface Connection {
  readonly process: Process;
  readonly session: string;
  /** When the script first saw it, as printed, and as a time. */
  readonly since: string;
  readonly sinceTime: bigint;
  /** What the kernel's counters held before: not 0 where they are those of a dead process with the same pid and pointer. */
  readonly before: {readonly received: number; readonly sent: number};
  /** `bytesReceived` and `bytesSent` as far as known, and `lost`: those of them that never came. */
  readonly totals: ConnectionTotals & {lost: number};
  /** Its descriptor and addresses, once they are known. */
  place?: Place;
  end?: {readonly time: bigint; readonly how: 'ended' | 'exited' | 'dropped'};
}

/** How events name a connection. */
export function refOf({totals, place}: Connection): ConnectionRef {
  return {id: totals.connection, ...place};
}

/** What a connection is known by in the records. */
export interface ConnectionKey {
  readonly pid: number;
  readonly session: string;
  readonly since: string;
}

/** As many as the map of a script holds (32,768), and as many again whose end was lost. */
const maxOpen = 65_536;
/** Connections that have ended, kept for records that come late. */
const maxEnded = 16_384;
/** Entries in the summary, at most: those with most bytes. */
const maxInSummary = 1000;

/** The connections of a run: those that are open, the last that have ended, and sums over all. */
export class Connections {
  readonly #open = new Map<string, Connection>();
  readonly #ended = new Map<string, Connection>();
  readonly #forgotten = new Biggest<ConnectionTotals>(maxInSummary, bytesOf);
  /** Bytes that all connections moved, as far as known, and those of them that came. */
  moved = 0;
  arrived = 0;
  /** False once a connection was forgotten whose last bytes may still come to light: then gaps can't be told any more. */
  isExact = true;

  /** The connection that is open at this pointer. */
  openAt(pid: number, session: string): Connection | undefined {
    return this.#open.get(placeOf(pid, session));
  }

  /** The connection that a record of this time belongs to; undefined for one not seen before. */
  find({pid, session, since}: ConnectionKey, time: bigint): Connection | undefined {
    const open = this.openAt(pid, session);
    if (open?.since === since) return open;
    const ended = this.#ended.get(nameOf(pid, session, since));
    const isAnother = ended?.end?.how === 'exited' && time > ended.end.time;
    return isAnother ? undefined : ended;
  }

  add(key: ConnectionKey, process: Process, id: string): Connection {
    const {pid, session, since} = key;
    const left = this.#takeOver(nameOf(pid, session, since));
    const connection: Connection = {
      process,
      session,
      since,
      sinceTime: BigInt(`0x${since}`),
      before: {
        received: left ? left.before.received + left.totals.bytesReceived : 0,
        sent: left ? left.before.sent + left.totals.bytesSent : 0,
      },
      totals: {connection: id, pid, bytesSent: 0, bytesReceived: 0, lost: 0},
    };
    this.#open.set(placeOf(pid, session), connection);
    process.open.add(connection);
    if (this.#open.size > maxOpen) {
      this.close(this.#open.values().next().value as Connection, connection.sinceTime, 'dropped');
    }
    return connection;
  }

  close(connection: Connection, time: bigint, how: 'ended' | 'exited' | 'dropped'): void {
    const {process, session, since} = connection;
    connection.end = {time, how};
    process.open.delete(connection);
    if (this.openAt(process.pid, session) === connection) this.#open.delete(placeOf(process.pid, session));
    this.#ended.set(nameOf(process.pid, session, since), connection);
    if (this.#ended.size > maxEnded) this.#forget();
  }

  /** Makes this the connection at its pointer again. */
  reopen(connection: Connection): void {
    this.#open.set(placeOf(connection.process.pid, connection.session), connection);
  }

  /** The kernel's counters of a connection, at any moment: they only grow, and what they grow by has not come yet. */
  grow(connection: Connection, received: number, sent: number): void {
    const {before, totals, process} = connection;
    const moreReceived = Math.max(0, received - before.received - totals.bytesReceived);
    const moreSent = Math.max(0, sent - before.sent - totals.bytesSent);
    totals.bytesReceived += moreReceived;
    totals.bytesSent += moreSent;
    totals.lost += moreReceived + moreSent;
    process.totals.bytesReceived += moreReceived;
    process.totals.bytesSent += moreSent;
    this.moved += moreReceived + moreSent;
  }

  arrive(connection: Connection, bytes: number): void {
    connection.totals.lost -= bytes;
    this.arrived += bytes;
  }

  /** The connections with most bytes, at most 1,000. */
  totals(): ConnectionTotals[] {
    const all = new Biggest<ConnectionTotals>(maxInSummary, bytesOf);
    for (const totals of this.#forgotten.list()) all.add(totals);
    for (const {totals} of this.#ended.values()) all.add(totals);
    for (const {totals} of this.#open.values()) all.add(totals);
    return all.list();
  }

  /** What the kernel goes on counting from, where a dead process left it behind. */
  #takeOver(name: string): Connection | undefined {
    const left = this.#ended.get(name);
    if (left) {
      this.#ended.delete(name);
      this.#forgotten.add(left.totals);
    }
    return left;
  }

  #forget(): void {
    const [name, connection] = this.#ended.entries().next().value as [string, Connection];
    this.#ended.delete(name);
    this.#forgotten.add(connection.totals);
    if (connection.end?.how !== 'ended') this.isExact = false;
  }
}

function placeOf(pid: number, session: string): string {
  return `${pid}|${session}`;
}

function nameOf(pid: number, session: string, since: string): string {
  return `${pid}|${session}|${since}`;
}

function bytesOf({bytesSent, bytesReceived}: ConnectionTotals): number {
  return bytesSent + bytesReceived;
}

import type {SessionEvent, SummaryEvent, TraceEvent} from '../events.js';
import type {HandshakeFollower} from '../model.js';
import type {Anchor} from './clock.js';
import {RecordParser} from './record-parser.js';

/**
 * The first event out is the session. Events come in order of time as far as the hold-back reaches; what comes later than that
 * is let out at once. Without an anchor, times count from the machine's start as if that were 1970, and a warning says so.
 */
export function createParser(options: ParserOptions = {}): Parser {
  return new RecordParser(options);
}

export interface ParserOptions {
  /** The first event, where the caller knows more than the script's own records say. */
  readonly session?: SessionEvent;
  /** The clock's anchor, where the caller has one; else the TK record's. */
  readonly anchor?: Anchor;
  /** Makes events of what is seen of handshakes; without one, they are passed over. */
  readonly handshakes?: HandshakeFollower;
  /** For what comes live: the wall clock, in milliseconds since 1970. Events then wait for earlier ones as long as bpftrace lags. */
  readonly now?: () => number;
  /** Told at once what the lines say of the state of bpftrace and its script. */
  readonly onSignal?: (signal: Signal) => void;
}

/**
 * `ready`: every probe is attached (bpftrace says so on standard output since 0.23). `attached`: bpftrace's own count of its
 * probes, before the fact until 0.23. `gate`: the gate is closed, and nothing follows from this processor.
 */
export type Signal =
  | {readonly kind: 'ready'}
  | {readonly kind: 'attached'; readonly probes: number}
  | {readonly kind: 'gate'; readonly processor: number};

/** What the caller knows of the end. */
export interface Ending {
  /** True: the totals are not final, whatever came. False: they are. Absent: they are if bpftrace printed its last maps. */
  readonly incomplete?: boolean;
  readonly command?: SummaryEvent['command'];
  /** Absent: from the first record to the last. */
  readonly durationNs?: number;
}

/** For a status line, while it runs. */
export interface ParserStatus {
  /** Data events, peeks included. */
  readonly events: number;
  /** Handshakes that have come to an end. */
  readonly handshakes: number;
  /** System calls on sockets. */
  readonly systemCalls: number;
  readonly bytesCaptured: number;
  /** Calls that were entered, as the kernel counted at the last full second; and how long the shortest took, or 0. */
  readonly calls: number;
  readonly shortestCallNs: number;
  /** As the kernel counted at the last full second; absent before the first. */
  readonly bytesSeen?: number;
  readonly lostEvents: number;
  readonly malformedLines: number;
}

/** Lines of bpftrace to events. Nothing in the lines makes it throw, and what it holds is bounded however long it runs. */
export interface Parser {
  /** One line without its newline, bytes as latin1 characters, as `toLines` gives it. */
  push(line: string): readonly TraceEvent[];
  /** To be called every 100 ms by a caller with live input: what has waited for the hold-back. */
  flush(): readonly TraceEvent[];
  /** What is left, and the summary last. */
  end(ending?: Ending): readonly TraceEvent[];
  readonly status: ParserStatus;
}

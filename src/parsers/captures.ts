import type {ConnectionTotals, DataEvent, ProcessTotals, SessionEvent, SummaryEvent, TraceEvent} from '../events.js';
import {Biggest} from './biggest.js';
import {readTimestamp} from './clock.js';
import {Notices} from './notices.js';
import {textOf} from './text.js';

/** Entries in a made summary, at most: those with most bytes. */
const maxInSummary = 1000;

/**
 * Reads a capture, tls-kit's own events (lines as `toLines` gives them), back to events. `validate` is the schema's validator.
 * A line that is no event is counted, and the count is added to the summary's; the first has a warning. The first event out
 * is a session and the last a summary: what is missing is made from what came, and a made summary is incomplete.
 * What follows a summary belongs to no capture, and is counted as malformed.
 */
export async function* readCapture(
  lines: AsyncIterable<string>,
  validate: (value: unknown) => boolean,
): AsyncGenerator<TraceEvent> {
  const notices = new Notices();
  const tally = new Tally();
  let malformedLines = 0;
  let hasStarted = false;
  let summary: SummaryEvent | undefined;
  for await (const line of lines) {
    if (line.trim() === '') continue;
    const event = readEvent(line, validate);
    if (!event || summary || (event.type === 'session' && hasStarted)) {
      malformedLines++;
      const warning = notices.malformed(line);
      if (warning && hasStarted && !summary) yield warning;
      continue;
    }
    if (!hasStarted && event.type !== 'session') yield unknownSession;
    hasStarted = true;
    if (event.type === 'summary') {
      summary = event;
    } else {
      tally.add(event);
      yield event;
    }
  }
  if (!hasStarted) yield unknownSession;
  const end = summary ?? tally.summary();
  yield {...end, malformedLines: end.malformedLines + malformedLines};
}

/**
 * What a file holds, by its first line that is not blank (bytes as latin1): tls-kit's own events, or what bpftrace printed for
 * a script, with or without `-f json`.
 */
export function sniff(line: string): 'capture' | 'records' | 'unknown' {
  if (/^\{"type": "(?:attached_probes|printf|map|time|lost_events|helper_error|value)",/.test(line)) return 'records';
  if (/^(?:Attach(?:ing|ed) \d+ probes?|__BPFTRACE_NOTIFY_PROBES_ATTACHED|(?:TK|[SLFPDCWBXEZ])\|)/.test(line)) {
    return 'records';
  }
  const type = (parse(line) as {readonly type?: unknown} | undefined)?.type;
  return typeof type === 'string' && eventTypes.has(type) ? 'capture' : 'unknown';
}

const eventTypes: ReadonlySet<string> = new Set<TraceEvent['type']>([
  'session',
  'process',
  'data',
  'connection',
  'loss',
  'warning',
  'summary',
]);

const unknownSession: SessionEvent = {type: 'session', schema: 1, tlsKit: 'unknown', what: [], targets: []};

function readEvent(line: string, validate: (value: unknown) => boolean): TraceEvent | undefined {
  const value = parse(line);
  return validate(value) ? (value as TraceEvent) : undefined;
}

function parse(line: string): unknown {
  try {
    // Nearly all is ASCII, payload above all: only what is not needs to be read as UTF-8.
    return JSON.parse(/[\x80-\xff]/.test(line) ? textOf(Buffer.from(line, 'latin1')) : line);
  } catch {
    // Not JSON: the caller counts the line as malformed.
    return undefined;
  }
}

/** Counts what a summary says, as far as events tell it. */
class Tally {
  #events = 0;
  #captured = 0;
  #lostEvents = 0;
  #first: bigint | undefined;
  #last = 0n;
  readonly #processes = new Map<number, ProcessTotals>();
  readonly #connections = new Map<string, ConnectionTotals>();

  add(event: TraceEvent): void {
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
      byConnection: biggest(this.#connections.values()),
    };
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

function biggest<T extends {readonly bytesSent: number; readonly bytesReceived: number}>(all: Iterable<T>): T[] {
  const list = new Biggest<T>(maxInSummary, ({bytesSent, bytesReceived}) => bytesSent + bytesReceived);
  for (const totals of all) list.add(totals);
  return list.list();
}

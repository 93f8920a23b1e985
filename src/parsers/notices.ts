import type {LossEvent, WarningEvent} from '../events.js';
import {quoted} from './text.js';

/** bpftrace's own messages shown, at most, each once. */
const maxMessages = 100;
const second = 1_000_000_000n;
/** Flushes come every 100 ms: see parser.ts. */
const flushesPerSecond = 10;

/** Warnings, each said once, and losses, folded: bpftrace tells of them in tens of thousands of lines. */
export class Notices {
  readonly #said = new Set<string>();
  #unsaidLoss = 0;
  #lastLoss: bigint | undefined;
  #flushes = 0;

  lose(events: number): void {
    this.#unsaidLoss += events;
  }

  /** What was lost since the last time, at most once a second: of event time, or of flushes of a timer. */
  loss(now: bigint, isFlush: boolean): LossEvent | undefined {
    if (isFlush) this.#flushes++;
    if (this.#unsaidLoss === 0) return undefined;
    const isDue = this.#lastLoss === undefined || now - this.#lastLoss >= second || this.#flushes >= flushesPerSecond;
    return isDue ? this.allLoss(now) : undefined;
  }

  allLoss(now: bigint): LossEvent | undefined {
    if (this.#unsaidLoss === 0) return undefined;
    const events = this.#unsaidLoss;
    this.#unsaidLoss = 0;
    this.#lastLoss = now;
    this.#flushes = 0;
    return {type: 'loss', events, cause: 'ring'};
  }

  malformed(line: string): WarningEvent | undefined {
    return this.#once('malformed-line', 'malformed-line', () => {
      return `A line cannot be read: "${quoted(line)}". It is counted, as others will be. Was the input cut, edited, or mixed?`;
    });
  }

  short(missing: number, meant: number): WarningEvent | undefined {
    return this.#once('strlen-too-small', 'strlen-too-small', () => {
      const what = `bpftrace cut ${missing} of ${meant} bytes of a call by its string length; such bytes count as cut.`;
      return `${what} Set BPFTRACE_STRLEN (max_strlen or BPFTRACE_MAX_STRLEN from 0.20 on) to what the head of the script says.`;
    });
  }

  noClock(): WarningEvent | undefined {
    return this.#once('no-clock', 'no-clock', () => {
      const what = "The line that ties bpftrace's clock to the wall clock (TK) is missing.";
      return `${what} Times count from the start of the machine, as if that were 1970-01-01. Keep a recording from its first line on.`;
    });
  }

  /** The kernel's table of sessions had no room for one. */
  fullMap(calls: number): WarningEvent | undefined {
    if (calls === 0) return undefined;
    return this.#once('map-full', 'map-full', () => {
      const what = `The kernel's table of open sessions was full: ${calls} calls are shown as connections of their own.`;
      return `${what} Trace fewer processes (-p), or start anew.`;
    });
  }

  otherVersion(version: number): WarningEvent | undefined {
    return this.#once('record-version', 'record-version', () => {
      return `The script prints records of version ${version}, and this tls-kit reads version 1. Use the tls-kit that wrote the script.`;
    });
  }

  bpftrace(severity: string, text: string): WarningEvent | undefined {
    if (this.#said.size >= maxMessages) return undefined;
    return this.#once(`bpftrace: ${text}`, 'bpftrace', () => `bpftrace says (${severity}): ${quoted(text)}`);
  }

  #once(key: string, code: string, message: () => string): WarningEvent | undefined {
    if (this.#said.has(key)) return undefined;
    this.#said.add(key);
    return {type: 'warning', code, message: message()};
  }
}

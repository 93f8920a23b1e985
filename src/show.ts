import {exitStatus} from './errors.js';
import type {FailOn, ShowPart} from './flags.js';
import type {SummaryEvent, TraceEvent} from './model.js';
import {createNdjsonSink, createOutput, createTextSink, type Output, type Sink, wantsColour} from './sinks/index.js';

export interface ShowOptions {
  readonly format: 'text' | 'hex' | 'ndjson';
  readonly time: 'utc' | 'local' | 'relative';
  /** What of messages and calls to show beside a line for each message. */
  readonly show?: readonly ShowPart[] | undefined;
  /** Called before anything is written to standard error: takes a status line away. */
  readonly beforeErr?: () => void;
}

/** What goes to standard output and standard error. */
export function createScreen({format, time, show = [], beforeErr}: ShowOptions): {sink: Sink; output: Output} {
  const output = createOutput(process.stdout);
  if (format === 'ndjson') return {sink: {...createNdjsonSink(output.write), flush: output.flush}, output};
  const sink = createTextSink({
    out: (text) => {
      if (process.stdout.isTTY) beforeErr?.();
      return output.write(text);
    },
    err: async (text) => {
      await output.flush(); // in the order of events, where both go to one terminal
      beforeErr?.();
      process.stderr.write(text);
    },
    ...(process.stdout.isTTY && {width: process.stdout.columns}),
    colour: wantsColour(process.stdout, process.env),
    time,
    payload: format === 'hex' ? 'hex' : 'text',
    show: {headers: show.includes('headers'), body: show.includes('body'), calls: show.includes('calls')},
  });
  return {sink: {...sink, flush: output.flush}, output};
}

/** One sink of several. */
export function createFan(sinks: readonly Sink[]): Sink {
  const each = async (act: (sink: Sink) => void | Promise<void>) => {
    for (const sink of sinks) await act(sink);
  };
  return {
    // One sink is the rule, and a promise for each event would cost more than writing it.
    write: (event: TraceEvent) => (sinks.length === 1 ? sinks[0]?.write(event) : each((sink) => sink.write(event))),
    flush: () => each((sink) => sink.flush()),
    close: () => each((sink) => sink.close()),
  };
}

/** The exit status that `--fail-on` asks for. */
export function statusOf(summary: SummaryEvent, failOn: readonly FailOn[] = []): number {
  const {bytes, lostEvents, incomplete, events, handshakes} = summary;
  const hasLost = (bytes.lost ?? 0) > 0 || lostEvents > 0 || incomplete;
  const happened: Record<FailOn, boolean> = {
    lost: hasLost,
    nothing: events === 0 && !handshakes,
    failed: (handshakes?.failed ?? 0) + (handshakes?.abandoned ?? 0) > 0,
    'old-tls': (handshakes?.oldTls ?? 0) > 0,
  };
  return failOn.some((each) => happened[each]) ? exitStatus.failOn : exitStatus.done;
}

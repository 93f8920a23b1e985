import type {SessionEvent, SummaryEvent, TraceEvent} from '../events.js';
import {Notices} from './notices.js';
import {Tally} from './tally.js';
import {parseLine} from './text.js';

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
      const warning = hasStarted && !summary ? notices.malformed(line) : undefined;
      if (warning) yield warning;
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

const unknownSession: SessionEvent = {type: 'session', schema: 1, tlsKit: 'unknown', what: [], targets: []};

function readEvent(line: string, validate: (value: unknown) => boolean): TraceEvent | undefined {
  const value = parseLine(line);
  return validate(value) ? (value as TraceEvent) : undefined;
}

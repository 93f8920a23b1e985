import type {TraceEvent} from './model.js';
import {flushEveryMs, type Parser} from './parsers/index.js';

/**
 * Lines to events, until the lines end. What waits for others is let out by the clock when nothing more comes.
 * @param onFailure called when passing on events fails while no line comes: it must make the lines end.
 * @param stop when aborted: read no further.
 */
export async function readLines(
  lines: AsyncIterable<string>,
  parser: Parser,
  pass: (events: readonly TraceEvent[]) => Promise<void>,
  onFailure: () => void,
  stop?: AbortSignal,
): Promise<void> {
  let turn = Promise.resolve();
  const inTurn = (events: readonly TraceEvent[]) => {
    turn = turn.then(() => pass(events));
    return turn;
  };
  const timer = setInterval(() => {
    const events = parser.flush();
    if (events.length > 0) inTurn(events).catch(onFailure);
  }, flushEveryMs);
  try {
    for await (const line of lines) {
      const events = parser.push(line);
      // Waiting here is what slows bpftrace down when we are slow: then the kernel counts what it loses.
      if (events.length > 0) await inTurn(events);
      if (stop?.aborted) break;
    }
    await turn;
  } finally {
    clearInterval(timer);
  }
}

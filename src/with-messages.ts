import type {MessageEvent, TraceEvent} from './model.js';
import {createDecoder, type DecodeLimits} from './protocols/index.js';
import type {Show} from './trace.js';

/** So many messages made from data wait for the capture to show that it holds none of its own, which come right after their data. */
const waiting = 64;

/**
 * Passes events on, and the messages that their bytes make, before the summary at the latest. Where a capture holds messages of
 * its own, those are passed on instead: they were made before anything was masked.
 */
export function withMessages(show: Show, limits: Partial<DecodeLimits> = {}): Show {
  const decoder = createDecoder(limits);
  let source: 'unknown' | 'capture' | 'decoder' = 'unknown';
  let held: MessageEvent[] = [];
  const each = async (events: readonly TraceEvent[]) => {
    for (const event of events) await show.write(event);
  };
  return {
    write: (event) => {
      if (event.type === 'message') {
        source = 'capture';
        held = [];
      }
      if (source === 'capture') return show.write(event);
      const isEnd = event.type === 'summary';
      held = held.concat(isEnd ? decoder.end() : decoder.push(event));
      if (isEnd || held.length >= waiting) source = 'decoder';
      if (source === 'unknown' || held.length === 0) return show.write(event);
      const messages = held;
      held = [];
      return each(isEnd ? [...messages, event] : [event, ...messages]);
    },
    flush: () => show.flush(),
  };
}

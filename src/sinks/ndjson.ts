import type {Sink, Write} from './sink.js';

/** One JSON object a line: the capture format, schema/events-1.json. */
export function createNdjsonSink(write: Write): Sink {
  return {
    write: (event) => write(`${JSON.stringify(event)}\n`),
    flush: async () => {},
    close: async () => {},
  };
}

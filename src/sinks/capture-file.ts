import type {TraceEvent} from '../model.js';
import {createPrivateFile} from './private-file.js';
import type {Sink} from './sink.js';

/** Writes a capture: NDJSON into a private file. Throws WRITE_FAILED; what was written until then stays. */
export function createCaptureFile(path: string): Sink {
  const file = createPrivateFile(path, {what: 'capture', flag: '-w'});
  return {
    write: (event: TraceEvent) => file.write(`${JSON.stringify(event)}\n`),
    flush: async () => file.check(),
    close: () => file.close(),
  };
}

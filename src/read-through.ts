import {replay} from './replay.js';
import {startProgressLine} from './sinks/index.js';
import type {Show} from './trace.js';
import type {UnderstandOptions} from './understand.js';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Reads a recording into a sink, messages and all, for commands that make something of a whole one: with progress on a terminal,
 * until a signal or `closed` ends it. Throws what `replay` throws.
 * @param understand which messages, and what of them is masked
 */
export async function readThrough(
  path: string,
  show: Show,
  {closed, understand}: {readonly closed?: AbortSignal; readonly understand: UnderstandOptions},
): Promise<void> {
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  let share = 0;
  const progress = process.stderr.isTTY && path !== '-' ? startProgressLine(process.stderr, () => share) : undefined;
  for (const signal of signals) process.on(signal, onSignal);
  closed?.addEventListener('abort', onSignal, {once: true});
  const onProgress = (read: number) => {
    share = read;
  };
  try {
    await replay(path, show, {understand, onProgress, stop: stop.signal});
  } finally {
    progress?.close();
    for (const signal of signals) process.off(signal, onSignal);
  }
}

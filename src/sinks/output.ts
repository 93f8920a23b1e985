import type {Writable} from 'node:stream';

/** A stream to write to: waits while the reader is slow, and knows when it has gone. */
export interface Output {
  write(text: string): void | Promise<void>;
  /** The reader closed its end (`| head -1`). What is written after is dropped. */
  readonly closed: AbortSignal;
}

/**
 * Wraps a stream. Waiting for a slow reader is what keeps memory bounded: the caller awaits each write.
 * oclif swallows EPIPE, so the closed pipe is watched for here.
 */
export function createOutput(stream: Writable): Output {
  const closed = new AbortController();
  let drained: Promise<void> | undefined;
  const close = () => closed.abort();
  stream.once('close', close);
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    close();
  });
  return {
    closed: closed.signal,
    write: (text) => {
      if (closed.signal.aborted || text === '') return;
      if (stream.write(text)) return;
      drained ??= new Promise<void>((resolve) => {
        const go = () => {
          drained = undefined;
          stream.off('drain', go);
          closed.signal.removeEventListener('abort', go);
          resolve();
        };
        stream.once('drain', go);
        closed.signal.addEventListener('abort', go, {once: true});
      });
      return drained;
    },
  };
}

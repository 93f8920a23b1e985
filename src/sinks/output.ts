import type {Writable} from 'node:stream';

/** A stream to write to: waits while the reader is slow, and knows when it has gone. */
export interface Output {
  write(chunk: string | Uint8Array): void | Promise<void>;
  /** What is still gathered goes out. */
  flush(): Promise<void>;
  /** The reader closed its end (`| head -1`). What is written after is dropped. */
  readonly closed: AbortSignal;
}

/** Text is gathered up to this many characters, or until there is nothing else to do: a write for each line costs more than the line. */
const gatherLimit = 65_536;

/**
 * Wraps a stream. Waiting for a slow reader is what keeps memory bounded: the caller awaits each write.
 * oclif swallows EPIPE, so the closed pipe is watched for here.
 */
export function createOutput(stream: Writable): Output {
  const closed = new AbortController();
  const close = () => closed.abort();
  let gathered: (string | Uint8Array)[] = [];
  let length = 0;
  let isScheduled = false;
  stream.once('close', close);
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    close();
  });

  const send = (): void | Promise<void> => {
    isScheduled = false;
    if (length === 0 || closed.signal.aborted) return;
    const chunk = joined(gathered);
    gathered = [];
    length = 0;
    if (!stream.write(chunk)) return drained(stream, closed.signal);
  };
  return {
    closed: closed.signal,
    write: (chunk) => {
      gathered.push(chunk);
      length += chunk.length;
      if (length >= gatherLimit || stream.writableNeedDrain) return send();
      if (!isScheduled) setImmediate(send);
      isScheduled = true;
    },
    flush: async () => {
      await send();
    },
  };
}

function joined(chunks: readonly (string | Uint8Array)[]): string | Buffer {
  const isText = chunks.every((chunk) => typeof chunk === 'string');
  return isText ? chunks.join('') : Buffer.concat(chunks.map((chunk) => Buffer.from(chunk as Uint8Array)));
}

function drained(stream: Writable, closed: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      stream.off('drain', go);
      closed.removeEventListener('abort', go);
      resolve();
    };
    stream.once('drain', go);
    closed.addEventListener('abort', go, {once: true});
  });
}

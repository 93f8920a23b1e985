import type {TraceEvent} from '../model.js';

/** Where events end. A file of its own for each kind. */
export interface Sink {
  write(event: TraceEvent): void | Promise<void>;
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** Takes text; a promise means: wait before you go on. */
export type Write = (text: string) => void | Promise<void>;

/** The same for bytes. */
export type WriteBytes = (bytes: Uint8Array) => void | Promise<void>;

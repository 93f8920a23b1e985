/** Clients that wait for a word, so that a trace can be told their pids first. */
import type {ChildProcess} from 'node:child_process';
import {finish} from './programs.js';
import type {Workshop} from './workshop.js';

export interface Held {
  readonly pid: number;
  /** Lets it run, and waits until it has ended well. */
  run(): Promise<number>;
}

/** How a client is started: all that filters tell apart. */
export interface Manner {
  /** The name of its program, which is that of its process. */
  readonly program?: string;
  /** Words before it: who runs it. */
  readonly before?: readonly string[];
  readonly env?: Record<string, string>;
}

/** A curl that gets a page. */
export function holdCurl(workshop: Workshop, url: string, {program = 'curl', before = [], env}: Manner = {}): Held {
  const curl = [program, '--silent', '--show-error', '--insecure', '--fail', '--output', '/dev/null', url];
  const words = [...before, 'sh', '-c', 'read -r _ && exec "$@"', 'sh', ...curl];
  const child: ChildProcess = workshop.start(words, {stdin: 'pipe', ...(env && {env})});
  return {
    pid: child.pid as number,
    run: () => {
      child.stdin?.end('\n');
      return finish(child);
    },
  };
}

/** Runs tls-kit itself, as a user would, and gives what it showed. */
import {type ChildProcess, execFileSync, spawn} from 'node:child_process';
import {existsSync} from 'node:fs';
import {join} from 'node:path';
import type {DataEvent, SummaryEvent, TraceEvent} from '../../src/model.js';
import {until} from './workshop.js';

export const cli = join(import.meta.dirname, '..', '..', 'bin', 'run.js');

/** Why real tests cannot run here, or false. In CI a skip for this reason is a failure. */
export function cannotTrace(): string | false {
  try {
    execFileSync(process.execPath, [cli, 'doctor', '--json'], {stdio: 'pipe'});
    return process.getuid?.() === 0 ? false : 'cannot trace: not root';
  } catch {
    return 'cannot trace: tls-kit doctor says why';
  }
}

/** A trace that runs until it is stopped. */
export class Tracer {
  readonly child: ChildProcess;
  readonly #out: Buffer[] = [];
  readonly #err: Buffer[] = [];
  readonly #ready: string;
  readonly #ended: Promise<number>;
  #reading: NodeJS.Timeout | undefined;
  #counted = 0;
  #rest = '';
  #bytes = 0;

  /** @param via words before it: those that take it into other surroundings, as the same process */
  constructor(folder: string, words: readonly string[], env: Record<string, string> = {}, via: readonly string[] = []) {
    this.#ready = join(folder, `ready-${Math.random().toString(36).slice(2)}`);
    const [before, after] = split(words);
    // Bytes are compared as they were sent, unless redaction is what is tested.
    const shown = before.some((word) => /^--(?:no-)?redact\b/.test(word)) ? before : [...before, '--no-redact'];
    // A load without mercy is what tests are about.
    const guarded = shown.includes('--max-overhead') ? shown : [...shown, '--max-overhead', '0'];
    const own = [process.execPath, cli, 'trace', ...guarded, '--ready-file', this.#ready, ...after];
    const [file, ...rest] = [...via, ...own] as [string, ...string[]];
    this.child = spawn(file, rest, {
      cwd: folder,
      env: {...process.env, ...env},
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stdout?.on('data', (chunk: Buffer) => this.#out.push(chunk));
    this.child.stderr?.on('data', (chunk: Buffer) => this.#err.push(chunk));
    const giveUp = () => this.child.kill('SIGTERM'); // when a test gives up
    process.once('exit', giveUp);
    this.child.once('close', () => process.off('exit', giveUp));
    this.#ended = new Promise((resolve) =>
      this.child.once('close', (code, signal) => resolve(code ?? (signal ? -1 : -2))),
    );
  }

  async ready(): Promise<this> {
    await until(() => existsSync(this.#ready) || this.child.exitCode !== null, 'every probe to be attached', 60_000);
    if (this.child.exitCode !== null) throw new Error(`tls-kit ended with ${this.child.exitCode}: ${this.errors}`);
    return this;
  }

  /** Reads its output at so many bytes every so many ms from now on; all of it as it comes with Infinity. */
  read(bytes: number, everyMs: number): void {
    const {stdout} = this.child;
    clearInterval(this.#reading);
    if (bytes === Infinity) {
      stdout?.resume();
      return;
    }
    stdout?.pause();
    this.#reading = setInterval(() => stdout?.read(bytes), everyMs); // what it reads is emitted as data
  }

  /** Stops it as Ctrl-C does, and waits for its end. Gives its exit status. */
  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<number> {
    this.child.kill(signal);
    return this.#ended;
  }

  ended(): Promise<number> {
    return this.#ended;
  }

  /** Gives bpftrace the time to empty its rings: until events of so many bytes have come out. What never comes, the account tells. */
  async shows(bytes: number): Promise<void> {
    await until(() => this.#countBytes() >= bytes, `events of ${bytes} bytes`, 20_000).catch(() => undefined);
  }

  #countBytes(): number {
    const text = this.#rest + Buffer.concat(this.#out.slice(this.#counted)).toString();
    this.#counted = this.#out.length;
    const end = text.lastIndexOf('\n') + 1;
    this.#rest = text.slice(end);
    this.#bytes += dataOf(eventsIn(text.slice(0, end))).reduce((sum, {length}) => sum + length, 0);
    return this.#bytes;
  }

  get output(): string {
    return Buffer.concat(this.#out).toString();
  }

  get errors(): string {
    return Buffer.concat(this.#err).toString();
  }

  get events(): TraceEvent[] {
    return eventsIn(this.output);
  }
}

export function eventsIn(text: string): TraceEvent[] {
  const lines = text.split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line) as TraceEvent);
}

export const summaryOf = (events: readonly TraceEvent[]) => events.at(-1) as SummaryEvent;

export function dataOf(events: readonly TraceEvent[]): DataEvent[] {
  return events.filter((event) => event.type === 'data' && event.peek === undefined) as DataEvent[];
}

/** What went one way over one connection of a process, put together; throws on a gap in the offsets. */
export interface Stream {
  readonly pid: number;
  readonly comm: string | undefined;
  readonly connection: string;
  readonly direction: 'send' | 'receive';
  readonly functions: ReadonlySet<string>;
  readonly length: number;
  readonly captured: number;
  readonly bytes: Buffer;
  readonly calls: readonly {readonly offset: number; readonly length: number; readonly bytes: Buffer}[];
}

/** Whether a stream is what was sent: each call whole, or cut to the snap length and to nothing else. */
export function isExactly(stream: Stream | undefined, sent: Buffer, snaplen: number): boolean {
  if (!stream) return sent.length === 0;
  return stream.length === sent.length && endsWith(stream, sent, snaplen);
}

/** The same, where something of another length came before it: the head of a request. */
export function endsWith({length: total, calls}: Stream, sent: Buffer, snaplen: number): boolean {
  const start = total - sent.length;
  const isTrue = ({offset, length, bytes}: Stream['calls'][number]) => {
    const tail = bytes.subarray(Math.max(start - offset, 0));
    const from = Math.max(offset - start, 0);
    return bytes.length === Math.min(length, snaplen) && tail.equals(sent.subarray(from, from + tail.length));
  };
  return start >= 0 && calls.every(isTrue);
}

export function streamsOf(events: readonly TraceEvent[]): Stream[] {
  const groups = new Map<string, DataEvent[]>();
  for (const event of dataOf(events)) {
    const key = `${event.connection.id} ${event.direction}`;
    groups.set(key, [...(groups.get(key) ?? []), event]);
  }
  return [...groups.values()].map(toStream);
}

function toStream(events: readonly DataEvent[]): Stream {
  const [first] = events as [DataEvent];
  let length = 0;
  for (const event of events) {
    if (event.offset !== length)
      throw new Error(`a gap: ${JSON.stringify({...event, payload: ''})} after ${length} bytes`);
    length += event.length;
  }
  const calls = events.map(({offset, length, payload}) => ({offset, length, bytes: Buffer.from(payload, 'base64')}));
  return {
    pid: first.pid,
    comm: first.comm,
    connection: first.connection.id,
    direction: first.direction,
    functions: new Set(events.map((event) => event.function)),
    length,
    captured: events.reduce((sum, event) => sum + event.captured, 0),
    bytes: Buffer.concat(calls.map(({bytes}) => bytes)),
    calls,
  };
}

function split(words: readonly string[]): [readonly string[], readonly string[]] {
  const dashes = words.indexOf('--');
  return dashes < 0 ? [words, []] : [words.slice(0, dashes), words.slice(dashes)];
}

const {default: validate} = (await import(new URL('../../dist/validate-event.js', import.meta.url).href)) as {
  default: (value: unknown) => boolean;
};

/** Whether each event is one of the schema: gives the first that is not. */
export const firstInvalid = (events: readonly TraceEvent[]) => events.find((event) => !validate(event));

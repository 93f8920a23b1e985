import {readFile} from 'node:fs/promises';
import {createInterface} from 'node:readline';
import type {Readable, Writable} from 'node:stream';
import {setTimeout as wait} from 'node:timers/promises';
import {execa} from 'execa';
import {TlsKitError} from '../errors.js';
import type {EngineSignal, Script} from '../model.js';
import {keeper, keeperMark} from './keeper.js';
import {type Fatal, readMessage} from './messages.js';

/** How bpftrace ended: its exit status, or the signal that ended it; neither where even the keeper was killed. */
export interface EngineEnd {
  readonly exitCode?: number;
  readonly signal?: number;
}

/** A running bpftrace. */
export interface Engine {
  /** What bpftrace prints. */
  readonly output: Readable;
  /** Every probe is attached. Rejects with a TlsKitError when bpftrace ends before. */
  readonly ready: Promise<void>;
  readonly ended: Promise<EngineEnd>;
  /** The gate was closed by somebody else: no more will be captured. */
  readonly gateClosed: Promise<void>;
  /** What else bpftrace said on standard error, for the user. */
  readonly warnings: readonly string[];
  /** What the reader of the output found there that is for the engine. */
  hear(signal: EngineSignal): void;
  /** Close the gate, let everything under way arrive, stop. Resolves when bpftrace has ended. */
  stop(): Promise<EngineEnd>;
  /** Stop at once: what is under way is lost. */
  abort(): void;
}

export interface EngineOptions {
  readonly script: Script;
  /** The bpftrace to run: a path, or a name in PATH. */
  readonly bpftrace: string;
  /** The processors that are online. */
  readonly processors: readonly number[];
  /** The keeper and bpftrace run through sudo, which must not need to ask for a password any more. */
  readonly sudo?: boolean;
}

/** A loaded machine takes seconds to verify a large program; one that takes longer hangs. */
const readyLimitMs = 60_000;
/** The longest that full rings took to drain, measured, was 2.4 s. */
const drainLimitMs = 10_000;
const markerEveryMs = 50;

/** SIGCONT is how the gate is closed, and also how a stopped process is continued. */
const gateWarning =
  'Somebody sent SIGCONT to bpftrace, maybe after a SIGSTOP: to the script that means to capture no more, so the trace ends. Start it again.';

const drainWarning = `What was in bpftrace's ring did not come within ${drainLimitMs / 1000} s: what is missing is counted as lost. If nothing came at all, the kernel had no memory for the ring, of which bpftrace says nothing.`;

/** Starts bpftrace under its keeper. Nothing is buffered; nothing stays behind, however the caller ends. */
export function startEngine({script, bpftrace, processors, sudo = false}: EngineOptions): Engine {
  const {text, source} = sourceOf(script);
  const length = String(Buffer.byteLength(text));
  const words = ['env', ...environmentOf(script), bpftrace, '-f', 'json', ...source, ...script.parameters];
  const asRoot = sudo ? viaSudo : [];
  const [file, ...rest] = [...asRoot, 'sh', '-c', keeper, keeperMark, processors.join(' '), length, ...words] as [
    string,
  ];
  const child = execa(file, rest, {
    buffer: false,
    reject: false,
    detached: !sudo, // out of reach of Ctrl-C; sudo remembers its user by the terminal, and stays
    cleanup: false, // the lifeline does it, also where an exit handler can't
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const lifeline = child.stdin as Writable;
  lifeline.on('error', ignoreClosedPipe);
  lifeline.write(text);

  const attached = latch();
  const probes = latch<number>();
  const said: Said = {warnings: [], fatal: [], lines: []};
  let links = 0;
  const report = (word: string, number: number) => {
    if (word === 'links') links = number;
  };
  const ended = readErrors(child.stderr as Readable, {ready: attached.open, report, said}).then((end) => {
    lifeline.end();
    return end;
  });
  const rounds = new Map<number, number>();
  const foreign = latch();
  let isStopping = false;

  return {
    output: child.stdout as Readable,
    warnings: said.warnings,
    ended,
    gateClosed: foreign.opened,
    ready: becomeReady(),
    hear: (signal) => {
      if (signal.kind === 'ready') attached.open();
      else if (signal.kind === 'attached') probes.open(signal.probes);
      else {
        rounds.set(signal.processor, (rounds.get(signal.processor) ?? 0) + 1);
        if (!isStopping && !foreign.isOpen()) {
          said.warnings.push(gateWarning);
          foreign.open();
        }
      }
    },
    stop: async () => {
      isStopping = true;
      await Promise.race([drain(), ended]);
      lifeline.end();
      return ended;
    },
    abort: () => lifeline.end(),
  };

  async function becomeReady(): Promise<void> {
    if (script.dialect.ready === 'links') void watchLinks();
    const timer = new AbortController();
    const outcome = await Promise.race([
      attached.opened.then(() => 'ready' as const),
      ended,
      wait(readyLimitMs, 'late' as const, {signal: timer.signal}),
    ]);
    timer.abort();
    if (outcome === 'ready') return;
    if (outcome === 'late') {
      lifeline.end();
      throw new TlsKitError('NOT_READY', `bpftrace attached nothing within ${readyLimitMs / 1000} s.`, [
        'See: tls-kit doctor',
      ]);
    }
    throw endedEarly(outcome, said);
  }

  /** Marks each processor until each was seen twice: the second mark was made after all that the gate let through. */
  async function drain(): Promise<void> {
    const deadline = Date.now() + drainLimitMs;
    while (lifeline.writable && !processors.every((each) => (rounds.get(each) ?? 0) >= 2)) {
      if (Date.now() > deadline) return void said.warnings.push(drainWarning);
      lifeline.write('gate\n');
      await wait(markerEveryMs);
    }
  }

  /** Before 0.14 nothing tells when all is attached: count the perf events, one a probe and one a processor. */
  async function watchLinks(): Promise<void> {
    const count = await probes.opened;
    while (!attached.isOpen() && links < count + processors.length) {
      lifeline.write('links\n');
      await wait(20);
    }
    attached.open();
  }
}

/** Never asks for a password: whoever wants sudo has made sure of it before, where it can be typed. */
const viaSudo = ['sudo', '-n', '--'];

/** What goes to bpftrace's standard input, and the words that name it. */
function sourceOf({text, dialect}: Script): {text: string; source: readonly string[]} {
  return dialect.scriptBy === 'argument' ? {text: '', source: ['-e', text]} : {text, source: ['/dev/stdin']};
}

/** As words for env(1), since sudo passes no environment on. */
function environmentOf({environment}: Script): readonly string[] {
  const all = {...environment, __BPFTRACE_NOTIFY_PROBES_ATTACHED: '1', LC_ALL: 'C'};
  return Object.entries(all).map(([name, value]) => `${name}=${value}`);
}

/** Lets bpftrace check a script without tracing. Gives its warnings; rejects with what it said where it refuses. */
export async function checkScript(script: Script, bpftrace: string, sudo = false): Promise<readonly string[]> {
  const {text, source} = sourceOf(script);
  const shell = 'cat | "$@"'; // bpftrace opens a pipe as a script but no socket, and those of Node.js are sockets
  const words = ['env', ...environmentOf(script), bpftrace, script.dialect.check, ...source, ...script.parameters];
  const [file, ...rest] = [...(sudo ? viaSudo : []), 'sh', '-c', shell, 'sh', ...words] as [string];
  const result = await execa(file, rest, {input: text, reject: false});
  const said: Said = {warnings: [], fatal: [], lines: []};
  for (const line of result.stderr.split('\n')) hear(line, said);
  if (result.exitCode === 0) return said.warnings;
  throw endedEarly({exitCode: result.exitCode ?? 1}, said);
}

/** What bpftrace said on standard error: at most this many lines of each kind are kept. */
interface Said {
  readonly warnings: string[];
  readonly fatal: Fatal[];
  readonly lines: string[];
}
const linesKept = 100;

function endedEarly(end: EngineEnd, {fatal, lines}: Said): TlsKitError {
  const [cause] = fatal;
  const detail = {cause: lines.join('\n')};
  if (cause) return new TlsKitError(cause.code, cause.text, cause.nextSteps, detail);
  const how = end.signal === undefined ? `with status ${end.exitCode ?? 'unknown'}` : `by signal ${end.signal}`;
  const words = lines.join('\n').trim().slice(0, 2000);
  return new TlsKitError(
    'ENGINE_FAILED',
    `bpftrace ended ${how} before it traced${words ? `: ${words}` : '.'}`,
    ['See whether this machine can trace: tls-kit doctor'],
    detail,
  );
}

interface Hearing {
  readonly ready: () => void;
  readonly report: (word: string, number: number) => void;
  readonly said: Said;
}

/** Reads what the keeper and bpftrace say, and gives how bpftrace ended. */
async function readErrors(stderr: Readable, {ready, report, said}: Hearing): Promise<EngineEnd> {
  let end: EngineEnd = {};
  for await (const line of createInterface({input: stderr})) {
    const [mark, word = '', digits] = line.split(' ');
    const number = Number(digits);
    if (mark !== keeperMark) {
      if (hear(line, said) === 'ready') ready();
    } else if (word === 'exit') end = number > 128 ? {signal: number - 128} : {exitCode: number};
    else report(word, number);
  }
  return end;
}

function hear(line: string, {warnings, fatal, lines}: Said): 'ready' | undefined {
  const message = readMessage(line);
  if (message.kind === 'ready') return 'ready';
  if (message.kind === 'warning' && warnings.length < linesKept) warnings.push(message.text);
  if (message.kind === 'fatal' && fatal.length < linesKept) fatal.push(message);
  if (lines.length < linesKept && !line.includes('RLIMIT_MEMLOCK')) lines.push(line);
  return undefined;
}

/** The processors that are online, from /sys/devices/system/cpu/online ("0-3,6"). */
export async function onlineProcessors(): Promise<readonly number[]> {
  const text = await readFile('/sys/devices/system/cpu/online', 'utf8');
  return text
    .trim()
    .split(',')
    .flatMap((range) => {
      const [first, last] = range.split('-').map(Number) as [number, number?];
      return Array.from({length: (last ?? first) - first + 1}, (_, index) => first + index);
    });
}

/** A promise that is opened from outside, once. */
function latch<T = void>(): {opened: Promise<T>; open: (value: T) => void; isOpen: () => boolean} {
  let open: (value: T) => void = () => {};
  let isOpen = false;
  const opened = new Promise<T>((resolve) => {
    open = (value) => {
      isOpen = true;
      resolve(value);
    };
  });
  return {opened, open, isOpen: () => isOpen};
}

/** bpftrace or the keeper may end before all is written to them: how they ended says more than the pipe. */
function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE' && error.code !== 'ECONNRESET') throw error;
}

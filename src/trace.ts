/**
 * The road, in order: who, what, how, run, read, show. The one file to read first.
 * `prepare` finds who and what and writes the script (which is all that `gen` does); `trace` runs it and shows what comes.
 */
import {type Caller, type CommandEnd, type HeldCommand, holdCommand} from './engine/command.js';
import {type Engine, type EngineEnd, onlineProcessors, startEngine} from './engine/engine.js';
import {followHandshakes} from './handshakes.js';
import {libraries} from './libraries/index.js';
import type {SummaryEvent, TraceEvent} from './model.js';
import {createOverhead, tooMuch} from './overhead.js';
import {createParser, type Parser, toLines} from './parsers/index.js';
import {giveUpRoot} from './privileges.js';
import {makePlan} from './probes/plan.js';
import {readLines} from './read.js';
import {hasBtf, type Prepared, type Request, resolveFilters, resolveTargets} from './request.js';
import {dialectOf} from './scripts/dialects.js';
import {renderScript, type ScriptStyle} from './scripts/render.js';
import {announce, monotonicAnchor, sessionOf} from './session.js';
import {here} from './targets/index.js';
import {createUnderstanding, type UnderstandOptions} from './understand.js';
import {version} from './version.js';
import {Watch} from './watch.js';

/** Where events go: a sink, or several. */
export interface Show {
  write(event: TraceEvent): void | Promise<void>;
  flush(): Promise<void>;
}

export interface TraceOptions {
  readonly understand: UnderstandOptions;
  readonly bpftrace: string;
  readonly bpftraceVersion: string;
  /** The user who called sudo: a command runs as him, and so does this process as soon as bpftrace runs. */
  readonly caller?: Caller;
  /** bpftrace, which needs root, is run by sudo. */
  readonly sudo?: boolean;
  /** The command's standard output goes to standard error, so that ours carries the trace alone. */
  readonly outputToErrors: boolean;
  /** Every probe is attached. */
  readonly onReady: () => Promise<void>;
  /** One line for people, before and while it runs. */
  readonly say: (line: string) => void;
  /** Given the parser, for a status line. */
  readonly onParser?: (parser: Parser) => void;
  /** When aborted: stop, and lose nothing. */
  readonly stop: AbortSignal;
  /** When aborted: stop at once. */
  readonly abort: AbortSignal;
  readonly maxEvents?: number;
  /** Stop when the probes take more than these percent of one processor. */
  readonly maxOverhead?: number;
  /** Which events are looked at, and which are shown of those and of what was made of them; all without. */
  readonly considers?: (event: TraceEvent) => boolean;
  readonly shows?: (event: TraceEvent) => boolean;
}

/** Who and what, to a script: the same for `trace` and `gen`. */
export async function prepare(
  request: Request,
  bpftraceVersion: string,
  style: ScriptStyle = {},
  commandPid?: number,
): Promise<Prepared> {
  const [filters, targets, btf] = await Promise.all([
    resolveFilters(request, commandPid),
    resolveTargets(request),
    hasBtf(),
  ]);
  const {what, snaplen, durationS} = request;
  const readsWire = what.includes('handshakes') && request.libs.length === 0;
  const plan = makePlan({
    what,
    libraries,
    targets,
    filters,
    snaplen,
    readsWire,
    btf,
    ...(here && {hasDup2: here.hasDup2}),
    ...(durationS !== undefined && {durationS}),
  });
  return {script: renderScript(plan, dialectOf(bpftraceVersion), version, style), filters, targets};
}

/**
 * Traces until it is told to stop, the command has ended, or bpftrace has. Gives the summary, which it also showed, last.
 * @param open opens where events go: called when it is sure that there is something to trace, and before it is.
 */
export async function trace(request: Request, options: TraceOptions, open: () => Show): Promise<SummaryEvent> {
  const command = request.command && holdCommand(request.command, options.outputToErrors, options.caller);
  try {
    // How long it runs is counted here, from the moment when all is attached, and not in the script.
    const {durationS: _, ...endless} = request;
    const prepared = await prepare(endless, options.bpftraceVersion, {}, command?.pid);
    const show = open();
    options.say(announce(prepared));
    const {script} = prepared;
    const {bpftrace, sudo = false, caller} = options;
    const engine = startEngine({script, bpftrace, processors: await onlineProcessors(), sudo});
    if (caller) giveUpRoot(caller);
    return await follow({request, options, show, prepared, engine, command});
  } finally {
    command?.discard();
  }
}

interface Run {
  readonly request: Request;
  readonly options: TraceOptions;
  readonly show: Show;
  readonly prepared: Prepared;
  readonly engine: Engine;
  readonly command: HeldCommand | undefined;
}

async function follow(run: Run): Promise<SummaryEvent> {
  const {request, options, show, prepared, engine, command} = run;
  const startedAtMs = Date.now();
  const session = sessionOf(request, prepared, options.bpftraceVersion, startedAtMs);
  const parser = createParser({
    session,
    handshakes: followHandshakes(session.targets),
    now: Date.now,
    ...(prepared.script.dialect.clock === 'monotonic' && {anchor: monotonicAnchor()}),
    onSignal: engine.hear,
  });
  options.onParser?.(parser);
  const watch = new Watch({request, prepared, parser, say: options.say, commandPid: command?.pid});
  const enough = new AbortController();
  const warnings: string[] = [];
  const guard = guardOverhead(parser, options.maxOverhead, (message) => {
    options.say(message);
    warnings.push(message);
    enough.abort();
  });
  const stopped = runAndStop(run, enough.signal, () => {
    watch.begin();
    guard.begin();
  });
  stopped.catch(engine.abort); // it is thrown below, after what else went wrong

  const understand = createUnderstanding(options.understand);
  const write = async (event: TraceEvent): Promise<void> => {
    for (const each of understand(event)) await show.write(each);
  };
  const shown = {events: 0};
  const most = options.maxEvents ?? Infinity;
  const pass = async (events: readonly TraceEvent[]): Promise<void> => {
    for (const event of events) {
      if (options.considers?.(event) === false) continue;
      if (isCall(event) && shown.events >= most) continue;
      for (const each of understand(event.type === 'process' ? await watch.complete(event) : event)) {
        if (options.shows?.(each) === false) continue;
        if (isCall(each)) shown.events++;
        const waiting = show.write(each);
        if (waiting) await waiting;
      }
      if (shown.events >= most) enough.abort();
    }
  };
  try {
    await readLines(toLines(engine.output), parser, pass, engine.abort);
  } finally {
    watch.close();
    guard.close();
    engine.abort();
    await engine.ended;
  }
  const engineEnd = await engine.ended;
  const {commandEnd, durationNs} = await stopped;
  for (const message of warnings) await write({type: 'warning', code: 'overhead', message});
  for (const message of engine.warnings) await write({type: 'warning', code: 'bpftrace', message});
  const last = parser.end({durationNs, ...(commandEnd && {command: commandEnd})});
  const summary = last.at(-1) as SummaryEvent;
  if (summary.incomplete) await show.write({type: 'warning', code: 'bpftrace', message: cutOff(engineEnd)});
  await pass(last.slice(0, -1));
  if (summary.events === 0 && !summary.handshakes && !summary.sockets) await write(await watch.silence(summary));
  await write(summary);
  await show.flush();
  return summary;
}

/** What `maxEvents` counts. */
function isCall({type}: TraceEvent): boolean {
  return type === 'data' || type === 'handshake' || type === 'socket';
}

/** Looks each second at what the probes cost, and tells once that it is more than it may be. */
function guardOverhead(parser: Parser, limit: number | undefined, onTooMuch: (message: string) => void) {
  let timer: NodeJS.Timeout | undefined;
  const overhead = createOverhead();
  const look = () => {
    const now = overhead(parser.status);
    if (limit === undefined || now === undefined || now.percent <= limit) return;
    clearInterval(timer);
    onTooMuch(tooMuch(now, limit));
  };
  return {
    begin: () => {
      timer = setInterval(look, 1000);
    },
    close: () => clearInterval(timer),
  };
}

/** What came of a run: how the command ended, and how long the probes were attached before the gate was closed. */
interface Stopped {
  readonly commandEnd: CommandEnd | undefined;
  readonly durationNs: number;
}

/** Detaching takes about 0.1 s a probe: whoever waits longer than this is told what for. */
const patienceMs = 1000;

/** Waits until the probes are attached, lets the command run, and stops bpftrace when there is a reason. */
async function runAndStop(
  {options, engine, command, request}: Run,
  enough: AbortSignal,
  onBegin: () => void,
): Promise<Stopped> {
  options.abort.addEventListener('abort', engine.abort, {once: true});
  await engine.ready;
  const readyAt = process.hrtime.bigint();
  onBegin();
  await options.onReady();
  command?.release();
  const reasons = [
    options.stop,
    options.abort,
    enough,
    ...(request.durationS ? [AbortSignal.timeout(request.durationS * 1000)] : []),
  ];
  const commandEnd = await Promise.race([
    aborted(AbortSignal.any(reasons)).then(() => undefined),
    engine.ended.then(() => undefined),
    engine.gateClosed.then(() => undefined),
    ...(command ? [command.ended] : []),
  ]);
  const durationNs = Number(process.hrtime.bigint() - readyAt);
  const timer = setTimeout(() => options.say('Detaching the probes.'), patienceMs);
  await engine.stop();
  clearTimeout(timer);
  return {commandEnd, durationNs};
}

/** What happened to a bpftrace that told no final totals. */
function cutOff({exitCode, signal}: EngineEnd): string {
  const how = signal !== undefined ? `was ended by signal ${signal}` : `ended with status ${exitCode ?? 'unknown'}`;
  return `bpftrace ${how} before it told its totals: what was seen and lost is unknown. See whether it was killed: dmesg`;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), {once: true});
  });
}

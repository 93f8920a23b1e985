import {libraries} from './libraries/index.js';
import type {ProcessEvent, SummaryEvent, WarningEvent} from './model.js';
import type {Parser, ParserStatus} from './parsers/index.js';
import {explainSilence, type SilenceReason} from './probes/silence.js';
import {librariesOf, type Prepared, type Request} from './request.js';
import {descendantsOf, findProcesses, findTargets, readProcess, unprobedLibraries} from './targets/index.js';

export interface WatchOptions {
  readonly request: Request;
  readonly prepared: Prepared;
  readonly parser: Parser;
  readonly say: (line: string) => void;
  readonly commandPid?: number | undefined;
}

/** Long enough for a request to come by, short enough to be told before one gives up. */
const silenceMs = 5000;
const lookEveryMs = 250;

/** Looks at /proc while bpftrace looks at the kernel: what processes are, why nothing comes, which libraries are not probed. */
export class Watch {
  readonly #options: WatchOptions;
  #silence: NodeJS.Timeout | undefined;
  #looking: NodeJS.Timeout | undefined;
  #isClosed = false;
  readonly #warned = new Set<string>();

  constructor(options: WatchOptions) {
    this.#options = options;
    if (options.commandPid !== undefined) this.#lookLater();
  }

  /** One look after the other: on a busy machine one takes longer than the time between them, and would be in another's way. */
  #lookLater(): void {
    if (this.#isClosed) return;
    this.#looking = setTimeout(() => this.#try(this.#lookForLibraries().finally(() => this.#lookLater())), lookEveryMs);
  }

  /** Every probe is attached: from now on, silence means something. */
  begin(): void {
    this.#silence = setTimeout(() => this.#try(this.#saySilence()), silenceMs);
  }

  close(): void {
    clearTimeout(this.#silence);
    clearTimeout(this.#looking);
    this.#isClosed = true;
  }

  /** What is looked at is no reason to end a trace: a fault is told, once each. */
  #try(looking: Promise<void>): void {
    looking.catch(({message}: Error) => {
      if (this.#warned.has(message)) return;
      this.#warned.add(message);
      this.#options.say(`Processes could not be looked at: ${message}`);
    });
  }

  /** Adds what /proc knows of a process; one that has gone keeps what the kernel said. */
  async complete(event: ProcessEvent): Promise<ProcessEvent> {
    const {startedAtMs, argv, ...found} = await readProcess(event.pid);
    const {type, ...told} = event;
    const {commandPid, request} = this.#options;
    // A command may have ended before it is looked at; what it was started with is known.
    const words = argv ?? (event.pid === commandPid ? request.command : undefined);
    return {
      type,
      ...(found as Partial<ProcessEvent>),
      ...told,
      ...(words && {argv: [...words]}),
      ...(startedAtMs !== undefined && {startedAt: new Date(startedAtMs).toISOString().replace('Z', '000000Z')}),
    };
  }

  /** Why nothing was captured, as the warning before the summary. */
  async silence(summary: SummaryEvent): Promise<WarningEvent> {
    const {code, message} = await this.#explain(summary).catch((error: Error) => ({
      code: 'unexplained',
      message: `Nothing was captured, and processes could not be looked at to say why: ${error.message}`,
    }));
    return {type: 'warning', code, message};
  }

  async #saySilence(): Promise<void> {
    const {parser, say} = this.#options;
    const isSilent = ({events, handshakes, systemCalls, bytesSeen}: ParserStatus) =>
      events + handshakes + systemCalls + (bytesSeen ?? 0) === 0;
    if (!isSilent(parser.status)) return;
    const {message} = await this.#explain();
    if (isSilent(parser.status)) say(`Nothing captured yet. ${message}`);
  }

  async #explain(summary?: SummaryEvent): Promise<SilenceReason> {
    const {request, prepared, parser} = this.#options;
    const {filters} = prepared;
    const processes = await findProcesses(filters);
    const isFiltered = filters.pids.length + filters.comms.length + filters.uids.length + filters.cgroups.length > 0;
    const mapped = await findTargets(libraries, isFiltered ? {found: processes.map(({pid}) => pid)} : {});
    return explainSilence({
      filters,
      probed: prepared.targets,
      mapped,
      processes,
      ...(request.command && summary?.command && {endedCommand: request.command}),
      ...(summary?.calls && {entered: summary.calls.entered}),
      seen: summary?.bytes.seen ?? parser.status.bytesSeen ?? 0,
    });
  }

  /** A descendant of the command that loads a TLS library which is not probed: said once for each. */
  async #lookForLibraries(): Promise<void> {
    const {commandPid, prepared, request, say} = this.#options;
    if (commandPid === undefined) return;
    const wanted = librariesOf(request.what);
    for (const pid of [commandPid, ...(await descendantsOf(commandPid))]) {
      for (const {path, library} of await unprobedLibraries(wanted, pid, prepared.targets)) {
        if (this.#warned.has(path)) continue;
        this.#warned.add(path);
        say(`Process ${pid} uses ${path}, which is not probed: add ${library} --lib ${path}`);
      }
    }
  }
}

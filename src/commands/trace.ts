import {writeFile} from 'node:fs/promises';
import {constants} from 'node:os';
import {Args, Flags} from '@oclif/core';
import {TlsKitCommand} from '../command.js';
import {exitStatus, TlsKitError} from '../errors.js';
import {bpftraceFlag, checkWhat, peerFlag, readerFlags, requestOf, scriptFlags, sideFlag} from '../flags.js';
import {requireMachine} from '../machine.js';
import {messageFlags, redactionFlags, understandOptionsOf} from '../message-flags.js';
import type {SummaryEvent} from '../model.js';
import {createPeerTest} from '../peers.js';
import {asUser, unlockSudo} from '../privileges.js';
import type {Prepared} from '../request.js';
import {createFan, createScreen, statusOf} from '../show.js';
import {createSideTest} from '../sides.js';
import {createCaptureFile, type Sink, type StatusNumbers, startStatusLine, visible} from '../sinks/index.js';
import {commandWords} from '../start.js';
import {callerOf} from '../targets/index.js';

export default class Trace extends TlsKitCommand {
  static override args = {
    what: Args.string({
      description: 'openssl (the default), gnutls, sockets, handshakes; several may stand together',
      ignoreStdin: true,
    }),
  };

  static override enableJsonFlag = false;

  static override strict = false;

  static override summary = 'Show what processes send and receive over TLS';

  static override description =
    `Traces until Ctrl-C, until --duration or --max-events, or until the command after -- has ended, with its exit status.
Exit status 6 when something happened that --fail-on names.`;

  static override examples = [
    {description: 'One process:', command: 'sudo <%= config.bin %> <%= command.id %> -p 1234'},
    {
      description: 'A command and its descendants:',
      command: 'sudo <%= config.bin %> <%= command.id %> -- curl https://example.org',
    },
    {
      description: 'Why does TLS fail?',
      command: 'sudo <%= config.bin %> <%= command.id %> handshakes -- curl https://example.org',
    },
    {
      description: 'Keep it for a ticket:',
      command: 'sudo <%= config.bin %> <%= command.id %> -p 1234 -w capture.ndjson.gz',
    },
    {
      description: 'Every nginx that uses GnuTLS or OpenSSL:',
      command: 'sudo <%= config.bin %> <%= command.id %> openssl gnutls -c nginx',
    },
  ];

  static override flags = {
    ...scriptFlags,
    peer: peerFlag,
    side: sideFlag,
    'max-events': Flags.integer({helpGroup: 'HOW MUCH', helpValue: 'N', min: 1, summary: 'Stop after this many calls'}),
    'max-overhead': Flags.integer({
      helpGroup: 'HOW MUCH',
      helpValue: 'PCT',
      min: 0,
      summary: 'Stop when the probes take more of a processor; 0: never. [default: 25, none for a command]',
    }),
    ...readerFlags,
    ...redactionFlags,
    ...messageFlags,
    'ready-file': Flags.string({
      helpGroup: 'OUT',
      helpValue: 'FILE',
      summary: 'Make this file when every probe is attached',
    }),
    'dry-run': Flags.boolean({helpGroup: 'HOW', summary: 'Let bpftrace check the script, trace nothing'}),
    sudo: Flags.boolean({helpGroup: 'HOW', summary: 'Run bpftrace alone through sudo'}),
    bpftrace: bpftraceFlag,
  };

  async run(): Promise<void> {
    const {argv, flags} = await this.parse(Trace);
    const command = this.#command();
    const request = {...requestOf(checkWhat(argv as string[], 'trace'), flags), ...(command && {command})};
    const understand = await understandOptionsOf(flags);
    const sudo = flags.sudo && process.geteuid?.() !== 0;
    // The road is loaded while bpftrace answers.
    const [version, {prepare, trace}] = await Promise.all([
      requireMachine(flags.bpftrace, ['tls-kit', ...process.argv.slice(2)], {
        sudo,
        pids: request.command !== undefined || request.pids.length > 0,
      }),
      import('../trace.js'),
    ]);
    if (sudo) await unlockSudo();
    if (flags['dry-run'])
      return this.#check(
        await prepare(request, version, {}, request.command && process.pid),
        version,
        flags.bpftrace,
        sudo,
      );

    let numbers: (() => StatusNumbers) | undefined;
    const status =
      process.stderr.isTTY && !process.stdout.isTTY ? startStatusLine(process.stderr, () => numbers?.()) : undefined;
    const caller = await callerOf(process.env);
    const {sink, output} = createScreen({...flags, ...(status && {beforeErr: status.clear})});
    const sinks: Sink[] = flags.write === undefined || flags.print ? [sink] : [];
    const show = createFan(sinks);
    const open = () => {
      const {write} = flags;
      if (write !== undefined) sinks.push(asUser(caller, () => createCaptureFile(write)));
      if (request.what.join() !== 'handshakes') say(redactionLine(flags['no-redact']));
      return show;
    };
    const say = (line: string) => {
      status?.clear();
      process.stderr.write(`${visible(line)}\n`);
    };

    const stop = new AbortController();
    const abort = new AbortController();
    const onSignal = () => (stop.signal.aborted ? abort : stop).abort();
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
    for (const signal of signals) process.on(signal, onSignal);
    output.closed.addEventListener('abort', () => stop.abort(), {once: true});
    try {
      const summary = await trace(
        request,
        {
          understand,
          bpftrace: flags.bpftrace,
          bpftraceVersion: version,
          ...(caller && {caller}),
          sudo,
          outputToErrors: flags.write === undefined,
          onReady: async () => {
            if (flags['ready-file'] !== undefined) await makeReadyFile(flags['ready-file']);
            say(command ? 'Tracing.' : 'Tracing. Ctrl-C stops.');
          },
          say,
          onParser: (parser) => {
            numbers = () => parser.status;
          },
          ...(flags.peer && {considers: createPeerTest(flags.peer)}),
          ...(flags.side && {shows: createSideTest(flags.side)}),
          stop: stop.signal,
          abort: abort.signal,
          ...(flags['max-events'] !== undefined && {maxEvents: flags['max-events']}),
          ...maxOverheadOf(flags['max-overhead'], command !== undefined),
        },
        open,
      );
      const engineStatus = summary.incomplete ? exitStatus.engine : exitStatus.done;
      process.exitCode = engineStatus || statusOf(summary, flags['fail-on']) || commandStatus(summary);
    } finally {
      status?.close();
      for (const signal of signals) process.off(signal, onSignal);
      await show.close();
    }
    if (flags.write !== undefined) say(`Written to ${flags.write}.`);
  }

  #command(): readonly string[] | undefined {
    if (commandWords === undefined) return undefined;
    if (commandWords.length === 0 || commandWords[0] === '') {
      throw new TlsKitError('USAGE', 'There is no command after --.', [
        'Like this: tls-kit trace -- curl https://example.org',
      ]);
    }
    return commandWords;
  }

  async #check({script}: Prepared, version: string, bpftrace: string, sudo: boolean): Promise<void> {
    const {checkScript} = await import('../engine/engine.js');
    for (const warning of await checkScript(script, bpftrace, sudo)) this.logToStderr(visible(warning));
    this.log(
      `bpftrace ${version} accepts the script (${script.text.split('\n').length} lines, SHA-256 ${script.sha256}).`,
    );
  }
}

/** Whoever starts a command for the sake of tracing it knows what for: no limit stands unless given. */
function maxOverheadOf(percent: number | undefined, hasCommand: boolean): {maxOverhead?: number} {
  const limit = percent ?? (hasCommand ? 0 : defaultMaxOverhead);
  return limit === 0 ? {} : {maxOverhead: limit};
}

const defaultMaxOverhead = 25;

/** Throws WRITE_FAILED: also where something of that name is there, which may say that an earlier trace was ready. */
async function makeReadyFile(path: string): Promise<void> {
  try {
    await writeFile(path, '', {flag: 'wx', mode: 0o600});
  } catch (cause) {
    const {code, message} = cause as NodeJS.ErrnoException;
    const why = code === 'EEXIST' ? 'it is already there' : message;
    throw new TlsKitError(
      'WRITE_FAILED',
      `The ready file ${path} cannot be made: ${why}.`,
      ['Remove it, or name another one with --ready-file'],
      {cause},
    );
  }
}

function redactionLine(isOff: boolean): string {
  return isOff
    ? 'Payload is shown as it is: secrets included.'
    : 'Secrets that tls-kit knows are masked (what is covered: docs/redaction.md); --no-redact shows them.';
}

/** As a shell gives it: 128 and the signal's number for a command that a signal ended. */
function commandStatus({command}: SummaryEvent): number {
  if (command?.signal !== undefined) return 128 + constants.signals[command.signal as NodeJS.Signals];
  return command?.exitCode ?? 0;
}

import {CLIError} from '@oclif/core/errors';

/** Exit statuses, as the README lists them. */
export const exitStatus = {
  done: 0,
  ourFault: 1,
  usage: 2,
  machine: 3,
  nothingToTrace: 4,
  engine: 5,
  failOn: 6,
} as const;

/** Every failure that ends a run: its exit status. A code is stable: scripts may test it in `--json` output. */
const exits = {
  BUG: exitStatus.ourFault,
  USAGE: exitStatus.usage,
  BAD_VALUE: exitStatus.usage,
  UNSAFE_NAME: exitStatus.usage,
  FILE_UNREADABLE: exitStatus.usage,
  NOT_A_CAPTURE: exitStatus.usage,
  NOT_ROOT: exitStatus.machine,
  NO_BPFTRACE: exitStatus.machine,
  BPFTRACE_TOO_OLD: exitStatus.machine,
  BPFTRACE_BROKEN: exitStatus.machine,
  NO_TRACEFS: exitStatus.machine,
  CANNOT_TRACE: exitStatus.machine,
  NO_SUCH_PROCESS: exitStatus.nothingToTrace,
  NO_SUCH_COMMAND: exitStatus.nothingToTrace,
  NO_LIBRARY: exitStatus.nothingToTrace,
  NOT_A_LIBRARY: exitStatus.nothingToTrace,
  NO_SYMBOLS: exitStatus.nothingToTrace,
  ENGINE_FAILED: exitStatus.engine,
  SCRIPT_REFUSED: exitStatus.engine,
  NOT_READY: exitStatus.engine,
  WRITE_FAILED: exitStatus.ourFault,
} as const;

export type ErrorCode = keyof typeof exits;

/**
 * A failure that ends the run: what happened, in one sentence, and what to do next.
 * What goes wrong inside the stream of events is never thrown: it becomes an event.
 */
export class TlsKitError extends CLIError {
  constructor(
    readonly errorCode: ErrorCode,
    message: string,
    nextSteps: readonly string[],
    options?: {cause?: unknown},
  ) {
    super(message, {exit: exits[errorCode], code: errorCode, suggestions: [...nextSteps]} as object);
    if (options?.cause !== undefined) this.cause = options.cause;
  }
}

import {Command} from '@oclif/core';
import type {CLIError} from '@oclif/core/errors';
import {exitStatus, TlsKitError} from './errors.js';

/** What every command has: failures that say what to do next, with the same exit status and the same facts under --json. */
export abstract class TlsKitCommand extends Command {
  static override enableJsonFlag = true;

  /** oclif forgets the exit status under --json, and prints its whole configuration there. */
  protected override async catch(error: CLIError & {code?: string; parse?: unknown}): Promise<unknown> {
    const failure = failureOf(error);
    process.exitCode = failure.oclif.exit ?? exitStatus.ourFault;
    if (this.jsonEnabled()) {
      this.logJson(this.toErrorJson(failure));
      return undefined;
    }
    return super.catch(failure);
  }

  protected override toErrorJson(error: unknown): unknown {
    const {errorCode, message, suggestions} = error as TlsKitError;
    return {error: {code: errorCode, message, suggestions}};
  }
}

/** What oclif threw, or a fault of our own, as a failure with a next step. */
function failureOf(error: CLIError & {code?: string; parse?: unknown}): TlsKitError {
  if (error instanceof TlsKitError) return error;
  if (error.parse !== undefined || error.oclif?.exit === exitStatus.usage) {
    const [message = '', ...hints] = error.message.split('\n');
    return new TlsKitError('USAGE', message, [
      ...hints.filter((hint) => hint !== 'See more help with --help'),
      'See: --help',
    ]);
  }
  const {stack = error.message} = error;
  return new TlsKitError(
    'BUG',
    `This is a bug in tls-kit: ${stack}`,
    ['Please report it, with what you typed and what it said'],
    {
      cause: error,
    },
  );
}

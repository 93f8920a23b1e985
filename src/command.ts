import {Command} from '@oclif/core';
import {TlsKitError} from './errors.js';
import {failureJson, failureOf, plainExit, statusOfFailure} from './failure.js';
import {commandWords} from './start.js';

/** What every command has: failures that say what to do next, with the same exit status and the same facts under --json. */
export abstract class TlsKitCommand extends Command {
  static override enableJsonFlag = true;

  protected override async init(): Promise<void> {
    await super.init();
    if (commandWords === undefined || this.id === 'trace') return;
    throw new TlsKitError('USAGE', `${this.id} takes no command: nothing can follow --.`, [
      'Trace one: tls-kit trace -- curl https://example.org',
      `See: tls-kit ${this.id} --help`,
    ]);
  }

  /** Under --json, oclif forgets the exit status and prints its whole configuration. What is thrown on is said by start.ts. */
  protected override async catch(error: Error): Promise<void> {
    if (plainExit(error) !== undefined) throw error;
    const failure = failureOf(error, {command: this.id, commands: this.config.commandIDs, flags: this.#flags()});
    if (!this.jsonEnabled()) throw failure;
    process.exitCode = statusOfFailure(failure);
    this.logJson(failureJson(failure));
  }

  #flags(): readonly string[] {
    const {flags = {}, enableJsonFlag} = this.ctor;
    return [...Object.keys(flags), ...(enableJsonFlag ? ['json'] : []), 'help'].map((name) => `--${name}`);
  }
}

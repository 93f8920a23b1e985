import {fileURLToPath} from 'node:url';
import {Config} from '@oclif/core/config';
import {run} from '@oclif/core/run';
import {settings} from '@oclif/core/settings';

/** The words after the first `--`, word by word, when there was one: those of the command to trace. */
export let commandWords: readonly string[] | undefined;

/**
 * Starts oclif. It must not see what follows the first `--`: it would drop that word, and give equal words another order.
 * @param words the command line without node and script
 */
export async function start(words: readonly string[], moduleUrl: string): Promise<void> {
  const dashes = words.indexOf('--');
  if (dashes >= 0) commandWords = words.slice(dashes + 1);
  const own = dashes >= 0 ? words.slice(0, dashes) : [...words];
  settings.performanceEnabled = false;
  // A reader that has gone (`| head -1`, `2>&1 | head -1`) is nothing to fail for. What streams stops by itself, see createOutput.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
  const config = await Config.load({root: fileURLToPath(moduleUrl)});
  try {
    await run(own[0] === 'help' ? [...own.slice(1), '--help'] : own, config);
  } catch (error) {
    await fail(error, own, config);
  }
}

/** Ends the process: what failed may have left something behind that would keep it waiting. */
async function fail(error: unknown, words: readonly string[], config: Config): Promise<never> {
  const {failureJson, failureOf, failureText, plainExit, statusOfFailure} = await import('./failure.js');
  const status = plainExit(error);
  if (status !== undefined) process.exit(status);
  const failure = failureOf(error, {command: words[0], commands: config.commandIDs});
  // A command says its own failures under --json. Here it is the command that is unknown.
  const isJson = words.includes('--json') && config.findCommand(words[0] ?? '') === undefined;
  if (isJson) process.stdout.write(`${JSON.stringify(failureJson(failure), null, 2)}\n`);
  else process.stderr.write(failureText(failure, Boolean(process.env.DEBUG)));
  process.exit(statusOfFailure(failure));
}

import {execute, settings} from '@oclif/core';

/** The words after the first `--`, word by word, when there was one: those of the command to trace. */
export let commandWords: readonly string[] | undefined;

/**
 * Starts oclif. It must not see what follows the first `--`: it would drop that word, and give equal words another order.
 * @param words the command line without node and script
 */
export async function start(words: readonly string[], moduleUrl: string): Promise<void> {
  const dashes = words.indexOf('--');
  if (dashes >= 0) commandWords = words.slice(dashes + 1);
  settings.performanceEnabled = false;
  await execute({args: dashes >= 0 ? words.slice(0, dashes) : [...words], dir: moduleUrl});
}

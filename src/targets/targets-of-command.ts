import {TlsKitError} from '../errors.js';
import type {Library, Target} from '../model.js';
import {findCommand} from './find-command.js';
import {readLoader, walkNeeded} from './loader.js';
import {namedLikeTls, targetsInFiles} from './loader-targets.js';
import {readScriptLine} from './script-line.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** What to probe for a command: its file, and the TLS libraries in it, in what it is linked to, and in what it may load. */
export interface CommandTargets {
  /** The file that the first word names: an executable, or a script. */
  readonly executable: string;
  readonly targets: readonly Target[];
}

/**
 * Finds what a command will use before it runs: its own symbols, those of the libraries that it needs, and the TLS libraries that
 * the loader would find for a dlopen. For a script, the same of its interpreter. Throws NO_SUCH_COMMAND.
 */
export async function targetsOfCommand(
  libraries: readonly Library[],
  words: readonly string[],
  env: Environment,
): Promise<CommandTargets> {
  const [word = ''] = words;
  const executable = await requireCommand(word, env);
  const loader = await readLoader(env);
  const programs = await withInterpreters(executable, env);
  const needed = await Promise.all(programs.map((program) => walkNeeded(loader, program)));
  const loadable = await namedLikeTls(libraries, loader);
  return {executable, targets: await targetsInFiles(libraries, needed.flat(), loadable)};
}

/** The file that a command's first word names. Throws NO_SUCH_COMMAND. */
export async function requireCommand(word: string, env: Environment): Promise<string> {
  const executable = await findCommand(word, env);
  if (executable === undefined) throw noSuchCommand(word);
  return executable;
}

/** BINPRM_LOOPS: how many script lines the kernel follows (fs/exec.c). */
const maxInterpreters = 5;

/** A program, and what runs it where it is a script. */
async function withInterpreters(executable: string, env: Environment): Promise<readonly string[]> {
  const programs = [executable];
  for (let last: string | undefined = executable; last !== undefined && programs.length <= maxInterpreters; ) {
    const words: readonly string[] = await readScriptLine(last);
    const found: (string | undefined)[] = await Promise.all(words.map((word) => findCommand(word, env)));
    const next = found.filter((path) => path !== undefined);
    programs.push(...next);
    last = next.at(-1);
  }
  return programs;
}

function noSuchCommand(word: string): TlsKitError {
  const message = `There is no command ${JSON.stringify(word)}${word.includes('/') ? ' that can be run' : ' in PATH'}.`;
  return new TlsKitError('NO_SUCH_COMMAND', message, [
    `See what your shell finds: type ${word === '' ? 'COMMAND' : word}`,
    'Name the file by its path: tls-kit trace -- /path/to/command',
  ]);
}

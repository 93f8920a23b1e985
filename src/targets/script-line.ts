import {basename} from 'node:path';
import {TlsKitError} from '../errors.js';
import {BoundedFile} from './bounded-file.js';

/** BINPRM_BUF_SIZE in linux/binfmts.h: the kernel reads no more of the line. */
const maxLineBytes = 256;

/**
 * The programs that run a script, by its `#!` line: the interpreter, and where that is env(1), the program that env looks up.
 * None for what is no script; `/bin/sh` for text without such a line, as execvp(3) has it.
 */
export async function readScriptLine(path: string): Promise<readonly string[]> {
  try {
    const file = await BoundedFile.open(path);
    try {
      return interpretersIn(await file.readUpTo(0, maxLineBytes));
    } finally {
      await file.close();
    }
  } catch (error) {
    // Executable, but not readable: what runs it is unknown.
    if (error instanceof TlsKitError) return [];
    throw error;
  }
}

export function interpretersIn(start: Buffer): readonly string[] {
  const text = start.toString('latin1');
  if (!text.startsWith('#!')) return text.includes('\0') ? [] : ['/bin/sh'];
  const [interpreter, ...rest] = (text.slice(2).split('\n', 1)[0] ?? '').split(/[ \t]+/).filter((word) => word !== '');
  if (interpreter === undefined) return [];
  const looked = basename(interpreter) === 'env' ? programOfEnv(rest) : undefined;
  return looked === undefined ? [interpreter] : [interpreter, looked];
}

const optionsWithValue = ['-C', '--chdir', '-u', '--unset'];

/** The first word of env's arguments that is neither an option nor a setting. */
function programOfEnv(words: readonly string[]): string | undefined {
  for (let index = 0; index < words.length; index++) {
    const word = (words[index] ?? '').replace(/^(?:-S|--split-string=)(?=.)/, '');
    if (optionsWithValue.includes(word)) index++;
    else if (!word.startsWith('-') && !word.includes('=')) return word;
  }
  return undefined;
}

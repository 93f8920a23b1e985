import {setFlagsFromString} from 'node:v8';
import {TlsKitError} from '../errors.js';

/** The expression runs in the linear-time engine, or not at all. A flag of V8's own. */
const linearFlag = 'l';

let isPrepared = false;

/**
 * Compiles a user's regular expression so that no text can make it hang: V8 turns to its linear-time engine when an expression has
 * gone back too often (https://v8.dev/blog/non-backtracking-regexp). That engine knows no lookaround, no back references and no large
 * counts; such an expression is refused. Throws USAGE.
 */
export function linearPattern(text: string, flag: string): RegExp {
  prepare();
  const pattern = compile(text, '', flag);
  if (isLinearKnown()) compile(text, linearFlag, flag);
  return pattern;
}

function prepare(): void {
  if (isPrepared) return;
  setFlagsFromString('--enable-experimental-regexp-engine');
  setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks');
  isPrepared = true;
}

/** Whether this Node.js has that engine: without it the flag itself is refused. */
function isLinearKnown(): boolean {
  try {
    return new RegExp('a', linearFlag).global === false;
  } catch {
    return false;
  }
}

function compile(text: string, engine: string, flag: string): RegExp {
  try {
    return new RegExp(text, engine);
  } catch (error) {
    const why = (error as Error).message.replace(/^Invalid regular expression: /, '');
    const isHanging = why.endsWith('Cannot be executed in linear time');
    throw new TlsKitError(
      'USAGE',
      isHanging
        ? `--${flag} takes no expression that could hang: ${text}`
        : `--${flag} is no regular expression: ${why}`,
      [
        isHanging
          ? 'Do without lookaround (?=, back references \\1 and large counts {100}'
          : 'Quote it for the shell, and write \\. for a dot',
      ],
      {cause: error},
    );
  }
}

import {constants} from 'node:fs';
import {access, stat} from 'node:fs/promises';
import {delimiter, join, resolve} from 'node:path';

/** As execvp(3): a word with a slash is a path, any other is looked for in PATH, whose empty folder is the current one. */
export async function findCommand(
  word: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  if (word === '') return undefined;
  const folders = word.includes('/') ? ['.'] : (env.PATH ?? '/bin:/usr/bin').split(delimiter);
  for (const folder of folders) {
    const path = word.startsWith('/') ? word : resolve(join(folder, word));
    if (await isExecutable(path)) return path;
  }
  return undefined;
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    // Not there, or not to be run by us: execvp goes on to the next folder, too.
    return false;
  }
}

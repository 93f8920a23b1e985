import {realpath, stat} from 'node:fs/promises';
import {basename, resolve} from 'node:path';
import {TlsKitError} from '../errors.js';
import type {Library, Target} from '../model.js';
import {shownPath} from './bounded-file.js';
import {type Elf, withElf} from './elf.js';
import {type Finding, inspectElf} from './inspect.js';
import {siblingsBeside} from './survey.js';

/**
 * The target that a user names by a path: a shared library, or an executable that has one linked in.
 * Throws FILE_UNREADABLE, NOT_A_LIBRARY, and NO_SYMBOLS where it has no function of these libraries.
 */
export async function targetFromFile(libraries: readonly Library[], path: string): Promise<Target> {
  const real = await realPathOf(resolve(path));
  const {findings, elf} = await withElf(real, async (elf) => ({
    findings: await inspectElf(libraries, basename(real), elf, siblingsBeside(real)),
    elf,
  }));
  const [best] = findings.filter(({traceable}) => traceable).sort((a, b) => b.functions.length - a.functions.length);
  if (!best) throw noSymbols(libraries, path, findings, elf);
  return {...best, path: real, attachPath: real, pids: []};
}

/** Without links, as processes name it. A path through /proc/PID/root leads into another namespace: there the links are kept. */
async function realPathOf(path: string): Promise<string> {
  try {
    const real = await realpath(path);
    const [before, after] = await Promise.all([stat(path, {bigint: true}), stat(real, {bigint: true})]);
    return before.dev === after.dev && before.ino === after.ino ? real : path;
  } catch {
    // Not there, or not for us: opening it says so, with the reason.
    return path;
  }
}

function noSymbols(libraries: readonly Library[], path: string, findings: readonly Finding[], elf: Elf): TlsKitError {
  const wanted = libraries.map(({title, functions}) => `${title} (${functions[0]?.name}, …)`).join(' or ');
  const needed = elf.needed.filter((name) => libraries.some(({fileName}) => fileName.test(name)));
  const known = findings.find(({reason}) => reason !== undefined)?.reason;
  const stripped = elf.isStripped ? 'It is stripped: what it does not export has no name' : undefined;
  const borrowed = needed.length > 0 ? `It uses those of ${needed.join(' and ')}` : undefined;
  const why = known ?? borrowed ?? stripped ?? 'It is not stripped: they are not in it';
  return new TlsKitError('NO_SYMBOLS', `${shownPath(path)} defines no function of ${wanted}. ${why}.`, [
    ...needed.map((name) => `Name that library: --lib ${name}, with its path, as ldd tells it`),
    'See the libraries that are in use: tls-kit targets',
    ...((known ?? stripped) ? ['Trace a build that is not stripped, or one that uses a shared library.'] : []),
  ]);
}

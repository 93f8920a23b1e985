import {realpath, stat} from 'node:fs/promises';
import {basename, resolve} from 'node:path';
import {TlsKitError} from '../errors.js';
import type {Library, Target} from '../model.js';
import {withElf} from './elf.js';
import {type Finding, inspectElf} from './inspect.js';
import {siblingsBeside} from './survey.js';

/**
 * The target that a user names by a path: a shared library, or an executable that has one linked in.
 * Throws FILE_UNREADABLE, NOT_A_LIBRARY, and NO_SYMBOLS where it has no function of these libraries.
 */
export async function targetFromFile(libraries: readonly Library[], path: string): Promise<Target> {
  const real = await realPathOf(resolve(path));
  const {findings, isStripped} = await withElf(real, async (elf) => ({
    findings: await inspectElf(libraries, basename(real), elf, siblingsBeside(real)),
    isStripped: elf.isStripped,
  }));
  const [best] = findings.filter(({traceable}) => traceable).sort((a, b) => b.functions.length - a.functions.length);
  if (!best) throw noSymbols(libraries, path, findings, isStripped);
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

function noSymbols(
  libraries: readonly Library[],
  path: string,
  findings: readonly Finding[],
  isStripped: boolean,
): TlsKitError {
  const names = libraries.map(
    ({title, functions}) =>
      `${title} (${functions
        .slice(0, 3)
        .map(({name}) => name)
        .join(', ')} …)`,
  );
  const reason = findings.find((finding) => finding.reason !== undefined)?.reason;
  const why =
    reason ??
    (isStripped
      ? 'What it does not export has no name: it is stripped'
      : 'It is not stripped, so it does not have them');
  return new TlsKitError('NO_SYMBOLS', `${path} defines no function of ${names.join(' or ')}. ${why}.`, [
    'See which libraries are in use: tls-kit targets',
    'A build that is not stripped can be traced.',
  ]);
}

import {posix} from 'node:path';
import Handlebars from 'handlebars';
import {TlsKitError} from '../errors.js';

/**
 * A piece of text that is safe in a script wherever it stands. Nothing else gets into one: the templates escape every other
 * value to something that bpftrace refuses. A script runs as root, so this file is the only door.
 */
export class Literal extends Handlebars.SafeString {}

/** A whole number, not negative. */
export function numberLiteral(value: number | bigint | string): Literal {
  const digits = String(value);
  if (!/^\d{1,20}$/.test(digits)) {
    throw new TlsKitError('BAD_VALUE', `"${digits}" is not a whole number.`, ['Use digits only.']);
  }
  return new Literal(digits);
}

/** A function's name: a C identifier, with the dots that versions and compilers add. */
export function symbolLiteral(name: string): Literal {
  if (!/^[A-Za-z_][A-Za-z0-9_.]{0,254}$/.test(name)) {
    throw new TlsKitError('UNSAFE_NAME', `${JSON.stringify(name)} cannot be the name of a function.`, [
      'Use letters, digits and underscores.',
    ]);
  }
  return new Literal(name);
}

/**
 * A path in an attach point, quotes included. bpftrace reads `*`, `?` and `[` as patterns even in quotes, unescapes a
 * backslash twice, and (0.17) splits at a colon: such paths are refused.
 */
export function pathLiteral(path: string): Literal {
  if (!isAttachable(path)) {
    throw new TlsKitError('UNSAFE_NAME', `bpftrace cannot attach to a path like ${JSON.stringify(path)}.`, [
      `Give the file a plain name as well, and trace that: ln ${shellQuoted(path)} ${plainPlaceNear(path)}`,
    ]);
  }
  return new Literal(`"${path}"`);
}

/** Whether bpftrace takes this path in an attach point: absolute, printable ASCII, none of `: * ? [ ] " \`. */
export function isAttachable(path: string): boolean {
  return /^\/[\x20-\x7e]*$/.test(path) && !/[:*?[\]"\\]/.test(path);
}

/**
 * A name in the nearest folder above that has a plain path. A hard link there is the same file to the kernel; a symbolic one
 * would be followed to the name that cannot be given.
 */
function plainPlaceNear(path: string): string {
  let folder = posix.dirname(path);
  while (!/^\/[\w./-]*$/.test(folder) && folder !== posix.dirname(folder)) folder = posix.dirname(folder);
  return posix.join(folder, 'traced.so');
}

/** A process's name in a comparison, quotes included: at most 15 bytes (TASK_COMM_LEN - 1 in linux/sched.h) of printable ASCII. */
export function commLiteral(comm: string): Literal {
  if (!/^[\x20-\x7e]{1,15}$/.test(comm)) {
    const why = comm.length > 15 ? 'the kernel keeps 15 characters of a name' : 'only printable ASCII can be compared';
    throw new TlsKitError('UNSAFE_NAME', `${JSON.stringify(comm)} cannot be a process's name here: ${why}.`, [
      'See the names with: ps -eo pid,comm',
      'Or choose by pid: -p PID',
    ]);
  }
  return new Literal(`"${comm.replaceAll(/["\\]/g, '\\$&')}"`);
}

/** Text inside a printed string: everything that bpftrace, JSON or a record would read as its own becomes `=XX`. */
export function printedLiteral(text: string): Literal {
  const bytes = Buffer.from(text, 'utf8');
  return new Literal([...bytes].map((byte) => (isPlain(byte) ? String.fromCharCode(byte) : hexEscape(byte))).join(''));
}

/** Text in a comment: one line of printable ASCII. */
export function commentLiteral(text: string): Literal {
  return new Literal(text.replaceAll(/[^\x20-\x7e]/g, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`));
}

function isPlain(byte: number): boolean {
  return byte >= 0x20 && byte <= 0x7e && !'"%=\\|'.includes(String.fromCharCode(byte));
}

function hexEscape(byte: number): string {
  return `=${byte.toString(16).padStart(2, '0')}`;
}

function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

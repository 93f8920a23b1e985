import {TlsKitError} from '../errors.js';
import type {Dialect} from '../model.js';

const words = {
  payload: 'words',
  words: 8,
  piece: 64,
  maxSnaplen: 16_384,
  readsTask: false,
  readsUser: true,
  canIterate: false,
  scriptBy: 'argument',
  ownPids: false,
} as const;
const chunks = {
  payload: 'chunks',
  words: 40,
  piece: 112,
  maxSnaplen: 65_536,
  readsTask: true,
  readsUser: true,
  canIterate: false,
  scriptBy: 'stdin',
  ownPids: false,
} as const;
const whole = {
  payload: 'whole',
  words: 32,
  piece: 65_536,
  maxSnaplen: 65_536,
  readsTask: true,
  readsUser: true,
  canIterate: true,
  scriptBy: 'stdin',
  ownPids: false,
} as const;
const perProcessor = {of: 'processor', pages: 2048} as const;
const shared = {of: 'machine', pages: 16_384} as const;

/**
 * What each bpftrace can do, oldest first. Sources: bpftrace's CHANGELOG.md, and runs of 0.11.3, 0.17.0, 0.23.2 and 0.27.1.
 * - `%rh` came with 0.17; before, payload travels as 64-bit words, and a format string holds 64 bytes.
 * - `buf()` took at most 200 bytes until 0.22, twice over on a stack of 512, then as much as `max_strlen`: before, payload travels
 *   as words, of which 40 fit in a record, and which bpftrace prints in a fourth of the time. 112 bytes hold the name of a Unix socket (unix(7): 108).
 * - Stripped builds before 0.16 (those of Ubuntu 22.04) cannot attach BEGIN.
 * - strftime came with 0.12, its microseconds with 0.14. `nsecs` counts from boot since 0.12.
 * - A script can go through the keys of a map since 0.22 (with `delete(@map, key)` of a key from such a loop).
 * - `uptr()` came with 0.12: before it, the buffers of system calls cannot be read.
 * - One ring for all processors since 0.19, where the kernel has it; config blocks since 0.20.
 * - 0.11 opens no pipe as a script; 0.17 and later do.
 * - `pid` is that of bpftrace's own pid namespace since 0.23.
 * - The line that says that all is attached came with 0.14 on standard error, and moved to standard output with 0.23.
 */
export const dialects: readonly Dialect[] = [
  {
    ...words,
    readsUser: false,
    name: '0.11',
    from: [0, 11],
    to: [0, 11],
    settings: 'environment',
    hasBegin: false,
    ready: 'links',
    hasStrftime: false,
    clock: 'monotonic',
    check: '-d',
    ring: perProcessor,
  },
  {
    ...words,
    name: '0.12',
    from: [0, 12],
    to: [0, 13],
    settings: 'environment',
    hasBegin: false,
    ready: 'links',
    hasStrftime: false,
    clock: 'boottime',
    check: '-d',
    ring: perProcessor,
  },
  {
    ...words,
    name: '0.14',
    from: [0, 14],
    to: [0, 15],
    settings: 'environment',
    hasBegin: false,
    ready: 'stderr',
    hasStrftime: true,
    clock: 'boottime',
    check: '-d',
    ring: perProcessor,
  },
  {
    ...words,
    name: '0.16',
    from: [0, 16],
    to: [0, 16],
    settings: 'environment',
    hasBegin: true,
    ready: 'stderr',
    hasStrftime: true,
    clock: 'boottime',
    check: '-d',
    ring: perProcessor,
  },
  {
    ...chunks,
    name: '0.17',
    from: [0, 17],
    to: [0, 18],
    settings: 'environment',
    hasBegin: true,
    ready: 'stderr',
    hasStrftime: true,
    clock: 'boottime',
    check: '-d',
    ring: perProcessor,
  },
  {
    ...chunks,
    name: '0.19',
    from: [0, 19],
    to: [0, 19],
    settings: 'environment',
    hasBegin: true,
    ready: 'stderr',
    hasStrftime: true,
    clock: 'boottime',
    check: '-d',
    ring: shared,
  },
  {
    ...chunks,
    name: '0.20',
    from: [0, 20],
    to: [0, 21],
    settings: 'config',
    hasBegin: true,
    ready: 'stderr',
    hasStrftime: true,
    clock: 'boottime',
    check: '-d',
    ring: shared,
  },
  {
    ...whole,
    name: '0.22',
    from: [0, 22],
    to: [0, 22],
    settings: 'config',
    hasBegin: true,
    ready: 'stderr',
    hasStrftime: true,
    clock: 'boottime',
    check: '--dry-run',
    ring: shared,
  },
  {
    ...whole,
    name: '0.23',
    from: [0, 23],
    to: [0, 27],
    settings: 'config',
    hasBegin: true,
    ready: 'stdout',
    hasStrftime: true,
    clock: 'boottime',
    check: '--dry-run',
    ownPids: true,
    ring: shared,
  },
];

/**
 * The dialect for what `bpftrace --version` printed, or for a version typed by the user (`0.20`, `v0.17.0`).
 * A version newer than all known ones gets the newest dialect. Throws when it is too old, or no version.
 */
export function dialectOf(version: string): Dialect {
  const match = /v?(\d+)\.(\d+)/.exec(version);
  if (!match) {
    throw new TlsKitError('BAD_VALUE', `"${version}" is no bpftrace version.`, [
      'Give it like this: --bpftrace-version 0.20',
    ]);
  }
  const wanted = [Number(match[1]), Number(match[2])] as const;
  const found = dialects.findLast(({from}) => isAtLeast(wanted, from));
  if (!found) {
    throw new TlsKitError('BPFTRACE_TOO_OLD', `bpftrace ${match[0]} is too old: tls-kit needs 0.11 or later.`, [
      'Install a newer bpftrace, and name it with --bpftrace PATH.',
    ]);
  }
  return found;
}

function isAtLeast(version: readonly [number, number], other: readonly [number, number]): boolean {
  return version[0] > other[0] || (version[0] === other[0] && version[1] >= other[1]);
}

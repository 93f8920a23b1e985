/** OpenSSL installations to test against: this machine's, and those in folders to chroot into (TLS_KIT_TEST_ROOTS, or ~/.cache/roots). */
import {execFileSync} from 'node:child_process';
import {existsSync} from 'node:fs';
import {homedir} from 'node:os';
import {join} from 'node:path';
import type {OpenSslRelease} from '../../src/connections/openssl/releases.js';

export interface Installation {
  /** The release whose tables speak for it. */
  readonly release: OpenSslRelease;
  readonly root: string;
  /** Why it can't be used; absent when it can. */
  readonly absent?: string;
}

const folder = process.env.TLS_KIT_TEST_ROOTS ?? join(homedir(), '.cache', 'roots');

export const installations: readonly Installation[] = [
  usable('3.0', '/'),
  usable('1.1.1', join(folder, 'bullseye')),
  usable('3.5', join(folder, 'trixie')),
  usable('3.6', join(folder, 'sid')),
];

/** The words that run a program there. */
export function inside({root}: Installation, ...words: string[]): [file: string, args: string[]] {
  const [file, ...args] = (root === '/' ? words : ['chroot', root, ...words]) as [string, ...string[]];
  return [file, args];
}

function usable(release: OpenSslRelease, root: string): Installation {
  if (root !== '/' && process.getuid?.() !== 0) return {release, root, absent: 'chroot needs root'};
  if (!existsSync(join(root, 'usr/bin/openssl'))) return {release, root, absent: `no OpenSSL ${release} in ${root}`};
  const version = execFileSync(...inside({release, root}, 'openssl', 'version'), {encoding: 'utf8'});
  return version.startsWith(`OpenSSL ${release}`)
    ? {release, root}
    : {release, root, absent: `${root} has ${version.trim()}`};
}

/**
 * Who this process is. What needs root is bpftrace (and its keeper) alone: started by sudo, tls-kit is the caller again before
 * it reads a byte from the wire. Root without sudo has no user to become, and stays root.
 */
import {execa} from 'execa';
import type {Caller} from './engine/command.js';
import {TlsKitError} from './errors.js';

/** Does something as another user, as far as files are concerned: what it opens is opened with his rights and belongs to him. */
export function asUser<T>(user: Caller | undefined, act: () => T): T {
  if (!user) return act();
  const groups = process.getgroups?.() ?? [];
  const gid = process.getegid?.() ?? 0;
  takeGroups(user);
  process.setegid?.(user.gid);
  process.seteuid?.(user.uid);
  try {
    return act();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(gid);
    process.setgroups?.(groups);
  }
}

/** Becomes a user for good: real, effective and saved, with his groups. There is no way back, see setuid(2). */
export function giveUpRoot(user: Caller): void {
  takeGroups(user);
  process.setgid?.(user.gid);
  process.setuid?.(user.uid);
}

/** All groups of a user: initgroups(3), which the types of Node.js lack. */
function takeGroups({name, gid}: Caller): void {
  (process as unknown as {initgroups(name: string, gid: number): void}).initgroups(name, gid);
}

/** Lets sudo ask for a password now, where it can be typed. Throws NOT_ROOT. */
export async function unlockSudo(): Promise<void> {
  const {failed} = await execa('sudo', ['-v'], {stdio: 'inherit', reject: false});
  if (!failed) return;
  throw new TlsKitError('NOT_ROOT', 'sudo does not let this user run bpftrace.', ['See what it allows: sudo -l']);
}

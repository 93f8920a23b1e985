import {TlsKitError} from './errors.js';
import {dialectOf} from './scripts/dialects.js';
import {type Machine, readMachine} from './targets/index.js';

/** The version of the bpftrace that would run. Throws when there is none that works. */
export async function requireBpftrace(bpftrace: string): Promise<string> {
  return checkBpftrace((await readMachine(bpftrace)).bpftrace);
}

/**
 * The version of the bpftrace that would run, on a machine where it can trace.
 * @param typed the words of the command line, for the sudo line to type.
 * @param needs `sudo`: bpftrace will be run by it, so this process need not be root. `pids`: the script will compare pids.
 */
export async function requireMachine(
  bpftrace: string,
  typed: readonly string[],
  {sudo = false, pids = false}: {readonly sudo?: boolean; readonly pids?: boolean} = {},
): Promise<string> {
  const machine = await readMachine(bpftrace);
  if (!machine.isRoot && !sudo) {
    throw new TlsKitError('NOT_ROOT', 'Tracing needs root.', [`Type: sudo ${typed.map(shellWord).join(' ')}`]);
  }
  if (!machine.isInitialUserNamespace) {
    throw new TlsKitError(
      'CANNOT_TRACE',
      'This root is one of a user namespace, which the kernel lets trace nothing.',
      ['Run it outside of this container, or start that without a user namespace of its own'],
    );
  }
  const version = checkBpftrace(machine.bpftrace);
  if (machine.tracefs === undefined) {
    throw new TlsKitError('NO_TRACEFS', 'tracefs is not mounted, so the kernel shows no tracepoints.', [
      'Type: sudo mount -t tracefs tracefs /sys/kernel/tracing',
    ]);
  }
  if (pids && !machine.isInitialPidNamespace && !dialectOf(version).ownPids) {
    throw new TlsKitError(
      'CANNOT_TRACE',
      `In a container, bpftrace ${version} knows processes by other pids than you: it would find none.`,
      [
        'Run it on the host, or start the container with --pid=host',
        'Or name processes by -c NAME, -u USER or --cgroup PATH, or use bpftrace 0.23 or later',
      ],
    );
  }
  return version;
}

function checkBpftrace({name, path, version, error}: Machine['bpftrace']): string {
  if (path === undefined) {
    throw new TlsKitError('NO_BPFTRACE', `There is no ${name} on this machine.`, [
      'Install it: sudo apt-get install bpftrace (Debian, Ubuntu), sudo dnf install bpftrace (Fedora)',
      'Or name one: --bpftrace PATH',
      'For another machine: tls-kit gen --bpftrace-version 0.20',
    ]);
  }
  if (version === undefined) {
    throw new TlsKitError('BPFTRACE_BROKEN', `${path} does not work: it ${error}.`, [
      `See what it says: ${path} --version`,
      'Or name another: --bpftrace PATH',
    ]);
  }
  return version;
}

/** A word as a shell takes it back. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

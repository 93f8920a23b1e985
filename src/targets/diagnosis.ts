import type {Machine} from './machine.js';

/** One line of what doctor says. */
export interface Check {
  readonly check: string;
  readonly status: 'fail' | 'ok' | 'warn';
  readonly found: string;
  /** Where the status is not ok. */
  readonly nextStep?: string;
}

/**
 * What a machine's facts mean for tracing. Pure.
 * @param dialect the name of the dialect for this bpftrace; absent where there is none.
 */
export function diagnose(machine: Machine, dialect: string | undefined): readonly Check[] {
  return [
    processor(machine),
    kernel(machine),
    privileges(machine),
    lockedMemory(machine),
    uprobes(machine),
    tracefs(machine),
    types(machine, dialect),
    lockdown(machine),
    bpftrace(machine, dialect),
    headers(machine, dialect),
    setpriv(machine),
    taskset(machine),
    pidNamespace(machine),
  ];
}

const ok = (check: string, found: string): Check => ({check, status: 'ok', found});
const warn = (check: string, found: string, nextStep: string): Check => ({check, status: 'warn', found, nextStep});
const fail = (check: string, found: string, nextStep: string): Check => ({check, status: 'fail', found, nextStep});

function processor({architecture, isKnownArchitecture, onlineProcessors}: Machine): Check {
  const found = `${onlineProcessors} of ${architecture}`;
  if (isKnownArchitecture) return ok('processors', found);
  return fail('processors', found, 'Trace on a 64-bit machine: x64 or arm64.');
}

/** Loops in BPF programs came with 5.3 (Linux commit 2589726d12a1); some distributions brought them to older kernels. */
function kernel({kernel}: Machine): Check {
  const [major = 0, minor = 0] = kernel.split('.').map(Number);
  if (major > 5 || (major === 5 && minor >= 3)) return ok('kernel', kernel);
  return warn('kernel', kernel, 'Should bpftrace refuse the script, use Linux 5.3 or later, or --snaplen 0.');
}

function privileges({isRoot, capabilities, isInitialUserNamespace}: Machine): Check {
  const has = (name: Machine['capabilities'][number]) => capabilities.includes(name);
  const found = `${isRoot ? 'root' : 'not root'} with ${capabilities.join(', ') || 'none of the capabilities'}`;
  if (!isRoot) return fail('privileges', found, 'Run it as root: sudo tls-kit doctor');
  if (!isInitialUserNamespace)
    return fail('privileges', 'root of a user namespace only', 'Run it outside of that: sudo tls-kit doctor');
  if (has('CAP_SYS_ADMIN') || (has('CAP_BPF') && has('CAP_PERFMON'))) return ok('privileges', found);
  return fail('privileges', found, 'Run it outside of this container, or start that with --privileged --pid=host.');
}

/** Seen as root without it: bpftrace says "couldn't set RLIMIT_MEMLOCK" at every start, and works. Since 5.11 BPF needs no limit. */
function lockedMemory({capabilities}: Machine): Check {
  if (capabilities.includes('CAP_SYS_RESOURCE')) return ok('locked memory', 'may be raised');
  return warn(
    'locked memory',
    'CAP_SYS_RESOURCE is missing: bpftrace will say so',
    'Harmless since Linux 5.11; before, raise the limit: ulimit -l unlimited',
  );
}

function uprobes({hasUprobes}: Machine): Check {
  if (hasUprobes) return ok('uprobes', 'available');
  return fail('uprobes', 'missing', 'Use a kernel with CONFIG_UPROBE_EVENTS=y: grep UPROBE /boot/config-$(uname -r)');
}

function tracefs({tracefs, hasTracefsInDebugfs, bpftrace}: Machine): Check {
  if (tracefs === undefined) return fail('tracefs', 'not mounted', 'sudo mount -t tracefs tracefs /sys/kernel/tracing');
  // bpftrace looks in /sys/kernel/tracing since 0.17 only.
  const isOld = /^0\.(\d|1[0-6])(\.|$)/.test(bpftrace.version ?? '');
  if (!isOld || hasTracefsInDebugfs) return ok('tracefs', tracefs);
  return fail(
    'tracefs',
    tracefs,
    `bpftrace ${bpftrace.version} looks elsewhere: sudo mount -t debugfs debugfs /sys/kernel/debug`,
  );
}

/** Without them 0.27 refuses tracepoints, and 0.23 where it finds no headers of the kernel: tried. */
function types({hasBtf}: Machine, dialect: string | undefined): Check {
  if (hasBtf) return ok('kernel types (BTF)', '/sys/kernel/btf/vmlinux: peers by nested, declared, matched');
  if (dialect === '0.23') {
    const nextStep = 'Use a kernel with CONFIG_DEBUG_INFO_BTF=y, or bpftrace 0.17: tls-kit trace --bpftrace PATH';
    return fail('kernel types (BTF)', 'missing, and this bpftrace needs them', nextStep);
  }
  const nextStep =
    "Peers are known only of connections made while tls-kit watches, and threads are shown by their own names, not their process's. A kernel with CONFIG_DEBUG_INFO_BTF=y has BTF.";
  return warn('kernel types (BTF)', 'missing', nextStep);
}

/** The level confidentiality forbids BPF to read memory: LOCKDOWN_BPF_READ_KERNEL in linux/security.h. */
function lockdown({lockdown}: Machine): Check {
  if (lockdown !== 'confidentiality') return ok('kernel lockdown', lockdown ?? 'none that the kernel tells of');
  return fail(
    'kernel lockdown',
    lockdown,
    'Start the kernel without lockdown=confidentiality (see /proc/cmdline), or trace elsewhere.',
  );
}

function bpftrace({bpftrace}: Machine, dialect: string | undefined): Check {
  const {name, path, version, error} = bpftrace;
  if (path === undefined) {
    return fail(
      'bpftrace',
      `${name}: not found`,
      'sudo apt-get install bpftrace (dnf and apk have it, too), or --bpftrace PATH',
    );
  }
  if (version === undefined)
    return fail('bpftrace', `${path} ${error}`, `Try it by hand: ${path} --version, or name another: --bpftrace PATH`);
  if (dialect === undefined) {
    return fail('bpftrace', `${path} ${version}`, 'Too old: install 0.11 or later, and name it: --bpftrace PATH');
  }
  return ok('bpftrace', `${path} ${version}, scripts in the dialect of ${dialect}`);
}

/** Seen: 0.11 reads tracepoints by way of the kernel's headers for programs, and fails without them. */
function headers({hasKernelHeaders}: Machine, dialect: string | undefined): Check {
  if (hasKernelHeaders) return ok('kernel headers', '/usr/include/linux');
  if (dialect !== '0.11') return ok('kernel headers', 'missing, and not needed');
  return fail('kernel headers', 'missing, and bpftrace 0.11 needs them', 'sudo apt-get install linux-libc-dev');
}

/** What keeps bpftrace cannot do without it: bpftrace must end when tls-kit does. */
function setpriv({setpriv}: Machine): Check {
  return setpriv === undefined
    ? fail('setpriv', 'not found', 'sudo apt-get install util-linux')
    : ok('setpriv', setpriv);
}

/** Marks the end of each processor's ring: without it the marks may all come from one. */
function taskset({taskset}: Machine): Check {
  return taskset === undefined
    ? warn('taskset', 'not found', 'sudo apt-get install util-linux')
    : ok('taskset', taskset);
}

function pidNamespace({isInitialPidNamespace}: Machine): Check {
  if (isInitialPidNamespace) return ok('pid namespace', "the machine's own");
  const nextStep =
    'Processes outside of it are not seen, and before bpftrace 0.23 pids differ: run on the host, or with --pid=host.';
  return warn('pid namespace', 'that of a container', nextStep);
}

import {access, readFile, readlink} from 'node:fs/promises';
import {release} from 'node:os';
import {here} from './architectures.js';
import {type Bpftrace, readBpftrace} from './bpftrace-version.js';
import {findCommand} from './find-command.js';
import {readMounts} from './mounts.js';

/** What this machine has, as found: diagnose says what it means. */
export interface Machine {
  readonly kernel: string;
  /** Node.js's name of the processor, and whether tls-kit can read its libraries. */
  readonly architecture: string;
  readonly isKnownArchitecture: boolean;
  readonly isRoot: boolean;
  /** The effective ones of those that tracing needs. */
  readonly capabilities: readonly Capability[];
  /** Root of a user namespace of its own has its capabilities there only: BPF asks for those of the machine. */
  readonly isInitialUserNamespace: boolean;
  readonly hasBtf: boolean;
  /** Where tracefs is mounted; absent when it is not. */
  readonly tracefs?: string;
  /** It is seen below debugfs as well, where old programs look. */
  readonly hasTracefsInDebugfs: boolean;
  readonly hasUprobes: boolean;
  /** The level of kernel lockdown; absent where the kernel does not tell. */
  readonly lockdown?: string;
  readonly perfEventParanoid?: number;
  readonly bpftrace: Bpftrace;
  readonly setpriv?: string;
  readonly taskset?: string;
  readonly isInitialPidNamespace: boolean;
  readonly onlineProcessors: number;
  readonly hasKernelHeaders: boolean;
}

/** Bits of CapEff in /proc/PID/status, from linux/capability.h. */
const capabilityBits = {
  CAP_SYS_PTRACE: 19,
  CAP_SYS_ADMIN: 21,
  CAP_SYS_RESOURCE: 24,
  CAP_PERFMON: 38,
  CAP_BPF: 39,
} as const;

export type Capability = keyof typeof capabilityBits;

const inDebugfs = '/sys/kernel/debug/tracing';
/** A mount point without the mount is an empty directory. */
const tracefsPlaces = ['/sys/kernel/tracing', inDebugfs];

/** Looks at what tracing needs. Never throws for what is missing. */
export async function readMachine(bpftracePath = 'bpftrace'): Promise<Machine> {
  const bpftrace = readBpftrace(bpftracePath); // it takes longest
  const mounts = (await readMounts('self')).filter(({type}) => type === 'tracefs');
  // Only root may look into it; below debugfs it gets mounted when somebody looks.
  const isMounted = async (place: string) =>
    mounts.some(({point}) => point === place) || (await isThere(`${place}/events`));
  const places = await only(tracefsPlaces, isMounted);
  const [tracefs] = places;
  const [status, lockdown, paranoid, setpriv, taskset] = await Promise.all([
    textOf('/proc/self/status'),
    textOf('/sys/kernel/security/lockdown'),
    textOf('/proc/sys/kernel/perf_event_paranoid'),
    findCommand('setpriv', process.env),
    findCommand('taskset', process.env),
  ]);
  const level = /\[(\w+)\]/.exec(lockdown ?? '')?.[1];
  return {
    kernel: release(),
    architecture: process.arch,
    isKnownArchitecture: here !== undefined,
    isRoot: process.geteuid?.() === 0,
    capabilities: capabilitiesIn(status ?? ''),
    hasBtf: await isThere('/sys/kernel/btf/vmlinux'),
    ...(tracefs !== undefined && {tracefs}),
    hasTracefsInDebugfs: places.includes(inDebugfs),
    hasUprobes: await hasUprobes(places),
    ...(level !== undefined && {lockdown: level}),
    ...(paranoid !== undefined && {perfEventParanoid: Number(paranoid)}),
    bpftrace: await bpftrace,
    ...(setpriv !== undefined && {setpriv}),
    ...(taskset !== undefined && {taskset}),
    // A kernel without user namespaces has no such file.
    isInitialUserNamespace: [undefined, initialUserNamespace].includes(
      await readlink('/proc/self/ns/user').catch(() => undefined),
    ),
    isInitialPidNamespace: (await readlink('/proc/self/ns/pid')) === initialPidNamespace,
    onlineProcessors: countOf((await textOf('/sys/devices/system/cpu/online')) ?? ''),
    hasKernelHeaders: await isThere('/usr/include/linux/types.h'),
  };
}

/** PROC_PID_INIT_INO and PROC_USER_INIT_INO in linux/proc_ns.h: the same on every kernel. */
const initialPidNamespace = 'pid:[4026531836]';
const initialUserNamespace = 'user:[4026531837]';

export function capabilitiesIn(status: string): readonly Capability[] {
  const effective = BigInt(`0x${/^CapEff:\t([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  const names = Object.keys(capabilityBits) as Capability[];
  return names.filter((name) => (effective >> BigInt(capabilityBits[name])) & 1n);
}

/** How many numbers a list such as `0-3,6` holds: see cpuset(7). */
export function countOf(list: string): number {
  const ranges = [...list.matchAll(/(\d+)(?:-(\d+))?/g)];
  return ranges.reduce((sum, [, first, last]) => sum + Number(last ?? first) - Number(first) + 1, 0);
}

async function hasUprobes(tracefs: readonly string[]): Promise<boolean> {
  const places = ['/sys/bus/event_source/devices/uprobe', ...tracefs.map((place) => `${place}/uprobe_events`)];
  return (await only(places, isThere)).length > 0;
}

async function only(paths: readonly string[], test: (path: string) => Promise<boolean>): Promise<readonly string[]> {
  const results = await Promise.all(paths.map(test));
  return paths.filter((_, index) => results[index]);
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Undefined where there is no such file, or it is not for us: both are unknown. */
async function textOf(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined);
}

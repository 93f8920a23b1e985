import {readFile, readlink} from 'node:fs/promises';
import type {Process} from '../model.js';
import {absent} from './absence.js';

/** What /proc shows of a process. What cannot be read, because it has gone or is another user's, is absent. */
export async function readProcess(pid: number): Promise<Process> {
  const [status, comm, exe, cmdline, cgroups, startedAtMs] = await Promise.all([
    textOf(pid, 'status'),
    textOf(pid, 'comm'),
    readlink(`/proc/${pid}/exe`).catch(absent),
    textOf(pid, 'cmdline'),
    textOf(pid, 'cgroup'),
    readStart(pid),
  ]);
  const ppid = numberIn(status, /^PPid:\t(\d+)$/m);
  const uid = numberIn(status, /^Uid:\t(\d+)/m);
  const argv = cmdline?.replace(/\0+$/, '');
  const cgroup = /^0::(.*)$/m.exec(cgroups ?? '')?.[1];
  return {
    pid,
    ...(ppid !== undefined && {ppid}),
    ...(uid !== undefined && {uid}),
    ...(comm !== undefined && {comm: comm.replace(/\n$/, '')}),
    ...(exe !== undefined && {exe}),
    ...(argv && {argv: argv.split('\0')}),
    ...(cgroup !== undefined && {cgroup}),
    ...(startedAtMs !== undefined && {startedAtMs}),
  };
}

/** The id of the container that a process runs in, shortened to twelve digits as container tools show it. */
export async function readContainer(pid: number): Promise<string | undefined> {
  return containerIn((await textOf(pid, 'cgroup')) ?? '');
}

/**
 * Finds a container in the text of /proc/PID/cgroup: Docker, containerd, CRI-O and Podman all put its id, 64 hexadecimal
 * digits, into the name of its cgroup; LXC puts its name.
 */
export function containerIn(cgroups: string): string | undefined {
  const ids = [...cgroups.matchAll(/(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])/g)];
  return ids.at(-1)?.[0].slice(0, 12) ?? /\/lxc(?:\.payload\.|\/)([^/\n]+)/.exec(cgroups)?.[1];
}

/** The process that a thread belongs to: its own number, for a process. */
export async function readThreadGroup(pid: number): Promise<number | undefined> {
  return numberIn(await textOf(pid, 'status'), /^Tgid:\t(\d+)$/m);
}

/** USER_HZ: the same 100 on every machine that traces (include/asm-generic/param.h, see proc_pid_stat(5)). */
const ticksPerSecond = 100;

/** When a process started: field 22 of /proc/PID/stat, in ticks since the time of boot that /proc/stat tells in seconds. */
async function readStart(pid: number): Promise<number | undefined> {
  const [stat, machine] = await Promise.all([textOf(pid, 'stat'), readFile('/proc/stat', 'utf8').catch(absent)]);
  // The name is in parentheses and may hold any character, a parenthesis too: fields are counted from its end.
  const ticks = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  const bootS = numberIn(machine, /^btime (\d+)$/m);
  if (ticks === undefined || bootS === undefined) return undefined;
  return bootS * 1000 + (Number(ticks) * 1000) / ticksPerSecond;
}

function numberIn(text: string | undefined, pattern: RegExp): number | undefined {
  const digits = pattern.exec(text ?? '')?.[1];
  return digits === undefined ? undefined : Number(digits);
}

async function textOf(pid: number, file: string): Promise<string | undefined> {
  return readFile(`/proc/${pid}/${file}`, 'utf8').catch(absent);
}

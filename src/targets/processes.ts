import {stat} from 'node:fs/promises';
import {join} from 'node:path';
import type {Filters, Process} from '../model.js';
import {readMounts} from './mounts.js';
import {readProcess} from './process.js';
import {listPids} from './survey.js';

/** The processes that exist now and that filters let through: as in the kernel, kinds are joined by and, values by or. */
export async function findProcesses(filters: Filters): Promise<readonly Process[]> {
  const all = await readProcesses();
  const [commandPid] = filters.pids;
  const descendants = filters.descendants && commandPid !== undefined ? descendantsIn(all, commandPid) : [];
  const pids = [...filters.pids, ...descendants];
  const cgroupIds = filters.cgroups.flatMap(({ids}) => ids);
  const mount = (await readMounts('self')).find(({type}) => type === 'cgroup2');
  const matches = await Promise.all(
    all.map(async ({pid, comm, uid, cgroup}) => {
      if (pids.length > 0 && !pids.includes(pid)) return false;
      if (filters.comms.length > 0 && (comm === undefined || !filters.comms.includes(comm))) return false;
      if (filters.uids.length > 0 && (uid === undefined || !filters.uids.includes(uid))) return false;
      if (filters.cgroups.length === 0) return true;
      return (
        mount !== undefined && cgroup !== undefined && cgroupIds.includes((await idOf(join(mount.point, cgroup))) ?? '')
      );
    }),
  );
  return all.filter((_, index) => matches[index]);
}

/** The children of a process, their children, and so on, as they are now. One whose parent ended belongs to init. */
export async function descendantsOf(pid: number): Promise<readonly number[]> {
  return descendantsIn(await readProcesses(), pid);
}

function descendantsIn(processes: readonly Process[], ancestor: number): readonly number[] {
  // A set, since pids are used again while /proc is read: two may claim to be each other's parent.
  const found = new Set([ancestor]);
  for (const parent of found) {
    for (const {pid, ppid} of processes) if (ppid === parent) found.add(pid);
  }
  found.delete(ancestor);
  return [...found];
}

/** A process that ended meanwhile has no parent any more, and is left out. */
async function readProcesses(): Promise<readonly Process[]> {
  const processes = await Promise.all((await listPids()).map(readProcess));
  return processes.filter(({ppid}) => ppid !== undefined);
}

async function idOf(cgroup: string): Promise<string | undefined> {
  return stat(cgroup, {bigint: true}).then(
    ({ino}) => String(ino),
    () => undefined,
  );
}

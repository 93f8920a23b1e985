import {readdir, stat, statfs} from 'node:fs/promises';
import {join, resolve} from 'node:path';
import {TlsKitError} from '../errors.js';
import {absent} from './absence.js';
import {readMounts} from './mounts.js';

/** CGROUP2_SUPER_MAGIC in linux/magic.h. */
const cgroup2 = 0x63677270;

/**
 * The ids of a cgroup (version 2) and of all below it, as they are now: what bpf_get_current_cgroup_id() gives is the inode number
 * of the directory (kernfs ids on 64-bit kernels, include/linux/kernfs.h). Takes a directory, or a path as in /proc/PID/cgroup.
 * Throws BAD_VALUE, and CANNOT_TRACE where cgroups of version 2 are not mounted.
 */
export async function idsOfCgroup(path: string): Promise<readonly string[]> {
  const mount = (await readMounts('self')).find(({type}) => type === 'cgroup2');
  if (!mount) {
    throw new TlsKitError('CANNOT_TRACE', 'This machine has no cgroups of version 2 mounted.', [
      'Choose by process instead: --pid, --comm or --uid',
      'Or mount them: sudo mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified',
    ]);
  }
  const ways = [...(path.startsWith('/') ? [resolve(path)] : []), join(mount.point, path)];
  for (const way of ways) {
    if (await isCgroup(way)) return idsBelow(way);
  }
  throw new TlsKitError('BAD_VALUE', `${JSON.stringify(path)} is not a cgroup of version 2.`, [
    `Name a directory below ${mount.point}: --cgroup ${join(mount.point, 'system.slice')}`,
    'See the cgroup of a process: cat /proc/PID/cgroup (the line that begins with 0::)',
  ]);
}

async function isCgroup(path: string): Promise<boolean> {
  const [stats, fileSystem] = await Promise.all([stat(path).catch(absent), statfs(path).catch(absent)]);
  return stats?.isDirectory() === true && fileSystem?.type === cgroup2;
}

/** Cgroups come and go with the processes in them: one that has gone has no id. */
async function idsBelow(folder: string): Promise<readonly string[]> {
  const stats = await stat(folder, {bigint: true}).catch(absent);
  const entries = await readdir(folder, {withFileTypes: true}).catch(absent);
  if (!stats || !entries) return [];
  const folders = entries.filter((entry) => entry.isDirectory()).map(({name}) => join(folder, name));
  return [String(stats.ino), ...(await Promise.all(folders.map(idsBelow))).flat()];
}

import {createHash} from 'node:crypto';
import {type BigIntStats, createReadStream} from 'node:fs';
import {stat, statfs} from 'node:fs/promises';
import {pipeline} from 'node:stream/promises';
import {absent} from './absence.js';
import {findMount, layersOf} from './mounts.js';

/** OVERLAYFS_SUPER_MAGIC in linux/magic.h. */
const overlay = 0x794c7630;

/**
 * Names the file that the kernel attaches a probe to: equal for two paths exactly when a probe on one fires for both.
 * Everywhere but on overlayfs that is device and inode. There each container shows a device of its own for a file of a shared
 * layer, and the inode number of the layer even after the file was copied up (both seen on 6.18), so the layers are asked; where
 * these are out of sight, inode number, size and content decide.
 * @param file `reach` is a path to it from here; `seen` is who sees it by which path, absent where it has no path any more.
 */
export async function identify(file: {reach: string; stats: BigIntStats; seen?: Seen | undefined}): Promise<string> {
  const {reach, stats, seen} = file;
  if ((await statfs(reach)).type !== overlay) return `${stats.dev}:${stats.ino}`;
  return (seen && (await inLayers(seen, stats))) ?? `content ${stats.ino} ${stats.size} ${await digestOf(reach)}`;
}

/** A process, whose mounts count, and a path as it sees it. */
export interface Seen {
  readonly pid: number | 'self';
  readonly path: string;
}

/** The file in the topmost layer that has it: overlayfs shows that one. */
async function inLayers({pid, path}: Seen, stats: BigIntStats): Promise<string | undefined> {
  const mount = await findMount(pid, path);
  if (mount?.type !== 'overlay') return undefined;
  const {upper, lower} = layersOf(mount);
  for (const layer of [...upper, ...lower]) {
    const here = await stat(layer + mount.rest, {bigint: true}).catch(absent);
    if (!here?.isFile()) continue;
    // A directory that happens to have this name here is not the layer.
    const isIt = here.size === stats.size && (upper.includes(layer) || here.ino === stats.ino);
    return isIt ? `${here.dev}:${here.ino}` : undefined;
  }
  return undefined;
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

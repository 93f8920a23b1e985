import type {BigIntStats} from 'node:fs';
import {stat} from 'node:fs/promises';
import {absent} from './absence.js';
import {identify, type Seen} from './identity.js';
import type {Mapping} from './maps.js';

/** A file that is at hand: how processes name it, and how we reach it. */
export interface ReachedFile {
  readonly path: string;
  readonly attachPath: string;
  /** The better, the less it depends on a process that may end: 0 our own path, 1 by a process's root, 2 by its mapping. */
  readonly rank: number;
  /** Equal for two files exactly when a probe on one fires for the other: see identify. */
  readonly identity: string;
}

/**
 * Finds a way from here to the very file that a process has mapped: by the path itself, through the root of the process (another
 * mount namespace, a chroot), or through its mapping (the file was replaced or deleted). Undefined where there is none, or where
 * it is no regular file.
 */
export async function reachMappedFile(pid: number, mapping: Mapping): Promise<ReachedFile | undefined> {
  const byMapping = `/proc/${pid}/map_files/${mapping.range}`;
  const mapped = await statOf(byMapping);
  const ways = [mapping.path, `/proc/${pid}/root${mapping.path}`, byMapping];
  for (const [rank, way] of ways.entries()) {
    const stats = await statOf(way);
    if (!stats?.isFile() || !isSame(stats, mapped, mapping)) continue;
    if (!isAttachable(way) && rank < 2 && mapped) continue;
    const {path} = mapping;
    const seen = [{pid: 'self', path} as const, {pid, path}][rank];
    const identity = await identify({reach: way, stats, seen}).catch(absent);
    if (identity !== undefined) return {path, attachPath: way, rank, identity};
  }
  return undefined;
}

/** A file by a path of our own. */
export async function reachFile(path: string): Promise<ReachedFile | undefined> {
  const stats = await statOf(path);
  if (!stats?.isFile()) return undefined;
  const identity = await identify({reach: path, stats, seen: seenAt(path)}).catch(absent);
  return identity === undefined ? undefined : {path, attachPath: path, rank: 0, identity};
}

/** Reads a path that was made by reachMappedFile. */
function seenAt(path: string): Seen | undefined {
  const [, pid, way, inside = ''] = /^\/proc\/(\d+)\/(root|map_files)(\/.*)$/s.exec(path) ?? [];
  if (way === undefined) return {pid: 'self', path};
  return way === 'root' ? {pid: Number(pid), path: inside} : undefined;
}

/** Whoever may not follow map_files (it takes CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN) compares with what maps says. */
function isSame(stats: BigIntStats, mapped: BigIntStats | undefined, mapping: Mapping): boolean {
  if (mapped) return stats.dev === mapped.dev && stats.ino === mapped.ino;
  return !mapping.isDeleted && stats.ino === mapping.inode;
}

/** bpftrace reads patterns, quotes, colons and backslashes in a path, quoted or not: a mapping's path has none. */
function isAttachable(path: string): boolean {
  return /^[\x20-\x7e]+$/.test(path) && !/[:*?[\]"'\\]/.test(path);
}

async function statOf(path: string): Promise<BigIntStats | undefined> {
  return stat(path, {bigint: true}).catch(absent);
}

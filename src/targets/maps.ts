import {readFile} from 'node:fs/promises';

/** One line of /proc/PID/maps that shows a file: see proc_pid_maps(5). */
export interface Mapping {
  /** Start and end as in the names of /proc/PID/map_files. */
  readonly range: string;
  readonly isExecutable: boolean;
  /** Device (major:minor, hexadecimal) and inode of the file. On btrfs and overlayfs the device is not that of stat(2). */
  readonly device: string;
  readonly inode: bigint;
  /** Without what the kernel appends for a file that has gone. */
  readonly path: string;
  readonly isDeleted: boolean;
}

/**
 * Reads which files a process maps. Throws what reading /proc throws: ENOENT or ESRCH (gone), EACCES.
 */
export async function readMaps(pid: number): Promise<readonly Mapping[]> {
  return parseMaps(await readFile(`/proc/${pid}/maps`, 'utf8'));
}

/**
 * The lines that show a file by an absolute path. A path is the rest of its line: spaces are its own. The kernel writes a line
 * feed in it as `\012`, and nothing else in disguise (seq_file_path in fs/seq_file.c, called from fs/proc/task_mmu.c), so that a
 * name with these four characters in it cannot be told from one with a line feed; who uses the path compares inodes.
 */
export function parseMaps(text: string): readonly Mapping[] {
  return text.split('\n').flatMap((line) => parseLine(line) ?? []);
}

const linePattern = /^([0-9a-f]+-[0-9a-f]+) ..(.). [0-9a-f]+ ([0-9a-f]+:[0-9a-f]+) (\d+) +(\/.*)$/s;
const deleted = ' (deleted)';

function parseLine(line: string): Mapping | undefined {
  const [, range, execute, device, inode, rest] = linePattern.exec(line) ?? [];
  if (range === undefined || device === undefined || inode === undefined || rest === undefined) return undefined;
  const isDeleted = rest.endsWith(deleted);
  const path = (isDeleted ? rest.slice(0, -deleted.length) : rest).replaceAll('\\012', '\n');
  return {range: withoutZeros(range), isExecutable: execute === 'x', device, inode: BigInt(inode), path, isDeleted};
}

/** map_files names have no leading zeros (`%lx-%lx` in fs/proc/base.c); maps pads to eight digits. */
function withoutZeros(range: string): string {
  return range.replaceAll(/\b0+(?=[0-9a-f])/g, '');
}

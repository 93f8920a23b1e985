import {readFile} from 'node:fs/promises';
import {absent} from './absence.js';

/** A line of /proc/PID/mountinfo: see proc_pid_mountinfo(5). */
export interface Mount {
  /** The directory of the mounted file system that is its root. */
  readonly root: string;
  readonly point: string;
  readonly type: string;
  /** The options of the file system, as written. */
  readonly options: string;
}

/** The mount that a path of a process is on, and the path inside the mounted file system. */
export async function findMount(
  pid: number | 'self',
  path: string,
): Promise<(Mount & {readonly rest: string}) | undefined> {
  const on = (await readMounts(pid)).filter(({point}) => isBelow(path, point));
  // Of two mounts on one point, the later covers the earlier.
  const mount = on.reduce<Mount | undefined>(
    (best, one) => (best && best.point.length > one.point.length ? best : one),
    undefined,
  );
  return mount && {...mount, rest: `/${mount.root}/${path.slice(mount.point.length)}`.replaceAll(/\/+/g, '/')};
}

/** All mounts of a process; none when it has gone or is not ours to see. */
export async function readMounts(pid: number | 'self'): Promise<readonly Mount[]> {
  return parseMounts((await readFile(`/proc/${pid}/mountinfo`, 'utf8').catch(absent)) ?? '');
}

export function parseMounts(text: string): readonly Mount[] {
  return text.split('\n').flatMap((line) => {
    const [own = '', fileSystem = ''] = line.split(' - ', 2);
    const [, , , root, point] = own.split(' ');
    const [type, , options = ''] = fileSystem.split(' ');
    if (root === undefined || point === undefined || type === undefined || type === '') return [];
    return [{root: withoutEscapes(root), point: withoutEscapes(point), type, options: withoutEscapes(options)}];
  });
}

/** The directories that an overlay is made of, topmost first. Relative ones, whose start is not known, are left out. */
export function layersOf({options}: Pick<Mount, 'options'>): {upper: readonly string[]; lower: readonly string[]} {
  const valuesOf = (pattern: RegExp) =>
    [...options.matchAll(pattern)]
      .flatMap(([, value = '']) => value.split(/(?<!\\):/))
      .map((value) => value.replaceAll(/\\(.)/g, '$1'))
      .filter((value) => value !== '');
  const [upper, lower] = [valuesOf(/(?:^|,)upperdir=([^,]*)/g), valuesOf(/(?:^|,)(?:lowerdir|datadir)\+?=([^,]*)/g)];
  const isKnown = [...upper, ...lower].every((layer) => layer.startsWith('/'));
  return isKnown ? {upper, lower} : {upper: [], lower: []};
}

function isBelow(path: string, point: string): boolean {
  return point === '/' || path === point || path.startsWith(`${point}/`);
}

/** The kernel writes space, tab, line feed and backslash as three octal digits (mangle in fs/proc_namespace.c). */
function withoutEscapes(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

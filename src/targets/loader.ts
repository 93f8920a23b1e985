import {readdir} from 'node:fs/promises';
import {dirname, join, resolve} from 'node:path';
import {execa} from 'execa';
import {TlsKitError} from '../errors.js';
import {absent} from './absence.js';
import {here} from './architectures.js';
import {type Elf, withElf} from './elf.js';

/** What decides which file the loader takes for a name. */
export interface Loader {
  /** LD_LIBRARY_PATH and LD_PRELOAD of the process to be. */
  readonly folders: readonly string[];
  readonly preloaded: readonly string[];
  /** Each library in /etc/ld.so.cache, by its name. */
  readonly cache: ReadonlyMap<string, readonly string[]>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** What the loader would go by. Separators as in ld.so(8); an empty folder is the current one. */
export async function readLoader(env: Environment): Promise<Loader> {
  const folders = env.LD_LIBRARY_PATH ? env.LD_LIBRARY_PATH.split(/[:;]/) : [];
  const preloaded = (env.LD_PRELOAD ?? '').split(/[: ]/).filter((name) => name !== '');
  return {
    folders: folders.map((folder) => resolve(expand(folder, process.cwd()))),
    preloaded,
    cache: await readCache(),
  };
}

/** Where the loader looks at last, with the folders of Debian and its relatives, and those of musl. */
export const defaultFolders: readonly string[] = [
  ...(here ? [`/lib/${here.triplet}`, `/usr/lib/${here.triplet}`] : []),
  '/lib64',
  '/usr/lib64',
  '/lib',
  '/usr/lib',
  '/usr/local/lib',
];

/**
 * The paths of an executable and of all libraries that the loader maps for it, in the order of ld.so(8): RPATH of the file and of
 * those that asked for it, unless it has a RUNPATH; LD_LIBRARY_PATH; RUNPATH; the cache; the default folders. Files for another
 * processor are passed over, as by the loader.
 */
export async function walkNeeded(loader: Loader, executable: string): Promise<readonly string[]> {
  const found = new Map<string, string>();
  const queue: {path: string; elf: Elf; rpath: readonly string[]}[] = [];
  const enter = async (path: string, inherited: readonly string[]): Promise<boolean> => {
    const elf = await readHeader(path);
    if (!elf) return false;
    const own = elf.runpath.length > 0 ? [] : elf.rpath.map((folder) => expand(folder, dirname(path)));
    queue.push({path, elf, rpath: [...own, ...inherited]});
    return true;
  };
  if (await enter(executable, [])) found.set(executable, executable);
  for (let each = queue.shift(); each; each = queue.shift()) {
    const names = each.path === executable ? [...loader.preloaded, ...each.elf.needed] : each.elf.needed;
    for (const name of names.filter((one) => !found.has(one))) {
      for (const path of candidates(loader, name, each)) {
        if (!(await enter(path, each.rpath))) continue;
        found.set(name, path);
        break;
      }
    }
  }
  return [...new Set(found.values())];
}

function candidates(
  loader: Loader,
  name: string,
  asker: {path: string; elf: Elf; rpath: readonly string[]},
): readonly string[] {
  const origin = dirname(asker.path);
  if (name.includes('/')) return [resolve(expand(name, origin))];
  const runpath = asker.elf.runpath.map((folder) => expand(folder, origin));
  const first = asker.elf.runpath.length > 0 ? [] : asker.rpath;
  const inFolders = (folders: readonly string[]) => folders.map((folder) => join(folder, name));
  return [
    ...inFolders([...first, ...loader.folders, ...runpath]),
    ...(loader.cache.get(name) ?? []),
    ...inFolders(defaultFolders),
  ];
}

/** What stands for `$ORIGIN`, `$LIB` and `$PLATFORM` in a path, see ld.so(8). */
function expand(path: string, origin: string): string {
  const values: Record<string, string> = {
    ORIGIN: origin,
    LIB: here ? `lib/${here.triplet}` : 'lib',
    PLATFORM: here?.platform ?? '',
  };
  return path.replaceAll(
    /\$(?:\{(\w+)\}|(ORIGIN|LIB|PLATFORM))/g,
    (all, braced, bare) => values[braced ?? bare] ?? all,
  );
}

/** The header of a file that can be loaded here; undefined where there is none. */
async function readHeader(path: string): Promise<Elf | undefined> {
  try {
    return await withElf(path, async (elf) => elf);
  } catch (error) {
    if (error instanceof TlsKitError) return undefined;
    throw error;
  }
}

/** Reads the cache by way of ldconfig(8). musl has neither: an empty map. */
async function readCache(): Promise<ReadonlyMap<string, readonly string[]>> {
  const env = {PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin`, LC_ALL: 'C'};
  const {stdout} = await execa('ldconfig', ['-p'], {env, reject: false});
  return parseCache(stdout ?? '');
}

/** Lines such as `libssl.so.3 (libc6,x86-64) => /lib/x86_64-linux-gnu/libssl.so.3`: one name may come several times. */
export function parseCache(text: string): ReadonlyMap<string, readonly string[]> {
  const paths = new Map<string, string[]>();
  for (const [, name = '', path = ''] of text.matchAll(/^\t(\S+) \([^)]*\) => (\/.*)$/gm)) {
    paths.set(name, [...(paths.get(name) ?? []), path]);
  }
  return paths;
}

/** Every file that the loader could be asked for by name: what dlopen(3) finds. */
export async function loadableFiles(loader: Loader): Promise<readonly string[]> {
  const inFolders = await Promise.all([...loader.folders, ...defaultFolders].map(listFolder));
  return [...new Set([...inFolders.flat(), ...[...loader.cache.values()].flat()])];
}

/** A folder that is not there is passed over, as by the loader. */
async function listFolder(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch(absent);
  return (names ?? []).map((name) => join(folder, name));
}

import {readdir, readlink} from 'node:fs/promises';
import {basename, dirname, join} from 'node:path';
import type {Library, Target} from '../model.js';
import {absent} from './absence.js';
import {type Finding, inspectFile} from './inspect.js';
import {type ReachedFile, reachMappedFile} from './mapped-file.js';
import {type Mapping, readMaps} from './maps.js';
import {readContainer} from './process.js';
import type {Siblings} from './version.js';

/** A file that was looked into once, and the processes that have it. */
export interface Surveyed {
  file: ReachedFile;
  readonly findings: readonly Finding[];
  readonly pids: Set<number>;
  readonly containers: Set<string | undefined>;
}

/**
 * Goes through processes and looks once into each file that they run code from. Processes that end meanwhile, or are not ours to
 * see, are passed over.
 */
export class Survey {
  readonly #files = new Map<string, Surveyed>();
  /** What a mapping leads to: the same file in the same mount namespace is reached once. */
  readonly #reached = new Map<string, Surveyed>();

  constructor(private readonly libraries: readonly Library[]) {}

  get files(): readonly Surveyed[] {
    return [...this.#files.values()].filter(({findings}) => findings.length > 0);
  }

  /** Gives the files of this process in which something was found. */
  async add(pid: number): Promise<readonly Surveyed[]> {
    const namespace = await readlink(`/proc/${pid}/ns/mnt`).catch(absent);
    const mappings = ((await readMaps(pid).catch(absent)) ?? []).filter(({isExecutable}) => isExecutable);
    const container = mappings.length > 0 ? await readContainer(pid) : undefined;
    const files = new Set<Surveyed>();
    for (const mapping of uniqueFiles(mappings)) {
      const {device, inode, path, isDeleted} = mapping;
      const key = `${namespace ?? pid} ${device} ${inode} ${isDeleted} ${path}`;
      const surveyed = this.#reached.get(key) ?? (await this.#look(pid, mapping, mappings));
      if (!surveyed) continue;
      this.#reached.set(key, surveyed);
      if (surveyed.findings.length === 0) continue;
      surveyed.pids.add(pid);
      surveyed.containers.add(container);
      files.add(surveyed);
    }
    return [...files];
  }

  /** Adds a file that no process needs to have. */
  async addFile(file: ReachedFile): Promise<Surveyed | undefined> {
    return this.#enter(file, siblingsBeside(file.path));
  }

  async #look(pid: number, mapping: Mapping, mappings: readonly Mapping[]): Promise<Surveyed | undefined> {
    const file = await reachMappedFile(pid, mapping);
    const surveyed = file && (await this.#enter(file, siblingsIn(pid, mappings)));
    if (surveyed || !(await isStillMapped(pid, mapping))) return surveyed;
    return this.#enterUnreachable(mapping);
  }

  async #enter(file: ReachedFile, siblings: Siblings): Promise<Surveyed | undefined> {
    const known = this.#files.get(file.identity);
    if (known) {
      if (file.rank < known.file.rank) known.file = file;
      return known;
    }
    const findings = await inspectFile(this.libraries, file, siblings);
    if (!findings) return undefined;
    const surveyed = {file, findings, pids: new Set<number>(), containers: new Set<string | undefined>()};
    this.#files.set(file.identity, surveyed);
    return surveyed;
  }

  /** A TLS library by its name, and nothing else is known: better said than passed over. */
  #enterUnreachable({device, inode, path}: Mapping): Surveyed | undefined {
    const findings = this.libraries
      .filter(({fileName}) => fileName.test(basename(path)))
      .map((library): Finding => {
        const missing = library.functions.map(({name}) => name);
        const reason =
          'The file that the process has mapped was replaced or is in another mount namespace, and only root reaches it';
        return {library: library.name, linkage: 'shared', functions: [], missing, traceable: false, reason};
      });
    if (findings.length === 0) return undefined;
    const file = {path, attachPath: path, rank: 2, identity: `unreachable ${device} ${inode} ${path}`};
    const surveyed = this.#files.get(file.identity) ?? {
      file,
      findings,
      pids: new Set<number>(),
      containers: new Set<string>(),
    };
    this.#files.set(file.identity, surveyed);
    return surveyed;
  }
}

/** All processes, by number. */
export async function listPids(): Promise<readonly number[]> {
  const names = await readdir('/proc');
  return names.filter((name) => /^\d+$/.test(name)).map(Number);
}

/** One target for each library that was found in a file. */
export function toTargets({file, findings, pids, containers}: Surveyed): readonly Target[] {
  const {path, attachPath} = file;
  const [container] = containers;
  return findings.map((finding) => ({
    ...finding,
    path,
    attachPath,
    pids: [...pids].sort((a, b) => a - b),
    ...(containers.size === 1 && container !== undefined && {container}),
  }));
}

/** A file that cannot be reached may just have been unmapped, or its process ended. */
async function isStillMapped(pid: number, {range, inode}: Mapping): Promise<boolean> {
  const mappings = await readMaps(pid).catch(absent);
  return mappings?.some((one) => one.range === range && one.inode === inode) ?? false;
}

function uniqueFiles(mappings: readonly Mapping[]): readonly Mapping[] {
  return [...new Map(mappings.map((one) => [`${one.device} ${one.inode} ${one.path}`, one])).values()];
}

/** Of the libraries that a process has mapped, the one of this name: maybe with more of the version, after links were followed. */
function siblingsIn(pid: number, mappings: readonly Mapping[]): Siblings {
  return async (needed) => {
    const mapping = mappings.find(({path}) => basename(path) === needed || basename(path).startsWith(`${needed}.`));
    return mapping && (await reachMappedFile(pid, mapping))?.attachPath;
  };
}

/** The library in the same folder. */
export function siblingsBeside(path: string): Siblings {
  return async (needed) => join(dirname(path), basename(needed));
}

import {access} from 'node:fs/promises';
import {basename} from 'node:path';
import {TlsKitError} from './errors.js';
import {libraries} from './libraries/index.js';
import type {Filters, FoundCompanion, Library, Script, Target} from './model.js';
import {peerWords} from './peers.js';
import {
  findTargets,
  idsOfCgroup,
  loaderTargets,
  requireCommand,
  targetFromFile,
  targetsOfCommand,
  uidOf,
} from './targets/index.js';

/** What a user asked for, as the flags say it. */
export interface Request {
  readonly what: readonly string[];
  readonly pids: readonly number[];
  readonly comms: readonly string[];
  readonly users: readonly string[];
  readonly cgroups: readonly string[];
  readonly libs: readonly string[];
  /** Remote ends, as `createPeerTest` reads them. */
  readonly peers: readonly string[];
  readonly snaplen: number;
  readonly durationS?: number;
  /** A command to start and trace. */
  readonly command?: readonly string[];
  /** For another machine: a library named need not be here. */
  readonly isForElsewhere?: boolean;
}

/** A request with all that it named found, and its script. */
export interface Prepared {
  readonly script: Script;
  readonly filters: Filters;
  readonly targets: readonly Target[];
}

/**
 * The filters that the kernel applies. A command's own pid comes first. Throws USAGE where socket calls would be those of
 * every process: what carries the trace away would be traced too.
 */
export async function resolveFilters(request: Request, commandPid?: number): Promise<Filters> {
  const {pids, comms, users, cgroups} = request;
  const isForEveryone = commandPid === undefined && [pids, comms, users, cgroups].every(({length}) => length === 0);
  if (isForEveryone && request.what.includes('sockets')) {
    throw new TlsKitError('USAGE', 'Whose socket calls?', [
      'Name processes: -p PID, -c NAME, -u USER or --cgroup PATH',
      'Or start a command: tls-kit trace sockets -- curl http://localhost:8080',
    ]);
  }
  return {
    pids: commandPid === undefined ? request.pids : [commandPid, ...request.pids],
    comms: request.comms,
    uids: await Promise.all(request.users.map(uidOf)),
    cgroups: await Promise.all(request.cgroups.map(async (path) => ({path, ids: await idsOfCgroup(path)}))),
    descendants: commandPid !== undefined,
    ...(request.peers.length > 0 && {peers: peerWords(request.peers)}),
  };
}

/**
 * The libraries to probe: those named; else those that the command needs; else those that the named processes have;
 * else those of every process, and those that the loader would give to the next one.
 */
export async function resolveTargets(request: Request): Promise<readonly Target[]> {
  const wanted = librariesOf(request.what);
  if (request.command) await requireCommand(request.command[0] ?? '', process.env);
  if (wanted.length === 0) return [];
  if (request.libs.length > 0)
    return Promise.all(request.libs.map((path) => namedTarget(wanted, path, request.isForElsewhere ?? false)));
  if (request.command) return (await targetsOfCommand(wanted, request.command, process.env)).targets;
  if (request.pids.length > 0) return findTargets(wanted, {pids: request.pids});
  const [mapped, loadable] = await Promise.all([findTargets(wanted), loaderTargets(wanted, process.env)]);
  return [...mapped, ...loadable.filter(({attachPath}) => !mapped.some((other) => other.attachPath === attachPath))];
}

/** The libraries to probe. Handshakes alone are looked for inside of those that tell why one failed; socket calls in none. */
export function librariesOf(what: readonly string[]): readonly Library[] {
  const named = libraries.filter(({name}) => what.includes(name));
  if (named.length > 0 || !what.includes('handshakes')) return named;
  return libraries.filter(({companion}) => companion !== undefined);
}

/** A library named for another machine, and not here: it is taken to have the functions that every version has. */
async function namedTarget(wanted: readonly Library[], path: string, mayBeElsewhere: boolean): Promise<Target> {
  const isHere = await access(path).then(
    () => true,
    () => false,
  );
  if (isHere || !mayBeElsewhere) return targetFromFile(wanted, path);
  const name = basename(path);
  const library = wanted.find(({fileName}) => fileName.test(name)) ?? (wanted[0] as Library);
  const isOld = ({since}: {since?: string}) => since === undefined;
  return {
    library: library.name,
    path,
    attachPath: path,
    linkage: 'shared',
    functions: library.functions.filter(isOld).map((each) => each.name),
    missing: library.functions.filter((each) => !isOld(each)).map((each) => each.name),
    ...companionElsewhere(library, path),
    pids: [],
    traceable: true,
  };
}

/** The companion of a shared library that is not here lies beside it; before 3.0, OpenSSL raised errors by another function. */
function companionElsewhere({companion}: Library, path: string): {companion?: FoundCompanion} {
  if (!companion || !/libssl\.so/.test(path)) return {};
  const isOld = /\.so\.1(\.|$)/.test(path);
  const functions = companion.functions.filter(
    ({deed}) => !['place', 'raise', 'put'].includes(deed) || (deed === 'put') === isOld,
  );
  return {
    companion: {
      attachPath: path.replace(/libssl(?=\.so[^/]*$)/, 'libcrypto'),
      functions: functions.map(({name}) => name),
    },
  };
}

/** Whether the kernel tells its types (BTF, CONFIG_DEBUG_INFO_BTF). */
export async function hasBtf(): Promise<boolean> {
  return access('/sys/kernel/btf/vmlinux').then(
    () => true,
    () => false,
  );
}

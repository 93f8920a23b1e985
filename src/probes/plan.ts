import {TlsKitError} from '../errors.js';
import type {
  Deed,
  Filters,
  Library,
  PlannedCompanion,
  PlannedFunction,
  PlannedTarget,
  ProbePlan,
  Target,
} from '../model.js';

/** What a user asked for, and what was found. */
export interface PlanRequest {
  readonly what: readonly string[];
  readonly libraries: readonly Library[];
  readonly targets: readonly Target[];
  readonly filters: Filters;
  readonly snaplen: number;
  /** Handshakes are looked for on the wire too: then there need be no library. */
  readonly readsWire: boolean;
  readonly btf: boolean;
  /** As on x86-64, where it is not said. */
  readonly hasDup2?: boolean;
  readonly durationS?: number;
}

const hundreds: Record<Deed, number> = {
  receive: 100,
  send: 200,
  peek: 300,
  guard: 400,
  forget: 500,
  handshake: 600,
  shutdown: 700,
  side: 800,
  declare: 900,
  adopt: 1000,
};

/**
 * Joins what was asked for with what was found into a checked plan.
 * Throws NO_LIBRARY where nothing is left to probe.
 */
export function makePlan(request: PlanRequest): ProbePlan {
  const numbered = numberFunctions(request.libraries);
  const targets = request.targets
    .filter(({traceable}) => traceable)
    .map((target) => planTarget(target, numbered, request.libraries));
  const sockets = request.what.includes('sockets');
  if (targets.length === 0 && !request.readsWire && !sockets) {
    throw new TlsKitError('NO_LIBRARY', 'There is no TLS library to probe.', [
      'See what this machine has: tls-kit targets',
      'Or name a library or an executable: --lib PATH',
    ]);
  }
  const {what, filters, snaplen, readsWire, btf, hasDup2 = true, durationS} = request;
  const showsData = request.libraries.some(({name}) => what.includes(name));
  return {
    what,
    targets,
    filters,
    sockets,
    snaplen,
    showsData,
    readsWire,
    btf,
    hasDup2,
    ...(durationS !== undefined && {durationS}),
  };
}

/** A function's number is the same in every script: hundreds tell what it does, the rest counts through the data files. */
function numberFunctions(libraries: readonly Library[]): ReadonlyMap<string, readonly PlannedFunction[]> {
  const next = {...hundreds};
  const number = (deed: Deed) => {
    next[deed] += 1;
    return next[deed];
  };
  return new Map(
    libraries.map(({name, functions}) => [name, functions.map((each) => ({...each, id: number(each.deed)}))]),
  );
}

function planTarget(
  target: Target,
  numbered: ReadonlyMap<string, readonly PlannedFunction[]>,
  libraries: readonly Library[],
): PlannedTarget {
  const {library, path, attachPath, version, missing} = target;
  const functions = (numbered.get(library) ?? []).filter(({name}) => target.functions.includes(name));
  const known = libraries.find(({name}) => name === library);
  const companion = planCompanion(target, known);
  return {
    library,
    path,
    attachPath,
    functions,
    missing,
    ...(version !== undefined && {version}),
    ...(target.carries && known?.carriedBy && {carrier: known.carriedBy.calls}),
    ...(companion && {companion}),
  };
}

function planCompanion({companion}: Target, library: Library | undefined): PlannedCompanion | undefined {
  const known = library?.companion?.functions ?? [];
  const functions = known.filter(({name}) => companion?.functions.includes(name));
  return companion && functions.length > 0 ? {attachPath: companion.attachPath, functions} : undefined;
}

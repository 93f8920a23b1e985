import type {Library, Target} from '../model.js';
import {reachFile} from './mapped-file.js';
import {Survey, type Surveyed, toTargets} from './survey.js';

/** What was found out for one list of probed targets, so that asking again and again looks into each file once. */
interface Known {
  readonly survey: Survey;
  readonly probed: readonly {readonly target: Target; readonly identity: string | undefined}[];
}

const knownOf = new WeakMap<readonly Target[], Promise<Known>>();

/**
 * The TLS libraries that a process has and that are not among the probed: none where the process has gone. Cheap to ask many times
 * with the same list.
 */
export async function unprobedLibraries(
  libraries: readonly Library[],
  pid: number,
  probed: readonly Target[],
): Promise<readonly Target[]> {
  const known = knownOf.get(probed) ?? learn(libraries, probed);
  knownOf.set(probed, known);
  const {survey, probed: identified} = await known;
  const files = await survey.add(pid);
  return files.flatMap((file) => toTargets(file).filter((target) => !isProbed(target, file, identified)));
}

async function learn(libraries: readonly Library[], probed: readonly Target[]): Promise<Known> {
  const identify = async (target: Target) => ({target, identity: (await reachFile(target.attachPath))?.identity});
  return {survey: new Survey(libraries), probed: await Promise.all(probed.map(identify))};
}

function isProbed(target: Target, {file}: Surveyed, probed: Known['probed']): boolean {
  return probed.some(({target: other, identity}) => {
    if (other.library !== target.library) return false;
    // The process through which the file was reached may have ended: then name and build id must do.
    const looksTheSame = other.path === target.path && other.buildId === target.buildId;
    return identity === undefined ? looksTheSame : identity === file.identity;
  });
}

import {realpath} from 'node:fs/promises';
import {basename} from 'node:path';
import type {Library, Target} from '../model.js';
import {absent} from './absence.js';
import {type Loader, loadableFiles, readLoader} from './loader.js';
import {type ReachedFile, reachFile} from './mapped-file.js';
import {Survey, type Surveyed, toTargets} from './survey.js';

/**
 * The TLS libraries that the loader would give to a program that asks for them by name, now or later: those in LD_LIBRARY_PATH,
 * in the loader's cache and in its folders. Python, for one, is linked to none, and loads libssl by its _ssl module.
 */
export async function loaderTargets(
  libraries: readonly Library[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<readonly Target[]> {
  return targetsInFiles(libraries, [], await namedLikeTls(libraries, await readLoader(env)));
}

/** The files that the loader may find and that have the name of a TLS library. */
export async function namedLikeTls(libraries: readonly Library[], loader: Loader): Promise<readonly string[]> {
  const files = await loadableFiles(loader);
  return files.filter(
    (path) => basename(path).includes('.so') && libraries.some(({fileName}) => fileName.test(basename(path))),
  );
}

/**
 * The targets in files, each underlying file once; only what can be traced, since nobody may ever load the others.
 * @param needed files that will be mapped, whatever they are; `loadable` those that may be, as the TLS library they are named for
 * (libgnutls-openssl imitates another).
 */
export async function targetsInFiles(
  libraries: readonly Library[],
  needed: readonly string[],
  loadable: readonly string[],
): Promise<readonly Target[]> {
  const survey = new Survey(libraries);
  const certain = await addAll(survey, needed);
  const possible = (await addAll(survey, loadable)).filter((file) => !certain.includes(file));
  const targets = [
    ...certain.flatMap(toTargets),
    ...possible.flatMap(toTargets).filter(({linkage}) => linkage === 'shared'),
  ];
  return firstOfEachName(targets.filter(({traceable}) => traceable));
}

/** Of files with one SONAME, the loader takes the first that it finds (ld.so(8)): files come in its order. */
function firstOfEachName(targets: readonly Target[]): readonly Target[] {
  const isFirst = ({soname}: Target, index: number) =>
    soname === undefined || targets.findIndex((other) => other.soname === soname) === index;
  return targets.filter(isFirst);
}

async function addAll(survey: Survey, paths: readonly string[]): Promise<readonly Surveyed[]> {
  const files = new Set<Surveyed>();
  for (const path of paths) {
    const file = await reachRealFile(path);
    const surveyed = file && (await survey.addFile(file));
    if (surveyed) files.add(surveyed);
  }
  return [...files];
}

async function reachRealFile(path: string): Promise<ReachedFile | undefined> {
  const real = await realpath(path).catch(absent);
  return real === undefined ? undefined : reachFile(real);
}

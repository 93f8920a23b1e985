/** The recorded scripts before the bpftrace that they are for. */
import {readFileSync} from 'node:fs';
import {basename} from 'node:path';
import type {Test} from 'tap';
import {checkScript} from '../../src/engine/engine.js';
import {companionPath, goldensOf, pathIn} from '../scripts/golden.js';
import {beside} from './programs.js';

/**
 * Lets a bpftrace check each script that is recorded for its version.
 * @param libraryPaths where the libraries are, in place of where the scripts take them to be
 */
export async function checkGoldens(
  t: Test,
  bpftrace: string,
  version: string,
  libraryPaths: Readonly<Record<string, string>>,
): Promise<void> {
  for (const {path, library, render} of goldensOf(version)) {
    const recorded = readFileSync(path, 'utf8');
    const libraryPath = libraryPaths[library.name] as string;
    const text = recorded.replaceAll(pathIn(library), libraryPath).replaceAll(companionPath, beside(libraryPath));
    const said = await checkScript({...render(), text}, bpftrace).catch((error: Error) => error.message);
    t.strictSame(said, [], `bpftrace ${version} accepts ${basename(path)}`);
  }
}

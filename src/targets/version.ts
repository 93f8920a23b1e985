import {TlsKitError} from '../errors.js';
import type {Library} from '../model.js';
import {type Elf, withElf} from './elf.js';
import {isReadOnlyData} from './read-only-data.js';

/** Finds a library that a file needs, by the name it needs it by. */
export type Siblings = (needed: string) => Promise<string | undefined>;

export interface Version {
  readonly version?: string;
  readonly variant?: string;
}

/**
 * The version that a library states in its strings, and which of its relatives it is. libgnutls.so.30 and libssl.so.1.1 state it
 * themselves. libssl.so.3 does not: the string is in the libcrypto.so.3 that was built with it (strings(1) on 3.0.19; the symbol
 * versions, OPENSSL_3.0.0, tell only since when a function is there). So the libraries that it needs are asked next.
 */
export async function readVersion(library: Library, elf: Elf, siblings: Siblings): Promise<Version> {
  const own = await versionIn(library, elf);
  if (own) return own;
  for (const needed of elf.needed.filter((name) => !everyones.test(name))) {
    const path = await siblings(needed);
    const its = path === undefined ? undefined : await versionInFile(library, path);
    if (its) return its;
  }
  return {};
}

/** Libraries of the system, which no TLS library shares its version with. */
const everyones = /^(?:ld-|lib(?:c|dl|gcc_s|m|pthread|rt|stdc\+\+)[.-])/;

async function versionIn(library: Library, elf: Elf): Promise<Version | undefined> {
  const variants = library.variants ?? [];
  const patterns = [library.versionString, ...variants.map(({versionString}) => versionString)];
  const [own, ...others] = await elf.findText(patterns, isReadOnlyData);
  // A relative often says, for compatibility, which version of the original it resembles.
  const index = others.findIndex((text) => text !== undefined);
  const version = index < 0 ? own : others[index];
  if (version === undefined) return undefined;
  const variant = variants[index]?.name;
  return {...(/\d/.test(version) && {version}), ...(variant !== undefined && {variant})};
}

async function versionInFile(library: Library, path: string): Promise<Version | undefined> {
  try {
    return await withElf(path, (elf) => versionIn(library, elf));
  } catch (error) {
    // A version is for people to read: without this file it is unknown.
    if (error instanceof TlsKitError) return undefined;
    throw error;
  }
}

import {basename} from 'node:path';
import {TlsKitError} from '../errors.js';
import type {FoundCompanion, Library, Target} from '../model.js';
import {type Elf, withElf} from './elf.js';
import {isReadOnlyData} from './read-only-data.js';
import {readVersion, type Siblings} from './version.js';

/** What a file has of one TLS library: a target, but for who uses it and how it is reached. */
export type Finding = Omit<Target, 'attachPath' | 'container' | 'path' | 'pids'>;

/**
 * Looks for TLS libraries in a file: those it is, and those linked into it. Undefined when it cannot be read (any more).
 * @param name how processes call the file; `attachPath` is where it is read.
 * @param siblings where the libraries are that this one needs: OpenSSL 3 keeps its version in libcrypto alone.
 */
export async function inspectFile(
  libraries: readonly Library[],
  file: {readonly path: string; readonly attachPath: string},
  siblings: Siblings,
): Promise<readonly Finding[] | undefined> {
  const name = basename(file.path);
  try {
    return await withElf(file.attachPath, (elf) => inspectElf(libraries, name, elf, siblings));
  } catch (error) {
    if (!(error instanceof TlsKitError)) throw error;
    if (error.errorCode === 'FILE_UNREADABLE') return undefined;
    return libraries
      .filter((library) => library.fileName.test(name))
      .map((library) => unreadable(library, error.message));
  }
}

/** The same for an open ELF file. Throws what reading it throws. */
export async function inspectElf(
  libraries: readonly Library[],
  name: string,
  elf: Elf,
  siblings: Siblings,
): Promise<readonly Finding[]> {
  const symbols = await elf.hasSymbols(
    libraries.flatMap(({functions, carriedBy}) => [
      ...functions.map((one) => one.name),
      ...(carriedBy ? [carriedBy.exports, carriedBy.calls] : []),
    ]),
  );
  const findings = [];
  for (const library of libraries) {
    const finding = await inspectFor(library, name, elf, symbols, siblings);
    if (finding) findings.push(finding);
  }
  return findings.length === 0 && (await isGoWithTls(elf)) ? [goTls(elf)] : findings;
}

function carries({carriedBy}: Library, symbols: ReadonlySet<string>): boolean {
  return carriedBy !== undefined && symbols.has(carriedBy.exports) && symbols.has(carriedBy.calls);
}

async function inspectFor(
  library: Library,
  name: string,
  elf: Elf,
  symbols: ReadonlySet<string>,
  siblings: Siblings,
): Promise<Finding | undefined> {
  const [functions, missing] = divide(library, symbols);
  const isNamed = library.fileName.test(name) || library.fileName.test(elf.soname ?? '');
  const needsIt = elf.needed.some((needed) => library.fileName.test(needed));
  const base = {
    library: library.name,
    linkage: isNamed ? 'shared' : 'static',
    functions,
    missing,
    ...(carries(library, symbols) && {carries: true}),
    ...identityOf(elf),
  } as const;
  if (canTrace(library, functions)) {
    const companion = await findCompanion(library, elf, siblings);
    return {
      ...base,
      ...(companion && {companion}),
      ...(await readVersion(library, elf, siblings)),
      traceable: true,
    };
  }
  // A wrapper (libgnutlsxx, libgnutls-dane) has a like name, and calls the library itself.
  if (needsIt) return undefined;
  if (isNamed)
    return {
      ...base,
      traceable: false,
      reason: `It has none of the functions of ${library.title}: its symbols are stripped`,
    };
  if (!isProgram(elf) || !(await hasTraces(library, elf))) return undefined;
  const reason = `${library.title} is linked in, but its function names were stripped, so probes have nothing to attach to`;
  return {...base, ...(await readVersion(library, elf, siblings)), traceable: false, reason};
}

/** The companion's functions: in the same file where it is linked in, else in the file that this one needs. */
async function findCompanion({companion}: Library, elf: Elf, siblings: Siblings): Promise<FoundCompanion | undefined> {
  if (!companion) return undefined;
  const names = companion.functions.map(({name}) => name);
  const own = await elf.hasSymbols(names);
  if (own.size > 0) return {attachPath: elf.path, functions: [...own]};
  const needed = elf.needed.find((name) => companion.fileName.test(name));
  const path = needed === undefined ? undefined : await siblings(needed);
  if (path === undefined) return undefined;
  try {
    return await withElf(path, async (beside) => ({
      attachPath: path,
      functions: [...(await beside.hasSymbols(names))],
    }));
  } catch (error) {
    // Without it, failures are told with less.
    if (error instanceof TlsKitError) return undefined;
    throw error;
  }
}

function divide({functions}: Library, symbols: ReadonlySet<string>): [string[], string[]] {
  const names = functions.map(({name}) => name);
  return [names.filter((name) => symbols.has(name)), names.filter((name) => !symbols.has(name))];
}

/** Functions that end sessions or only guard others show nothing by themselves. */
function canTrace(library: Library, present: readonly string[]): boolean {
  return library.functions.some(({name, deed}) => (deed === 'receive' || deed === 'send') && present.includes(name));
}

function identityOf({soname, buildId}: Elf): Pick<Finding, 'buildId' | 'soname'> {
  return {...(soname !== undefined && {soname}), ...(buildId !== undefined && {buildId})};
}

/** Something to run, as against a library: both may be position-independent. */
function isProgram({type, interpreter, soname, needed}: Elf): boolean {
  return type === 'executable' || interpreter !== undefined || (soname === undefined && needed.length === 0);
}

/** A stripped library still has its version, and the names of its functions for its own error messages. */
async function hasTraces({versionString, functions}: Library, elf: Elf): Promise<boolean> {
  const anyFunction = new RegExp(`\\0(?:${functions.map(({name}) => name).join('|')})\\0`);
  const texts = await elf.findText([versionString, anyFunction], isReadOnlyData);
  return texts.every((text) => text !== undefined);
}

/** Go names its functions in .gopclntab (for stack traces), also where the symbols are stripped. */
async function isGoWithTls(elf: Elf): Promise<boolean> {
  if (!elf.sections.includes('.go.buildinfo')) return false;
  const [method] = await elf.findText([/crypto\/tls\.\(\*Conn\)\.Write\0/], (section) =>
    section.endsWith('.gopclntab'),
  );
  return method !== undefined;
}

function goTls(elf: Elf): Finding {
  const reason = "It uses Go's own TLS (crypto/tls), which has no C functions to probe";
  return {library: 'go', linkage: 'static', functions: [], missing: [], ...identityOf(elf), traceable: false, reason};
}

function unreadable({name, functions}: Library, message: string): Finding {
  const missing = functions.map((one) => one.name);
  return {
    library: name,
    linkage: 'shared',
    functions: [],
    missing,
    traceable: false,
    reason: message.replace(/\.$/, ''),
  };
}

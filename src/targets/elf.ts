import {here, isOfThisMachine, titleOf} from './architectures.js';
import {BoundedFile, damaged} from './bounded-file.js';
import {type Dynamic, readBuildId, readDynamic, readInterpreter} from './elf-dynamic.js';
import {findSymbols} from './elf-symbols.js';
import {type ElfTables, readTables} from './elf-tables.js';
import {findText} from './elf-text.js';

/** What is read of an ELF file: see elf(5). Only files of this machine get this far. */
export interface Elf extends Dynamic {
  readonly path: string;
  readonly architecture: string;
  readonly type: 'executable' | 'other' | 'shared';
  readonly interpreter?: string;
  readonly buildId?: string;
  /** It has no .symtab: only what it exports still has a name. */
  readonly isStripped: boolean;
  readonly sections: readonly string[];
  /** Which of these functions it defines, in .dynsym or .symtab: where bpftrace looks, too. */
  hasSymbols(names: readonly string[]): Promise<ReadonlySet<string>>;
  /** For each pattern, what its first group (or all of it) matches first in the sections of these names, as Latin-1 text. */
  findText(
    patterns: readonly RegExp[],
    isWanted: (section: string) => boolean,
  ): Promise<readonly (string | undefined)[]>;
}

/**
 * Opens an ELF file for as long as `use` takes, and reads it in small pieces.
 * Throws NOT_A_LIBRARY for what is no ELF file, is for another processor, is cut short or damaged; FILE_UNREADABLE.
 */
export async function withElf<T>(path: string, use: (elf: Elf) => Promise<T>): Promise<T> {
  const file = await BoundedFile.open(path);
  try {
    return await use(await readElf(file));
  } finally {
    await file.close();
  }
}

async function readElf(file: BoundedFile): Promise<Elf> {
  const type = checkIdentity(file.path, await file.readUpTo(0, 64));
  const tables = await readTables(file);
  const [dynamic, interpreter, buildId] = [
    await readDynamic(file, tables),
    await readInterpreter(file, tables),
    await readBuildId(file, tables),
  ];
  return {
    ...dynamic,
    path: file.path,
    architecture: here?.title ?? '',
    type,
    ...(interpreter !== undefined && {interpreter}),
    ...(buildId !== undefined && {buildId}),
    isStripped: !hasSymbolTable(tables),
    sections: tables.sections.map(({name}) => name),
    hasSymbols: (names) => findSymbols(file, tables, names),
    findText: (patterns, isWanted) => findText(file, tables, patterns, isWanted),
  };
}

const types = {2: 'executable', 3: 'shared'} as const;

function checkIdentity(path: string, header: Buffer): Elf['type'] {
  if (header.length < 4 || header.readUInt32BE(0) !== 0x7f454c46) throw damaged(path, 'is not an ELF file');
  if (header.length < 64) throw damaged(path, 'is cut short or damaged');
  const isLittleEndian = header[5] !== 2;
  const read16 = (at: number) => (isLittleEndian ? header.readUInt16LE(at) : header.readUInt16BE(at));
  const kind = {machine: read16(18), bits: header[4] === 1 ? 32 : 64, isLittleEndian};
  if (!isOfThisMachine(kind)) {
    throw damaged(path, `is built for ${titleOf(kind)}, and this machine is ${here?.title ?? process.arch}`);
  }
  return types[read16(16) as keyof typeof types] ?? 'other';
}

function hasSymbolTable({sections}: ElfTables): boolean {
  return sections.some(({name}) => name === '.symtab');
}

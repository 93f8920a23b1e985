import {type BoundedFile, damaged, pieceBytes} from './bounded-file.js';
import {type ElfTables, numbers, type Section} from './elf-tables.js';

/** Values of `sh_type` in elf(5). */
const symbolTables = [11 /* SHT_DYNSYM */, 2 /* SHT_SYMTAB */];
const entryBytes = 24;
/** Values of `st_info & 15` in elf(5) and the GNU extensions to it: a function, and one that is chosen when loaded. */
const functionTypes = [2 /* STT_FUNC */, 10 /* STT_GNU_IFUNC */];
/** More than any linker writes: Chromium's largest, with all its symbols, stays under it. */
const maxTableBytes = 256 << 20;
const maxMatches = 4096;

/**
 * Which of these functions a file defines, by .dynsym and .symtab. The names are looked for first, in one pass over the string
 * table, and then the symbols that point at them: an executable of 100 MB takes some milliseconds.
 */
export async function findSymbols(
  file: BoundedFile,
  tables: ElfTables,
  names: readonly string[],
): Promise<Set<string>> {
  const found = new Set<string>();
  for (const type of symbolTables) {
    const symbols = tables.sections.find((section) => section.type === type);
    const strings = symbols && tables.sections[symbols.link];
    if (!symbols || !strings || names.length === 0) continue;
    const isReadable =
      symbols.entrySize === entryBytes && symbols.size <= maxTableBytes && strings.size <= maxTableBytes;
    if (!isReadable) throw damaged(file.path, 'is cut short or damaged');
    const positions = await positionsOf(file, strings, names);
    if (positions.size > 0) await addDefined(file, symbols, positions, found);
  }
  return found;
}

/** Where in a string table names stand. Linkers let a name be the tail of a longer one, so what stands before is no matter. */
async function positionsOf(
  file: BoundedFile,
  strings: Section,
  names: readonly string[],
): Promise<Map<number, string>> {
  const pattern = new RegExp(`(?:${names.map(escaped).join('|')})\\0`, 'g');
  const overlap = Math.max(...names.map(({length}) => length)) + 1;
  const positions = new Map<number, string>();
  for await (const {bytes, at} of file.pieces(strings.offset, strings.size, overlap)) {
    for (const match of bytes.toString('latin1').matchAll(pattern)) {
      positions.set(at + match.index, match[0].slice(0, -1));
      if (positions.size > maxMatches) throw damaged(file.path, 'is cut short or damaged');
    }
  }
  return positions;
}

/** Reads the symbols, see Elf64_Sym in elf(5): a defined one has a section and an address. */
async function addDefined(file: BoundedFile, symbols: Section, positions: Map<number, string>, found: Set<string>) {
  const {u16, u32, u64} = numbers;
  const stride = Math.floor(pieceBytes / entryBytes) * entryBytes;
  const size = Math.floor(symbols.size / entryBytes) * entryBytes;
  for (let start = 0; start < size; start += stride) {
    const bytes = await file.read(symbols.offset + start, Math.min(stride, size - start));
    for (let at = 0; at < bytes.length; at += entryBytes) {
      const name = positions.get(u32(bytes, at));
      if (name === undefined || !functionTypes.includes((bytes[at + 4] ?? 0) & 15)) continue;
      if (u16(bytes, at + 6) !== 0 && u64(bytes, at + 8) !== 0) found.add(name);
    }
  }
}

function escaped(name: string): string {
  return name.replaceAll(/[^\w]/g, '\\$&');
}

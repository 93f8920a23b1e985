import {type BoundedFile, damaged} from './bounded-file.js';
import type {ElfTables} from './elf-tables.js';

/** Longer than any version string: a match may lie across two pieces. */
const overlapBytes = 256;
/** Of all wanted sections together. */
const maxBytes = 256 << 20;
const withoutContent = 8; // SHT_NOBITS in elf(5)

/** For each pattern, what its first group (or all of it) matches first in the wanted sections, read as Latin-1. */
export async function findText(
  file: BoundedFile,
  tables: ElfTables,
  patterns: readonly RegExp[],
  isWanted: (section: string) => boolean,
): Promise<readonly (string | undefined)[]> {
  const found = patterns.map((): string | undefined => undefined);
  let left = maxBytes;
  for (const {name, type, offset, size} of tables.sections) {
    if (!isWanted(name) || type === withoutContent) continue;
    left -= size;
    if (left < 0) throw damaged(file.path, 'is cut short or damaged');
    for await (const {bytes} of file.pieces(offset, size, overlapBytes)) {
      if (found.every((text) => text !== undefined)) return found;
      const text = bytes.toString('latin1');
      for (const [index, pattern] of patterns.entries()) {
        const match = found[index] === undefined ? pattern.exec(text) : null;
        if (match) found[index] = match[1] ?? match[0];
      }
    }
  }
  return found;
}

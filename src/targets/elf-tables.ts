import {endianness} from 'node:os';
import {type BoundedFile, damaged} from './bounded-file.js';

/** A section header, positions and sizes in bytes. */
export interface Section {
  readonly name: string;
  /** `sh_type` in elf(5). */
  readonly type: number;
  readonly offset: number;
  readonly size: number;
  /** The number of the section that belongs to it: for symbols, that of their names. */
  readonly link: number;
  readonly entrySize: number;
}

/** A program header, positions and sizes in bytes. */
export interface Segment {
  /** `p_type` in elf(5). */
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly fileSize: number;
}

export interface ElfTables {
  readonly sections: readonly Section[];
  readonly segments: readonly Segment[];
}

/** Whole numbers out of bytes in this machine's order: only its own files are read. */
export const numbers =
  endianness() === 'LE'
    ? {
        u16: (bytes: Buffer, at: number) => bytes.readUInt16LE(at),
        u32: (bytes: Buffer, at: number) => bytes.readUInt32LE(at),
        u64: (bytes: Buffer, at: number) => Number(bytes.readBigUInt64LE(at)),
      }
    : {
        u16: (bytes: Buffer, at: number) => bytes.readUInt16BE(at),
        u32: (bytes: Buffer, at: number) => bytes.readUInt32BE(at),
        u64: (bytes: Buffer, at: number) => Number(bytes.readBigUInt64BE(at)),
      };

const sectionBytes = 64;
const segmentBytes = 56;
const maxSectionName = 64;

/** Reads the tables of sections and segments of a 64-bit ELF file: the layouts are Elf64_Ehdr, _Shdr and _Phdr in elf(5). */
export async function readTables(file: BoundedFile): Promise<ElfTables> {
  const {u16, u64} = numbers;
  const header = await file.read(0, 64);
  const [segmentsAt, sectionsAt] = [u64(header, 32), u64(header, 40)];
  const [segmentSize, segmentCount] = [u16(header, 54), u16(header, 56)];
  const [sectionSize, sectionCount] = [u16(header, 58), u16(header, 60)];
  const isUsual =
    (segmentCount === 0 || segmentSize === segmentBytes) && (sectionCount === 0 || sectionSize === sectionBytes);
  if (!isUsual) throw damaged(file.path, 'is cut short or damaged');
  const segments = await readSegments(file, segmentsAt, segmentCount);
  return {segments, sections: await readSections(file, sectionsAt, sectionCount, u16(header, 62))};
}

async function readSegments(file: BoundedFile, offset: number, count: number): Promise<readonly Segment[]> {
  const {u32, u64} = numbers;
  const bytes = await file.read(count === 0 ? 0 : offset, count * segmentBytes);
  return Array.from({length: count}, (_, index) => {
    const at = index * segmentBytes;
    return {
      type: u32(bytes, at),
      offset: u64(bytes, at + 8),
      address: u64(bytes, at + 16),
      fileSize: u64(bytes, at + 32),
    };
  });
}

async function readSections(file: BoundedFile, offset: number, count: number, namesIndex: number) {
  const {u32, u64} = numbers;
  const bytes = await file.read(count === 0 ? 0 : offset, count * sectionBytes);
  const namesAt = namesIndex * sectionBytes;
  const names =
    namesIndex > 0 && namesIndex < count
      ? await file.readUpTo(u64(bytes, namesAt + 24), Math.min(u64(bytes, namesAt + 32), 1 << 20))
      : Buffer.alloc(0);
  return Array.from({length: count}, (_, index): Section => {
    const at = index * sectionBytes;
    return {
      name: stringAt(names, u32(bytes, at), maxSectionName),
      type: u32(bytes, at + 4),
      offset: u64(bytes, at + 24),
      size: u64(bytes, at + 32),
      link: u32(bytes, at + 40),
      entrySize: u64(bytes, at + 56),
    };
  });
}

/** The text from a position to the next zero byte, or to the limit; none where the position is outside. */
export function stringAt(bytes: Buffer, at: number, maxBytes = 4096): string {
  const end = bytes.indexOf(0, at);
  return end < 0 ? '' : bytes.toString('utf8', at, Math.min(end, at + maxBytes));
}

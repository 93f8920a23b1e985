import type {BoundedFile} from './bounded-file.js';
import {type ElfTables, numbers, type Segment, stringAt} from './elf-tables.js';

/** What a file tells the loader, see ld.so(8). Search paths are as written, with `$ORIGIN` and its kin. */
export interface Dynamic {
  readonly soname?: string;
  readonly needed: readonly string[];
  readonly rpath: readonly string[];
  readonly runpath: readonly string[];
}

/** Values of `p_type` in elf(5). */
const segmentTypes = {load: 1, dynamic: 2, interpreter: 3, note: 4};
/** Values of `d_tag` in elf(5). */
const tags = {end: 0, needed: 1, strings: 5, soname: 14, rpath: 15, runpath: 29};

const maxTableBytes = 64 * 1024;
const maxNameBytes = 4096;
const maxNotes = 16;

/** Reads the dynamic segment as the loader does, by segments: it is there even where the section headers are stripped. */
export async function readDynamic(file: BoundedFile, tables: ElfTables): Promise<Dynamic> {
  const entries = await readEntries(file, tables);
  const stringsAt = fileOffsetOf(tables, entries.find(([tag]) => tag === tags.strings)?.[1]);
  const textsOf = async (wanted: number) => {
    const texts: string[] = [];
    for (const [tag, value] of entries) {
      if (tag === wanted && stringsAt !== undefined) {
        texts.push(stringAt(await file.readUpTo(stringsAt + value, maxNameBytes), 0));
      }
    }
    return texts.filter((text) => text !== '');
  };
  const [soname] = await textsOf(tags.soname);
  const toPaths = (texts: readonly string[]) => texts.flatMap((text) => text.split(':'));
  return {
    ...(soname !== undefined && {soname}),
    needed: await textsOf(tags.needed),
    rpath: toPaths(await textsOf(tags.rpath)),
    runpath: toPaths(await textsOf(tags.runpath)),
  };
}

async function readEntries(file: BoundedFile, tables: ElfTables): Promise<readonly (readonly [number, number])[]> {
  const bytes = await readSegment(file, ofType(tables, segmentTypes.dynamic)[0], maxTableBytes);
  const pairs = Array.from({length: Math.floor(bytes.length / 16)}, (_, index) => {
    return [numbers.u64(bytes, index * 16), numbers.u64(bytes, index * 16 + 8)] as const;
  });
  const end = pairs.findIndex(([tag]) => tag === tags.end);
  return end < 0 ? pairs : pairs.slice(0, end);
}

/** Where in the file the byte is that gets loaded to an address. */
function fileOffsetOf(tables: ElfTables, address: number | undefined): number | undefined {
  if (address === undefined) return undefined;
  const segment = ofType(tables, segmentTypes.load).find(
    (one) => address >= one.address && address - one.address < one.fileSize,
  );
  return segment && address - segment.address + segment.offset;
}

/** The path of the loader that the file asks for. A static executable has none. */
export async function readInterpreter(file: BoundedFile, tables: ElfTables): Promise<string | undefined> {
  const bytes = await readSegment(file, ofType(tables, segmentTypes.interpreter)[0], maxNameBytes);
  return stringAt(bytes, 0) || undefined;
}

/** The build id in hexadecimal: the note of type NT_GNU_BUILD_ID (3) and name "GNU", see elf(5). */
export async function readBuildId(file: BoundedFile, tables: ElfTables): Promise<string | undefined> {
  for (const segment of ofType(tables, segmentTypes.note).slice(0, maxNotes)) {
    const id = buildIdIn(await readSegment(file, segment, maxTableBytes));
    if (id !== undefined) return id;
  }
  return undefined;
}

function buildIdIn(notes: Buffer): string | undefined {
  const aligned = (bytes: number) => Math.ceil(bytes / 4) * 4;
  for (let at = 0; at + 12 <= notes.length; ) {
    const [nameBytes, contentBytes, type] = [0, 4, 8].map((field) => numbers.u32(notes, at + field)) as [
      number,
      number,
      number,
    ];
    const contentAt = at + 12 + aligned(nameBytes);
    if (contentAt + contentBytes > notes.length) return undefined;
    const name = notes.toString('latin1', at + 12, at + 12 + nameBytes);
    if (type === 3 && name === 'GNU\0') return notes.toString('hex', contentAt, contentAt + contentBytes);
    at = contentAt + aligned(contentBytes);
  }
  return undefined;
}

function ofType({segments}: ElfTables, wanted: number): readonly Segment[] {
  return segments.filter(({type}) => type === wanted);
}

async function readSegment(file: BoundedFile, segment: Segment | undefined, maxBytes: number): Promise<Buffer> {
  return segment ? file.readUpTo(segment.offset, Math.min(segment.fileSize, maxBytes)) : Buffer.alloc(0);
}

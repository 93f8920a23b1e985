import type {Holding} from '../accumulator.js';
import type {Header} from '../message.js';
import {BlockReader} from './block-reader.js';
import {staticHeader, staticTableLength} from './static-table.js';

export interface DecodedBlock {
  readonly headers: Header[];
  /** Fields whose name or value stood in table entries that were never seen. */
  readonly unknown: number;
  /** Fields past the limits: decoded, so that the table stays right, but not kept. */
  readonly dropped: number;
  /** The block breaks a rule of HPACK; the headers are those before. The table can't be trusted any more. */
  readonly isBroken: boolean;
}

interface Entry {
  readonly field: Header;
  readonly size: number;
}

/** Room for a table larger than the default 4096: entries beyond it become unknown. */
const maxTableBytes = 64 * 1024;

/** Characters of decoded headers kept of one block: an indexed field of one byte may stand for the whole table. */
const maxListCharacters = 256 * 1024;

/**
 * Decodes the header blocks of one direction (RFC 7541). It need not see the first one: an index counts back from the
 * newest entry, so entries added since are known and older ones are unknown, never an error.
 *
 * Own code, since hpack.js 2.1.6 ends with an error at the first entry that it has not seen.
 */
export class HpackDecoder {
  /** Newest last: appending is cheap, and index 62 is the end. */
  #entries: Entry[] = [];
  #oldest = 0;
  #size = 0;
  #capacity = 4096;
  /** There may be older entries than those we hold. */
  #hasUnknown = false;

  constructor(
    private readonly maxHeaders: number,
    private readonly holding: Holding,
  ) {}

  /** Forgets the table: blocks were missed, so what was known has moved by an unknown number of places. */
  lose(): void {
    this.#entries = [];
    this.#oldest = 0;
    this.#grow(-this.#size);
    this.#capacity = maxTableBytes;
    this.#hasUnknown = true;
  }

  /** Bytes of the dynamic table, as RFC 7541, 4.1 counts them. */
  get tableSize(): number {
    return this.#size;
  }

  /** The dynamic table, newest first. */
  get table(): Header[] {
    return this.#entries
      .slice(this.#oldest)
      .reverse()
      .map(({field}) => field);
  }

  decode(block: Buffer): DecodedBlock {
    const reader = new BlockReader(block);
    const headers: Header[] = [];
    let characters = 0;
    let unknown = 0;
    let dropped = 0;
    while (!reader.isAtEnd && !reader.isBroken) {
      const field = this.#field(reader);
      if (reader.isBroken) break;
      if (!field) continue;
      if (field.name === undefined || field.value === undefined) unknown++;
      characters += (field.name?.length ?? 0) + (field.value?.length ?? 0);
      if (headers.length < this.maxHeaders && characters <= maxListCharacters) headers.push(field);
      else dropped++;
    }
    if (reader.isBroken) this.lose();
    return {headers, unknown, dropped, isBroken: reader.isBroken};
  }

  #field(reader: BlockReader): Header | undefined {
    const byte = reader.peek();
    if (byte & 0x80) return this.#at(reader.integer(7), reader);
    if ((byte & 0xe0) === 0x20) {
      this.#resize(reader.integer(5));
      return undefined;
    }
    const isAdded = (byte & 0x40) !== 0;
    const index = reader.integer(isAdded ? 6 : 4);
    const name = index === 0 ? reader.string() : this.#at(index, reader)?.name;
    const value = reader.string();
    if (reader.isBroken) return undefined;
    const field = header(name, value);
    if (isAdded) this.#add(field);
    return field;
  }

  #at(index: number, reader: BlockReader): Header | undefined {
    const fixed = staticHeader(index);
    if (fixed) return fixed;
    const entry = index > 0 ? this.#dynamic(index - staticTableLength) : undefined;
    if (entry) return entry;
    // No table of any size that we would believe has such an index.
    const isPossible = this.#hasUnknown && index > staticTableLength && index < 0x100000;
    if (!isPossible) reader.isBroken = true;
    return isPossible ? {} : undefined;
  }

  #dynamic(back: number): Header | undefined {
    const at = this.#entries.length - back;
    const entry = at >= this.#oldest ? this.#entries[at] : undefined;
    return entry?.field;
  }

  #add(field: Header): void {
    const size = (field.name?.length ?? 0) + (field.value?.length ?? 0) + 32;
    this.#entries.push({field, size});
    this.#grow(size);
    this.#evict();
  }

  #resize(capacity: number): void {
    // Everything older is gone for the sender too, so nothing unknown is left to refer to.
    if (capacity === 0) this.#hasUnknown = false;
    this.#capacity = Math.min(capacity, maxTableBytes);
    if (capacity > maxTableBytes) this.#hasUnknown = true;
    this.#evict();
  }

  #grow(bytes: number): void {
    this.#size += bytes;
    this.holding.bytes += bytes;
  }

  #evict(): void {
    while (this.#size > this.#capacity) this.#grow(-(this.#entries[this.#oldest++] as Entry).size);
    if (this.#oldest < 64 || this.#oldest * 2 < this.#entries.length) return;
    this.#entries = this.#entries.slice(this.#oldest);
    this.#oldest = 0;
  }
}

function header(name: string | undefined, value: string | undefined): Header {
  if (name !== undefined && value !== undefined) return {name, value};
  return name !== undefined ? {name} : value !== undefined ? {value} : {};
}

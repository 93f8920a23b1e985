import type {TraceEvent} from '../../../src/events.js';
import {createParser, type ParserOptions} from '../../../src/parsers/index.js';

/** One call of a made run. */
export interface MadeCall {
  readonly pid: number;
  readonly session: number;
  readonly deed: 'receive' | 'send' | 'peek';
  readonly bytes: Uint8Array;
}

/** A record of a made run: who printed it, and whether it may be lost without the totals knowing. */
export interface MadeRecord {
  readonly text: string;
  readonly thread: number;
  readonly time: number;
}

/** Bytes in a C record. */
const piece = 24;
const functions = {receive: 101, send: 201, peek: 301};

/** Does what a script does in the kernel: prints records of calls, and counts them. */
export class Kernel {
  readonly records: MadeRecord[] = [];
  readonly #form: 'words' | 'chunks' | 'whole';
  readonly #snaplen: number;
  readonly #tickNs: number;
  readonly #moved = new Map<string, number>();
  readonly #since = new Map<string, number>();
  #time = 1_000_000_000;
  seen = 0;
  cut = 0;
  peeked = 0;
  calls = 0;
  ended = 0;

  /** @param tickNs time from one call to the next. */
  constructor(form: 'words' | 'chunks' | 'whole', snaplen: number, tickNs = 1_000_000) {
    this.#form = form;
    this.#snaplen = snaplen;
    this.#tickNs = tickNs;
  }

  readonly #head: readonly string[] = [
    'TK|1|3b9aca00|1700000000.000000',
    'S|tls-kit|0.1.0',
    'S|what|openssl',
    'S|snaplen|64',
    'L|1|0|openssl|/usr/lib/x86_64-',
    'L|1|1|openssl|linux=25gnu/libs',
    'L|1|2|openssl|sl.so.3',
    'F|65|openssl|receive|SSL_read',
    'F|c9|openssl|send|SSL_write',
    'F|12d|openssl|peek|SSL_peek',
  ];

  /** What stands at the head of every recording. */
  get head(): readonly string[] {
    return this.#form === 'chunks' ? [...this.#head, `S|piece|${piece}`] : this.#head;
  }

  process(pid: number, name: string): void {
    const comm = Buffer.alloc(16);
    comm.write(name);
    this.#print(pid, `P|${hex(this.#tick())}|${hex(pid)}|1|3e8|${spaced(comm)}`);
  }

  call({pid, session, deed, bytes}: MadeCall): void {
    const now = this.#tick();
    const place = `${pid},${session}`;
    const since = this.#since.get(place) ?? now;
    this.#since.set(place, since);
    const way = `${place},${deed === 'send' ? 2 : 1}`;
    const offset = this.#moved.get(way) ?? 0;
    const kept = bytes.subarray(0, this.#snaplen);
    this.calls++;
    if (deed === 'peek') {
      this.peeked += bytes.length;
    } else {
      this.seen += bytes.length;
      this.cut += bytes.length - kept.length;
      this.#moved.set(way, offset + bytes.length);
    }
    const what = (BigInt(functions[deed]) << 32n) | BigInt(bytes.length);
    const who = (BigInt(pid) << 32n) | BigInt(pid);
    const fields = `${hex(now)}|5|${hex(who)}|${hex(session)}|${hex(since)}|${hex(offset)}|${hex(what)}|${hex(kept.length)}|`;
    if (this.#form === 'chunks' && kept.length > 0) {
      this.#print(pid, `G|${fields}${endingWords(kept.subarray(0, piece))}`);
      this.#printChunks(pid, now, kept);
    } else {
      this.#print(pid, `D|${fields}${this.#form === 'whole' ? spaced(kept) : ''}`);
    }
    if (this.#form === 'words') this.#printWords(pid, now, Buffer.from(kept));
  }

  end(pid: number, session: number): void {
    const place = `${pid},${session}`;
    const since = this.#since.get(place);
    if (since === undefined) return;
    this.ended++;
    const [received, sent] = [this.#moved.get(`${place},1`) ?? 0, this.#moved.get(`${place},2`) ?? 0];
    this.#print(pid, `X|${hex(this.#tick())}|${hex(pid)}|${hex(session)}|${hex(since)}|${hex(received)}|${hex(sent)}`);
    for (const map of [this.#since, this.#moved]) {
      for (const key of [place, `${place},1`, `${place},2`]) map.delete(key);
    }
  }

  exit(pid: number): void {
    this.#print(pid, `E|${hex(this.#tick())}|${hex(pid)}`);
  }

  /** The maps that bpftrace prints at its end. */
  get totals(): readonly string[] {
    const list = (map: ReadonlyMap<string, number>) => [...map].map(([key, value]) => `"${key}": ${value}`).join(', ');
    const maps = [
      `"@calls_entered": ${this.calls}`,
      `"@calls_returned": ${this.calls}`,
      `"@bytes_seen": ${this.seen}`,
      `"@bytes_cut": ${this.cut}`,
      `"@bytes_peeked": ${this.peeked}`,
      `"@connections_ended": ${this.ended}`,
      `"@moved": {${list(this.#moved)}}`,
      `"@connection": {${list(this.#since)}}`,
      '"@record_version": 1',
    ];
    return maps.map((map) => `{"type": "map", "data": {${map}}}`);
  }

  #tick(): number {
    this.#time += this.#tickNs;
    return this.#time;
  }

  #print(thread: number, text: string): void {
    this.records.push({text, thread, time: this.#time});
  }

  /** As templates/partials/payload-chunks.hbs: what is left shows a word at least. */
  #printChunks(pid: number, now: number, kept: Uint8Array): void {
    for (let at = piece; at < kept.length; at += piece) {
      const from = Math.min(at, kept.length - 8);
      const bytes = kept.subarray(from, at + piece);
      this.#print(pid, `M|${hex(pid)}|${hex(now)}|${hex(from)}|${hex(bytes.length)}|${endingWords(bytes)}`);
    }
  }

  /** As templates/partials/payload-words.hbs: sixteen bytes a record here, then a word that overlaps, or bytes. */
  #printWords(pid: number, now: number, kept: Buffer): void {
    const word = (at: number) => hex(kept.readBigUInt64LE(at));
    const put = (letter: string, at: number, rest: string) =>
      this.#print(pid, `${letter}|${hex(pid)}|${hex(now)}|${hex(at)}|${rest}`);
    let at = 0;
    for (; at + 16 <= kept.length; at += 16) put('W', at, `${word(at)} ${word(at + 8)}`);
    for (; at + 8 <= kept.length; at += 8) put('W', at, word(at));
    if (at < kept.length && kept.length >= 8) put('W', kept.length - 8, word(kept.length - 8));
    else for (; at < kept.length; at++) put('B', at, hex(kept[at] as number));
  }
}

/** A record as it stands in the output of bpftrace -f json. */
export function printed(text: string): string {
  return `{"type": "printf", "data": "${text}\\n"}`;
}

/** All events of some lines. */
export function eventsOf(lines: readonly string[], options?: ParserOptions): TraceEvent[] {
  const parser = createParser(options);
  return [...lines.flatMap((line) => parser.push(line)), ...parser.end()];
}

/** Those of one type. */
export function only<Type extends TraceEvent['type']>(events: readonly TraceEvent[], type: Type) {
  return events.filter((event): event is Extract<TraceEvent, {type: Type}> => event.type === type);
}

/** Whole words in order, zeros in place of missing ones, and the eight bytes in which all ends; less than a word as one. */
function endingWords(bytes: Uint8Array): string {
  const word = (at: number) => hex(Buffer.concat([bytes, Buffer.alloc(8)]).readBigUInt64LE(at));
  if (bytes.length < 8) return word(0);
  const words = Array.from({length: piece / 8 - 1}, (_, index) =>
    bytes.length >= 8 * index + 8 ? word(8 * index) : '0',
  );
  return [...words, word(bytes.length - 8)].join(' ');
}

function hex(value: number | bigint): string {
  return value.toString(16);
}

function spaced(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
}

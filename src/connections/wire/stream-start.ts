import {openingBefore} from './openings.js';
import {maxFirstLineBytes, type PlainText, readPlainText} from './plain-text.js';
import {hasRecordStart, readRecordHeader, recordHeaderBytes, recordType} from './record-header.js';
import {isSslv2Hello} from './sslv2-hello.js';

/**
 * `more`: not known yet. `tls`: the first record begins at `rest`, after the opening of another protocol if one is named.
 * `late`: TLS that began before these bytes. `sslv2`: a hello of SSL 2.0. `other`: no TLS, as far as is looked.
 */
export type Start =
  | {readonly kind: 'late' | 'more' | 'other' | 'sslv2'}
  | {readonly kind: 'tls'; readonly rest: Buffer; readonly opening?: string};

/** How far into a stream a beginning of TLS is looked for, and how many times what looks like one may turn out to be none. */
const maxOpeningBytes = 16 * 1024;
const maxDisproved = 3;

/** Finds where TLS begins in one direction of a connection: at its first byte, or right after a protocol's demand or consent. */
export class StreamStart {
  #bytes = Buffer.alloc(0);
  /** Nothing begins before this. */
  #searched = 0;
  #disproved = 0;
  #plainText?: PlainText;

  /** What was said in plain, once its first line is there. */
  get plainText(): PlainText | undefined {
    return this.#plainText;
  }

  push(bytes: Buffer): Start {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    const atOnce = this.#startAtOnce();
    if (atOnce) return atOnce;
    const found = this.#search();
    const isLine = this.#bytes.subarray(0, this.#searched).includes(0x0a) || this.#searched >= maxFirstLineBytes;
    if (isLine) this.#readPlainText();
    const isOver = this.#searched >= maxOpeningBytes || this.#disproved > maxDisproved;
    return found ?? {kind: isOver ? 'other' : 'more'};
  }

  /** No more bytes: a first line without an end is one too. */
  end(): void {
    if (this.#bytes.length > 0) this.#readPlainText();
  }

  #startAtOnce(): Start | undefined {
    if (this.#searched > 0) return undefined;
    const first = beginsTls(this.#bytes);
    if (first === 'yes') return {kind: 'tls', rest: this.#bytes};
    const sslv2 = isSslv2Hello(this.#bytes);
    if (sslv2 === 'yes') return {kind: 'sslv2'};
    if (first === 'more' || sslv2 === 'more') return {kind: 'more'};
    if (!hasRecordStart(this.#bytes)) return undefined;
    if (this.#bytes.length < recordHeaderBytes) return {kind: 'more'};
    return readRecordHeader(this.#bytes) && {kind: 'late'};
  }

  #search(): Start | undefined {
    const end = Math.min(this.#bytes.length, maxOpeningBytes);
    for (; this.#searched < end; this.#searched++) {
      const type = this.#bytes[this.#searched];
      if (type !== recordType.handshake && type !== recordType.alert) continue;
      const rest = this.#bytes.subarray(this.#searched);
      const begins = beginsTls(rest);
      if (begins === 'more') return undefined;
      if (begins === 'no') continue;
      const opening = openingBefore(this.#bytes.toString('latin1', 0, this.#searched), senderOf(rest));
      if (opening) return {kind: 'tls', rest, opening};
      this.#disproved++;
      if (this.#disproved > maxDisproved) return undefined;
    }
    return undefined;
  }

  #readPlainText(): void {
    this.#plainText ??= readPlainText(this.#bytes);
  }
}

/** Whether bytes begin with a record that can open a side's TLS: one that holds a hello, or an alert in the clear. */
function beginsTls(bytes: Buffer): 'more' | 'no' | 'yes' {
  if (!hasRecordStart(bytes)) return 'no';
  if (bytes.length < recordHeaderBytes) return 'more';
  const header = readRecordHeader(bytes);
  const body = bytes.subarray(recordHeaderBytes);
  if (header?.type === recordType.alert) return header.length === 2 ? isAlert(body) : 'no';
  if (header?.type !== recordType.handshake || header.length === 0) return 'no';
  return isHello(body.subarray(0, header.length), Math.min(header.length, 6));
}

/** Message type 1 or 2, a length below 2^17, major version 3; a record may hold only the first of these bytes. */
function isHello(body: Buffer, needed: number): 'more' | 'no' | 'yes' {
  const [type = 1, lengthHigh = 0, , , major = 3, minor = 0] = body;
  const isPossible = (type === 1 || type === 2) && lengthHigh <= 1 && major === 3 && minor <= 4;
  if (!isPossible) return 'no';
  return body.length < needed ? 'more' : 'yes';
}

function isAlert(body: Buffer): 'more' | 'no' | 'yes' {
  const [level = 1] = body;
  if (level !== 1 && level !== 2) return 'no';
  return body.length < 2 ? 'more' : 'yes';
}

function senderOf(record: Buffer): 'client' | 'server' {
  return record[0] === recordType.handshake && record[recordHeaderBytes] === 1 ? 'client' : 'server';
}

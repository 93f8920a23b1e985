import {type HandshakeMessage, HandshakeMessages} from './handshake-messages.js';
import {alertName} from './names.js';
import type {PlainText} from './plain-text.js';
import {type RecordHeader, readRecordHeader, recordHeaderBytes, recordType} from './record-header.js';
import type {Sslv2Hello} from './sslv2-hello.js';
import {StreamStart} from './stream-start.js';

export type WireItem = Alert | HandshakeMessage | PlainText | Sslv2Hello;

/** An alert in the clear (RFC 8446, 6). */
export interface Alert {
  readonly kind: 'Alert';
  readonly level: 'fatal' | 'warning';
  readonly name: string;
}

/**
 * `beginning`: no TLS yet. `clear`: records that can be read. `protected`: the rest is encrypted. `late`: TLS began before
 * what was seen. `lost`: after a gap, where a record begins is not known. `broken`: after the beginning, no TLS record.
 * `other`: no TLS.
 */
export type StreamState = 'beginning' | 'broken' | 'clear' | 'late' | 'lost' | 'other' | 'protected';

/** One direction of a connection: bytes in pieces of any size become the handshake messages and alerts that are in the clear. */
export class TlsStream {
  readonly #start = new StreamStart();
  readonly #messages = new HandshakeMessages();
  #state: StreamState = 'beginning';
  #isTls = false;
  #opening?: string;
  #plainTextIsTold = false;
  /** At most a record's header and the first bytes of its body. */
  #waiting = Buffer.alloc(0);
  #record?: RecordHeader;
  /** Bytes of the current record's body that are still to come. */
  #left = 0;
  /** Encrypted records have come; only a second hello can be in the clear after them. */
  #isProtected = false;
  #awaitsSecondHello = false;

  get state(): StreamState {
    return this.#state;
  }

  /** A hello or an alert was found where one can stand. */
  get isTls(): boolean {
    return this.#isTls;
  }

  /** The protocol that spoke in plain before TLS. */
  get opening(): string | undefined {
    return this.#opening;
  }

  /** Nothing more can come of this direction. */
  get isDone(): boolean {
    return this.#state !== 'beginning' && this.#state !== 'clear';
  }

  push(bytes: Buffer): WireItem[] {
    if (this.isDone || bytes.length === 0) return [];
    return this.#state === 'beginning' ? this.#begin(bytes) : this.#readRecords(bytes);
  }

  /** Bytes that moved but were not captured. */
  skip(length: number): WireItem[] {
    if (this.isDone || length === 0) return [];
    if (this.#state === 'beginning' || this.#waiting.length > 0 || length > this.#left) return this.#lose();
    const messages = this.#record?.type === recordType.handshake ? this.#messages.skip(length) : [];
    if (!messages) return this.#lose();
    this.#left -= length;
    return this.#note(messages);
  }

  /** No more bytes will come: what has begun, as far as it came. */
  end(): WireItem[] {
    if (this.isDone) return [];
    if (this.#state === 'clear') return this.#messages.end();
    this.#start.end();
    return this.#plainText();
  }

  /** The server has chosen: no second hello comes, and the first encrypted record ends what can be read. */
  expectNoSecondHello(): void {
    this.#awaitsSecondHello = false;
    if (this.#state === 'clear' && this.#isProtected) this.#state = 'protected';
  }

  #begin(bytes: Buffer): WireItem[] {
    const start = this.#start.push(bytes);
    const said = this.#plainText();
    if (start.kind === 'more') return said;
    this.#state = start.kind === 'late' ? 'late' : start.kind === 'tls' ? 'clear' : 'other';
    if (start.kind === 'sslv2') return [...said, {kind: 'Sslv2Hello'}];
    if (start.kind !== 'tls') return said;
    this.#isTls = true;
    this.#opening = start.opening;
    return [...said, ...this.#readRecords(start.rest)];
  }

  #plainText(): WireItem[] {
    const plainText = this.#start.plainText;
    if (!plainText || this.#plainTextIsTold) return [];
    this.#plainTextIsTold = true;
    return [plainText];
  }

  #readRecords(bytes: Buffer): WireItem[] {
    const items: WireItem[] = [];
    let rest = this.#waiting.length > 0 ? Buffer.concat([this.#waiting, bytes]) : bytes;
    this.#waiting = Buffer.alloc(0);
    while (rest.length > 0 && this.#state === 'clear') {
      if (this.#left === 0) {
        const taken = this.#readHeader(rest);
        if (taken === undefined) return items;
        rest = rest.subarray(taken);
      } else {
        const body = rest.subarray(0, this.#left);
        rest = rest.subarray(body.length);
        items.push(...this.#readBody(body));
      }
    }
    return items;
  }

  /** Bytes taken; undefined where more are needed. */
  #readHeader(bytes: Buffer): number | undefined {
    if (bytes.length < recordHeaderBytes) return this.#wait(bytes);
    const record = readRecordHeader(bytes);
    const body = bytes.subarray(recordHeaderBytes);
    if (!record) {
      this.#state = 'broken';
      return 0;
    }
    // What is judged by its first bytes waits for them: a hello after encrypted records, and an alert, which is two bytes.
    const needed =
      record.type === recordType.alert ? 2 : this.#isProtected && record.type === recordType.handshake ? 4 : 0;
    if (body.length < Math.min(needed, record.length)) return this.#wait(bytes);
    if (this.#endsClear(record, body)) {
      this.#state = 'protected';
      return 0;
    }
    this.#record = record;
    this.#left = record.length;
    return recordHeaderBytes;
  }

  #wait(bytes: Buffer): undefined {
    this.#waiting = Buffer.from(bytes);
    return undefined;
  }

  /**
   * TLS 1.2 encrypts all that follows ChangeCipherSpec. In TLS 1.3 that record means nothing (RFC 8446, D.4), and after a
   * HelloRetryRequest there come a second ClientHello and the ServerHello in the clear.
   */
  #endsClear(record: RecordHeader, body: Buffer): boolean {
    if (record.type === recordType.alert) return record.length !== 2;
    if (record.type !== recordType.handshake) {
      this.#isProtected = true;
      return !this.#awaitsSecondHello;
    }
    if (!this.#isProtected) return false;
    const isHello =
      (body[0] === 1 || body[0] === 2) && record.length >= 4 && body.readUIntBE(1, 3) === record.length - 4;
    return !(this.#awaitsSecondHello && isHello);
  }

  #readBody(body: Buffer): WireItem[] {
    const type = this.#record?.type;
    this.#left -= body.length;
    if (type === recordType.alert) return [readAlert(body)];
    if (type !== recordType.handshake) return [];
    const messages = this.#messages.push(body);
    if (messages) return this.#note(messages);
    this.#state = 'broken';
    return [];
  }

  #note(messages: HandshakeMessage[]): WireItem[] {
    for (const message of messages) {
      const offersTls13 = message.kind === 'ClientHello' && message.versions?.includes('TLSv1.3');
      this.#awaitsSecondHello = offersTls13 === true || message.kind === 'HelloRetryRequest';
    }
    return messages;
  }

  #lose(): WireItem[] {
    const items = this.end();
    this.#state = 'lost';
    return items;
  }
}

function readAlert(body: Buffer): Alert {
  return {kind: 'Alert', level: body[0] === 2 ? 'fatal' : 'warning', name: alertName(body[1] as number)};
}

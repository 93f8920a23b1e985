import {type Certificates, readCertificates} from './certificates.js';
import {type ClientHello, readClientHello} from './client-hello.js';
import {readServerHello, type ServerHello} from './server-hello.js';

export type HandshakeMessage = CertificateRequest | Certificates | ClientHello | ServerHello;

/** Up to TLS 1.2, the server asks the client for a certificate (RFC 5246, 7.4.4). */
export interface CertificateRequest {
  readonly kind: 'CertificateRequest';
  readonly extent: 'cut' | 'whole';
}

/** Messages that are read, by type (RFC 8446, 4). */
const readers: Readonly<Record<number, (body: Buffer, length: number) => HandshakeMessage>> = {
  1: readClientHello,
  2: readServerHello,
  11: readCertificates,
  13: (body, length) => ({kind: 'CertificateRequest', extent: body.length < length ? 'cut' : 'whole'}),
};

/** Every type that IANA has given out (TLS HandshakeType): a message of another type is no handshake in the clear. */
const knownTypes = new Set([0, 1, 2, 3, 4, 5, 6, 8, 9, 11, 12, 13, 14, 15, 16, 17, 20, 21, 22, 23, 24, 25, 67, 254]);

/** A message is kept up to here: OpenSSL refuses a chain of certificates of more than 100 KiB. */
const maxKeptBytes = 128 * 1024;

/** Puts handshake messages together from the records that hold them: several in one, or one in several. */
export class HandshakeMessages {
  #header = Buffer.alloc(0);
  #body: Buffer[] = [];
  #kept = 0;
  /** Bytes of the body that came, kept or not. */
  #come = 0;
  #isCut = false;

  /** Undefined: this is no handshake in the clear. */
  push(fragment: Buffer): HandshakeMessage[] | undefined {
    const messages: HandshakeMessage[] = [];
    let rest = fragment;
    while (rest.length > 0) {
      const wanted = this.#header.length < 4 ? 4 - this.#header.length : this.#length - this.#come;
      const taken = rest.subarray(0, wanted);
      rest = rest.subarray(wanted);
      if (this.#header.length < 4) this.#header = Buffer.concat([this.#header, taken]);
      else this.#keep(taken);
      if (!knownTypes.has(this.#type)) return undefined;
      if (this.#header.length === 4 && this.#come === this.#length) messages.push(...this.#finish());
    }
    return messages;
  }

  /** Bytes of a record that were not captured. Undefined: they hold a header, so that what follows can't be told apart. */
  skip(length: number): HandshakeMessage[] | undefined {
    if (this.#header.length < 4 || length > this.#length - this.#come) return undefined;
    this.#isCut = true;
    this.#come += length;
    return this.#come === this.#length ? this.#finish() : [];
  }

  /** The message that has begun, as far as it came. */
  end(): HandshakeMessage[] {
    return this.#header.length === 4 ? this.#finish() : [];
  }

  get #type(): number {
    return this.#header[0] as number;
  }

  get #length(): number {
    return this.#header.readUIntBE(1, 3);
  }

  /** After a gap nothing is kept: where a later byte belongs is known, but not what the lengths before it said. */
  #keep(bytes: Buffer): void {
    this.#come += bytes.length;
    const isKept = this.#type in readers && !this.#isCut && this.#kept < maxKeptBytes;
    if (!isKept) return;
    // A copy: what is handed in may be a view of a large buffer, or be used again.
    this.#body.push(Buffer.from(bytes.subarray(0, maxKeptBytes - this.#kept)));
    this.#kept += bytes.length;
  }

  #finish(): HandshakeMessage[] {
    const message = readers[this.#type]?.(Buffer.concat(this.#body), this.#length);
    this.#header = Buffer.alloc(0);
    this.#body = [];
    this.#kept = 0;
    this.#come = 0;
    this.#isCut = false;
    return message ? [message] : [];
  }
}

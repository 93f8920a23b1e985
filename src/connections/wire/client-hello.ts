import {ByteReader, type Extent} from './byte-reader.js';
import {ja4} from './ja4.js';
import {cipherName, groupName, isGrease, printable, signatureName, versionName} from './names.js';

/** A ClientHello (RFC 8446, 4.1.2). A field is there when all of it was read; GREASE is left out. */
export interface ClientHello {
  readonly kind: 'ClientHello';
  readonly extent: Extent;
  readonly serverName?: string;
  readonly alpn?: readonly string[];
  /** From supported_versions; without that extension, only the highest version is told. */
  readonly versions?: readonly string[];
  readonly ciphers?: readonly string[];
  readonly groups?: readonly string[];
  readonly signatureAlgorithms?: readonly string[];
  /** In hexadecimal: no two hellos share it. */
  readonly random?: string;
  /** In hexadecimal; empty when the client sent none. */
  readonly sessionId?: string;
  readonly ja4?: string;
}

/** What JA4 needs, in the order and with the numbers of the wire. */
export interface RawHello {
  legacyVersion?: number;
  versions?: number[];
  ciphers?: number[];
  extensions?: number[];
  alpn?: Buffer[];
  signatureAlgorithms?: number[];
  groups?: number[];
  serverName?: Buffer;
  sessionId?: Buffer;
  random?: Buffer;
}

/** Reads the body of a ClientHello of `length` bytes, of which only the first may be there. */
export function readClientHello(body: Buffer, length: number): ClientHello {
  const reader = new ByteReader(body, length);
  const raw = readRaw(reader);
  const extensionsAreRead = reader.extent === 'whole';
  const versions = raw.versions ?? (extensionsAreRead ? listOf(raw.legacyVersion) : undefined);
  return {
    kind: 'ClientHello',
    extent: reader.extent,
    ...(raw.serverName && {serverName: printable(raw.serverName)}),
    ...(raw.alpn && {alpn: raw.alpn.map(printable)}),
    ...(versions && {versions: names(versions, versionName)}),
    ...(raw.ciphers && {ciphers: names(raw.ciphers, cipherName)}),
    ...(raw.groups && {groups: names(raw.groups, groupName)}),
    ...(raw.signatureAlgorithms && {signatureAlgorithms: names(raw.signatureAlgorithms, signatureName)}),
    ...(raw.random && {random: raw.random.toString('hex')}),
    ...(raw.sessionId && {sessionId: raw.sessionId.toString('hex')}),
    ...(extensionsAreRead && {ja4: ja4(raw)}),
  };
}

function readRaw(reader: ByteReader): RawHello {
  const raw: RawHello = {legacyVersion: reader.number(2)};
  raw.random = reader.take(32);
  raw.sessionId = reader.vector(1)?.rest();
  raw.ciphers = reader.vector(2)?.numbers(2);
  reader.vector(1);
  // SSL 3.0 and TLS 1.0 hellos may end here.
  const extensions = reader.isAtEnd ? undefined : reader.vector(2);
  raw.extensions = [];
  while (extensions && !extensions.isAtEnd) {
    const type = extensions.number(2);
    const body = extensions.vector(2);
    if (type === undefined || !body) break;
    raw.extensions.push(type);
    readExtension[type]?.(body, raw);
  }
  reader.expectEnd();
  return raw;
}

/** The extensions that are looked into, by number (IANA, TLS ExtensionType Values). */
const readExtension: Readonly<Record<number, (body: ByteReader, raw: RawHello) => void>> = {
  0: (body, raw) => {
    raw.serverName = readServerName(body);
  },
  10: (body, raw) => {
    raw.groups = body.vector(2)?.numbers(2);
  },
  13: (body, raw) => {
    raw.signatureAlgorithms = body.vector(2)?.numbers(2);
  },
  16: (body, raw) => {
    raw.alpn = readAlpn(body);
  },
  43: (body, raw) => {
    raw.versions = body.vector(1)?.numbers(2);
  },
};

/** The first name of type host_name (RFC 6066, 3). */
function readServerName(body: ByteReader): Buffer | undefined {
  const list = body.vector(2);
  while (list && !list.isAtEnd) {
    const type = list.number(1);
    const name = list.vector(2)?.rest();
    if (type === undefined || !name) return undefined;
    if (type === 0) return name;
  }
  return undefined;
}

/** The protocol names of RFC 7301, 3.1. */
export function readAlpn(body: ByteReader): Buffer[] | undefined {
  const list = body.vector(2);
  const result: Buffer[] = [];
  while (list && !list.isAtEnd) {
    const name = list.vector(1)?.rest();
    if (!name) return undefined;
    result.push(name);
  }
  return list && result;
}

function names(numbers: readonly number[], name: (number: number) => string): string[] {
  return numbers.filter((number) => !isGrease(number)).map(name);
}

function listOf(number: number | undefined): number[] | undefined {
  return number === undefined ? undefined : [number];
}

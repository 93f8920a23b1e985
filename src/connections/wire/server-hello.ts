import {ByteReader, type Extent} from './byte-reader.js';
import {readAlpn} from './client-hello.js';
import {cipherName, groupName, printable, versionName} from './names.js';

/** A ServerHello, or the HelloRetryRequest that looks like one (RFC 8446, 4.1.3 and 4.1.4). */
export interface ServerHello {
  readonly kind: 'HelloRetryRequest' | 'ServerHello';
  readonly extent: Extent;
  readonly version?: string;
  readonly cipher?: string;
  /** The protocol chosen. TLS 1.3 hides it. */
  readonly alpn?: string;
  /** TLS 1.3: the group of the key share, or the group asked for. */
  readonly group?: string;
  /** In hexadecimal. TLS 1.2 and before: a session that is resumed echoes the client's. */
  readonly sessionId?: string;
  /** TLS 1.3: a pre-shared key was accepted. Absent where the extensions were not read to their end. */
  readonly acceptsPsk?: boolean;
}

/** The random that makes a ServerHello a HelloRetryRequest: SHA-256 of "HelloRetryRequest". */
const retryRandom = 'cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c';

/** Reads the body of a ServerHello of `length` bytes, of which only the first may be there. */
export function readServerHello(body: Buffer, length: number): ServerHello {
  const reader = new ByteReader(body, length);
  const legacyVersion = reader.number(2);
  const random = reader.take(32)?.toString('hex');
  const sessionId = reader.vector(1)?.rest();
  const cipher = reader.number(2);
  reader.number(1);
  const chosen = readExtensions(reader.isAtEnd ? undefined : reader.vector(2));
  reader.expectEnd();
  // Without supported_versions the legacy field is the truth, but only an end that was read proves its absence.
  const version = chosen.version ?? (reader.extent === 'whole' ? legacyVersion : undefined);
  return {
    kind: random === retryRandom ? 'HelloRetryRequest' : 'ServerHello',
    extent: reader.extent,
    ...(version !== undefined && {version: versionName(version)}),
    ...(cipher !== undefined && {cipher: cipherName(cipher)}),
    ...(chosen.alpn && {alpn: printable(chosen.alpn)}),
    ...(chosen.group !== undefined && {group: groupName(chosen.group)}),
    ...(sessionId && {sessionId: sessionId.toString('hex')}),
    ...(reader.extent === 'whole' && {acceptsPsk: chosen.acceptsPsk === true}),
  };
}

interface Chosen {
  version?: number;
  alpn?: Buffer;
  group?: number;
  acceptsPsk?: true;
}

function readExtensions(extensions: ByteReader | undefined): Chosen {
  const chosen: Chosen = {};
  while (extensions && !extensions.isAtEnd) {
    const type = extensions.number(2);
    const body = extensions.vector(2);
    if (type === undefined || !body) break;
    if (type === 16) chosen.alpn = readAlpn(body)?.[0];
    else if (type === 41) chosen.acceptsPsk = true;
    else if (type === 43) chosen.version = body.number(2);
    else if (type === 51) chosen.group = body.number(2);
  }
  return chosen;
}

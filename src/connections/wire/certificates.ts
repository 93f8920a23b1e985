import {X509Certificate} from 'node:crypto';
import {ByteReader, type Extent} from './byte-reader.js';

/** A certificate as the wire showed it. A field is absent where the certificate has none. */
export interface CertificateNames {
  /** The common name of its subject, and of its issuer. */
  readonly subject?: string;
  readonly issuer?: string;
  /** The DNS names and IP addresses that it is for (subjectAltName). */
  readonly names?: readonly string[];
  /** RFC 3339, UTC, whole seconds. */
  readonly notBefore?: string;
  readonly notAfter?: string;
}

/** A Certificate message up to TLS 1.2 (RFC 5246, 7.4.2): the sender's own first. TLS 1.3 encrypts it. */
export interface Certificates {
  readonly kind: 'Certificate';
  readonly extent: Extent;
  readonly certificates: readonly CertificateNames[];
}

/** Reads the body of a Certificate message of `length` bytes, of which only the first may be there. */
export function readCertificates(body: Buffer, length: number): Certificates {
  const reader = new ByteReader(body, length);
  const list = reader.vector(3);
  const certificates: CertificateNames[] = [];
  while (list && !list.isAtEnd) {
    const bytes = list.vector(3)?.rest();
    const names = bytes && readCertificate(bytes);
    if (!names) break;
    certificates.push(names);
  }
  reader.expectEnd();
  const isBroken = reader.extent === 'whole' && list?.isAtEnd === false;
  return {kind: 'Certificate', extent: isBroken ? 'malformed' : reader.extent, certificates};
}

/** One certificate (DER). Undefined where the bytes are none. */
export function readCertificate(bytes: Buffer): CertificateNames | undefined {
  try {
    const certificate = new X509Certificate(bytes);
    return {
      ...commonName('subject', certificate.subject),
      ...commonName('issuer', certificate.issuer),
      ...alternativeNames(certificate.subjectAltName),
      ...day('notBefore', certificate.validFrom),
      ...day('notAfter', certificate.validTo),
    };
  } catch {
    return undefined;
  }
}

/** Node.js writes a distinguished name one attribute a line. */
function commonName(key: 'issuer' | 'subject', name: string | undefined): CertificateNames {
  const line = name?.split('\n').find((each) => each.startsWith('CN='));
  return line ? {[key]: printableName(line.slice(3))} : {};
}

/** `DNS:a.example, IP Address:127.0.0.1`; names with odd characters are quoted as in JSON (Node.js, crypto docs). */
function alternativeNames(text: string | undefined): CertificateNames {
  const found = text?.matchAll(/(?:^|, )(?:DNS|IP Address):("(?:[^"\\]|\\.)*"|[^,]*)/g);
  const names = [...(found ?? [])].map(([, name = '']) => printableName(name));
  return names.length > 0 ? {names} : {};
}

function day(key: 'notAfter' | 'notBefore', text: string): CertificateNames {
  const time = Date.parse(text);
  return Number.isNaN(time) ? {} : {[key]: new Date(time).toISOString().replace('.000Z', 'Z')};
}

/** A certificate can say anything: control characters stay out of terminals. */
function printableName(text: string): string {
  return text.replace(/\p{C}/gu, '\ufffd');
}

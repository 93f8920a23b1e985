import {createHash} from 'node:crypto';
import type {RawHello} from './client-hello.js';
import {isGrease} from './names.js';

/** The numbers of extensions that JA4 treats apart: server_name and ALPN. */
const serverName = 0;
const alpn = 16;

/** Versions as JA4 writes them. */
const versionCodes: Readonly<Record<number, string>> = {2: 's2', 768: 's3', 769: '10', 770: '11', 771: '12', 772: '13'};

/**
 * The JA4 fingerprint of a whole ClientHello that came over TCP, as FoxIO's "JA4: TLS Client Fingerprinting" has it
 * (technical_details/JA4.md of FoxIO-LLC/ja4). GREASE counts nowhere.
 */
export function ja4(hello: RawHello): string {
  const ciphers = (hello.ciphers ?? []).filter(isMeant);
  const extensions = (hello.extensions ?? []).filter(isMeant);
  const signatures = (hello.signatureAlgorithms ?? []).filter(isMeant).map(hex);
  const version = Math.max(...(hello.versions ?? []).filter(isMeant), 0) || (hello.legacyVersion ?? 0);
  const hashed = extensions.filter((type) => type !== serverName && type !== alpn);
  const extensionText = [sorted(hashed), ...(signatures.length > 0 ? [signatures.join(',')] : [])].join('_');
  return [
    `t${versionCodes[version] ?? '00'}${extensions.includes(serverName) ? 'd' : 'i'}`,
    `${count(ciphers)}${count(extensions)}${alpnCode(hello.alpn?.[0])}`,
    `_${hash(sorted(ciphers))}_${hash(extensionText)}`,
  ].join('');
}

/** The first and last character of the first protocol; of its hexadecimal form where either is no ASCII letter or digit. */
function alpnCode(protocol: Buffer | undefined): string {
  if (!protocol || protocol.length === 0) return '00';
  const ends = String.fromCharCode(protocol[0] as number, protocol.at(-1) as number);
  if (/^[0-9A-Za-z]{2}$/.test(ends)) return ends;
  const digits = protocol.toString('hex');
  return `${digits[0]}${digits.at(-1)}`;
}

function count(list: readonly unknown[]): string {
  return String(Math.min(list.length, 99)).padStart(2, '0');
}

function sorted(numbers: readonly number[]): string {
  return numbers.map(hex).sort().join(',');
}

function hash(text: string): string {
  return text === '' ? '000000000000' : createHash('sha256').update(text).digest('hex').slice(0, 12);
}

function hex(number: number): string {
  return number.toString(16).padStart(4, '0');
}

function isMeant(number: number): boolean {
  return !isGrease(number);
}

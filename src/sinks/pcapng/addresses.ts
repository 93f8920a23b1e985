import {isIPv4, isIPv6} from 'node:net';
import type {Endpoint} from './packets.js';

/** An address of an event, `127.0.0.1:8443` or `[::1]:8443`; undefined where it is none of an IP socket. */
export function parseEndpoint(text: string | undefined): Endpoint | undefined {
  const [, bracketed, plain, port] = /^(?:\[([^\]%]+)[^\]]*\]|([^:]+)):(\d{1,5})$/.exec(text ?? '') ?? [];
  const host = bracketed ?? plain ?? '';
  if (Number(port) > 0xffff) return undefined;
  if (isIPv4(host)) return {address: Buffer.from(host.split('.').map(Number)), port: Number(port)};
  if (isIPv6(host)) return {address: ipv6Bytes(host), port: Number(port)};
  return undefined;
}

/** The URL standard writes an IPv6 address in one way: groups of hexadecimal digits, and `::` once at most. */
function ipv6Bytes(text: string): Buffer {
  const groups = new URL(`http://[${text}]/`).hostname.slice(1, -1);
  const [head = '', tail] = groups.split('::');
  const before = head.split(':').filter(Boolean);
  const after = (tail ?? '').split(':').filter(Boolean);
  const zeros = Array<string>(8 - before.length - after.length).fill('0');
  const bytes = Buffer.alloc(16);
  [...before, ...zeros, ...after].forEach((group, index) => {
    bytes.writeUInt16BE(Number.parseInt(group, 16), 2 * index);
  });
  return bytes;
}

export type Family = 4 | 6;

export function familyOf({address}: Endpoint): Family {
  return address.length === 4 ? 4 : 6;
}

/** Both as IPv6 where one of them is: an IPv4 address is then mapped (RFC 4291, 2.5.5.2). */
export function ofOneFamily(a: Endpoint, b: Endpoint): [Endpoint, Endpoint] {
  return familyOf(a) === familyOf(b) ? [a, b] : [mapped(a), mapped(b)];
}

function mapped(endpoint: Endpoint): Endpoint {
  if (familyOf(endpoint) === 6) return endpoint;
  return {...endpoint, address: Buffer.concat([Buffer.alloc(10), Buffer.from([0xff, 0xff]), endpoint.address])};
}

/** Where plaintext HTTP is looked for. */
export const httpPort = 80;
/** Of ports that nobody is given: RFC 6335, 6. */
const dynamicPorts = {first: 49_152, count: 16_384};

/**
 * Addresses for an end that is not known, out of those kept for documentation (RFC 5737, RFC 3849): 192.0.2.0/24 and 2001:db8::/32.
 * @param number of the connection: no two of 4 million have the same.
 */
export function madeUpEndpoint(end: 'client' | 'server', family: Family, number: number): Endpoint {
  const port = end === 'server' ? httpPort : dynamicPorts.first + (number % dynamicPorts.count);
  const host = end === 'server' ? 1 : 2 + (Math.floor(number / dynamicPorts.count) % 253);
  if (family === 4) return {address: Buffer.from([192, 0, 2, host]), port};
  const address = Buffer.alloc(16);
  address.writeUInt32BE(0x2001_0db8, 0);
  address.writeUInt8(host, 15);
  return {address, port};
}

/** TCP segments in IP packets: RFC 791, RFC 8200, RFC 9293; checksums by RFC 1071. */

/** One end of a connection. The address has 4 bytes (IPv4) or 16 (IPv6). */
export interface Endpoint {
  readonly address: Buffer;
  readonly port: number;
}

export interface Segment {
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly sequence: number;
  readonly acknowledgement: number;
  readonly flags: number;
  readonly payload: Buffer;
}

export const flag = {fin: 0x01, syn: 0x02, push: 0x08, acknowledge: 0x10} as const;

/** What fits into an IPv4 packet of 65,535 bytes with both headers, and into the window that each segment offers. */
export const maxPayload = 65_495;

const tcpHeader = 20;
const tcpProtocol = 6;

/** The packet of a segment. Both ends have addresses of one kind. */
export function packetOf(segment: Segment): Buffer {
  const {from, to} = segment;
  const tcp = tcpOf(segment);
  return from.address.length === 4 ? ipv4(from.address, to.address, tcp) : ipv6(from.address, to.address, tcp);
}

function tcpOf({from, to, sequence, acknowledgement, flags, payload}: Segment): Buffer {
  const tcp = Buffer.alloc(tcpHeader + payload.length);
  tcp.writeUInt16BE(from.port, 0);
  tcp.writeUInt16BE(to.port, 2);
  tcp.writeUInt32BE(sequence >>> 0, 4);
  tcp.writeUInt32BE(acknowledgement >>> 0, 8);
  tcp.writeUInt8((tcpHeader / 4) << 4, 12);
  tcp.writeUInt8(flags, 13);
  tcp.writeUInt16BE(0xffff, 14); // window
  payload.copy(tcp, tcpHeader);
  const pseudo = Buffer.alloc(8);
  pseudo.writeUInt32BE(tcp.length, 0);
  pseudo.writeUInt8(tcpProtocol, 7);
  tcp.writeUInt16BE(checksum([from.address, to.address, pseudo, tcp]), 16);
  return tcp;
}

function ipv4(from: Buffer, to: Buffer, payload: Buffer): Buffer {
  const header = Buffer.alloc(20);
  header.writeUInt8(0x45, 0);
  header.writeUInt16BE(header.length + payload.length, 2);
  header.writeUInt16BE(0x4000, 6); // do not fragment
  header.writeUInt8(64, 8);
  header.writeUInt8(tcpProtocol, 9);
  from.copy(header, 12);
  to.copy(header, 16);
  header.writeUInt16BE(checksum([header]), 10);
  return Buffer.concat([header, payload]);
}

function ipv6(from: Buffer, to: Buffer, payload: Buffer): Buffer {
  const header = Buffer.alloc(40);
  header.writeUInt8(0x60, 0);
  header.writeUInt16BE(payload.length, 4);
  header.writeUInt8(tcpProtocol, 6);
  header.writeUInt8(64, 7);
  from.copy(header, 8);
  to.copy(header, 24);
  return Buffer.concat([header, payload]);
}

/** The ones' complement of the ones' complement sum of 16-bit words. All parts but the last have even lengths. */
function checksum(parts: readonly Buffer[]): number {
  let sum = 0;
  for (const part of parts) {
    const even = part.length & ~1;
    for (let at = 0; at < even; at += 2) sum += ((part[at] as number) << 8) | (part[at + 1] as number);
    if (part.length > even) sum += (part[even] as number) << 8;
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return ~sum & 0xffff;
}

/**
 * Blocks of a pcapng file, little-endian: draft-ietf-opsawg-pcapng, section 4. Each is padded to 32 bits, and has its length at
 * both ends.
 */

const optionCode = {end: 0, comment: 1, os: 3, application: 4, timeResolution: 9} as const;

/** LINKTYPE_RAW: packets begin with an IPv4 or IPv6 header. */
const rawIp = 101;

/** Section Header Block: who wrote this, and a remark. */
export function sectionHeader({application, comment}: {application: string; comment: string}): Buffer {
  const body = Buffer.alloc(16);
  body.writeUInt32LE(0x1a2b_3c4d, 0); // byte-order magic
  body.writeUInt16LE(1, 4); // version 1.0
  body.writeBigInt64LE(-1n, 8); // the length of the section is not known
  return block(0x0a0d_0d0a, body, [text(optionCode.comment, comment), text(optionCode.application, application)]);
}

/** Interface Description Block: raw IP, with times in nanoseconds. */
export function rawIpInterface(): Buffer {
  const body = Buffer.alloc(8);
  body.writeUInt16LE(rawIp, 0);
  return block(1, body, [option(optionCode.timeResolution, Buffer.from([9]))]);
}

/** Enhanced Packet Block, with remarks. @param timeNs nanoseconds since the epoch. */
export function packetBlock(packet: Buffer, timeNs: bigint, comment: string): Buffer {
  const body = Buffer.alloc(20 + padded(packet.length));
  body.writeUInt32LE(Number(timeNs >> 32n), 4);
  body.writeUInt32LE(Number(timeNs & 0xffff_ffffn), 8);
  body.writeUInt32LE(packet.length, 12);
  body.writeUInt32LE(packet.length, 16);
  packet.copy(body, 20);
  return block(6, body, [text(optionCode.comment, comment)]);
}

function block(type: number, body: Buffer, options: readonly Buffer[]): Buffer {
  const ended = [...options, option(optionCode.end, Buffer.alloc(0))];
  const length = 12 + body.length + ended.reduce((sum, each) => sum + each.length, 0);
  const head = Buffer.alloc(8);
  head.writeUInt32LE(type, 0);
  head.writeUInt32LE(length, 4);
  return Buffer.concat([head, body, ...ended, head.subarray(4, 8)], length);
}

function text(code: number, value: string): Buffer {
  return option(code, Buffer.from(value).subarray(0, 0xffff));
}

function option(code: number, value: Buffer): Buffer {
  const bytes = Buffer.alloc(4 + padded(value.length));
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt16LE(value.length, 2);
  value.copy(bytes, 4);
  return bytes;
}

function padded(length: number): number {
  return (length + 3) & ~3;
}

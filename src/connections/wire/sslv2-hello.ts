/** A ClientHello in the format of SSL 2.0 (RFC 5246, E.2), which no library of today accepts. */
export interface Sslv2Hello {
  readonly kind: 'Sslv2Hello';
}

const headerBytes = 11;

/** `more`: could become one. Its four lengths must agree, so that other bytes are not taken for one. */
export function isSslv2Hello(bytes: Buffer): 'more' | 'no' | 'yes' {
  const [first = 0x80, , type = 1, major = 3] = bytes;
  if (first < 0x80 || type !== 1 || (major !== 3 && major !== 0)) return 'no';
  if (bytes.length < headerBytes) return 'more';
  const length = bytes.readUInt16BE(0) & 0x7fff;
  const [ciphers, session, challenge] = [bytes.readUInt16BE(5), bytes.readUInt16BE(7), bytes.readUInt16BE(9)];
  const agrees = length === headerBytes - 2 + ciphers + session + challenge;
  return agrees && ciphers % 3 === 0 && ciphers > 0 && challenge >= 16 && challenge <= 32 ? 'yes' : 'no';
}

import {isUtf8} from 'node:buffer';

/** Text where the bytes are UTF-8 (a character cut at the end is left out), else base64. */
export function shownBytes(bytes: Buffer, isCut: boolean): {text: string} | {base64: string} {
  const whole = isCut ? withoutCutCharacter(bytes) : bytes;
  return isUtf8(whole) ? {text: whole.toString('utf8')} : {base64: bytes.toString('base64')};
}

/** A header value as text: UTF-8 where it is that, else ISO 8859-1 (RFC 9110, 5.5). */
export function headerText(bytes: Buffer): string {
  return isUtf8(bytes) ? bytes.toString('utf8') : bytes.toString('latin1');
}

function withoutCutCharacter(bytes: Buffer): Buffer {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] as number;
    if (byte < 0x80) return bytes;
    if (byte >= 0xc0) {
      const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return needed > back ? bytes.subarray(0, bytes.length - back) : bytes;
    }
  }
  return bytes;
}

/**
 * Bytes as `%rh` of bpftrace prints them: two lowercase digits a byte, separated by spaces, from a position of a line to its
 * end. Undefined when anything else stands there; an empty buffer when nothing does.
 */
export function hexBytes(line: string, from: number): Buffer | undefined {
  const length = line.length - from;
  if (length === 0) return Buffer.alloc(0);
  if (length % 3 !== 2) return undefined;
  const text = scratchOf(length + 1);
  text.write(line.slice(from), 'latin1');
  text[length] = space;
  const bytes = Buffer.allocUnsafe((length + 1) / 3);
  // Negative as soon as one digit or one space is not what it should be. One pass: this is where the time of a replay goes.
  let fault = 0;
  for (let index = 0, at = 0; index < bytes.length; index++, at += 3) {
    const value = ((digits[text[at] as number] as number) << 4) | (digits[text[at + 1] as number] as number);
    fault |= value | (text[at + 2] === space ? 0 : -1);
    bytes[index] = value;
  }
  return fault < 0 ? undefined : bytes;
}

/** 64-bit little-endian words as `%llx` prints them, separated by single spaces, eight bytes each. Undefined for anything else. */
export function wordBytes(line: string, from: number): Buffer | undefined {
  const length = line.length - from;
  const text = scratchOf(length + 1);
  text.write(line.slice(from), 'latin1');
  text[length] = space;
  const bytes = Buffer.allocUnsafe(countSpaces(text, length + 1) * 8);
  let fault = 0;
  for (let start = 0, at = 0; at < bytes.length; at += 8) {
    let [low, high] = [0, 0];
    let end = start;
    for (let character = text[end] as number; character !== space; character = text[++end] as number) {
      const digit = digits[character] as number;
      fault |= digit;
      high = (high << 4) | (low >>> 28);
      low = (low << 4) | digit;
    }
    // No word is empty, too long, or begins with a zero and goes on.
    if (end === start || end > start + 16 || (text[start] === zero && end > start + 1)) return undefined;
    writeWord(bytes, at, low);
    writeWord(bytes, at + 4, high);
    start = end + 1;
  }
  return fault < 0 ? undefined : bytes;
}

function writeWord(bytes: Buffer, at: number, word: number): void {
  bytes[at] = word;
  bytes[at + 1] = word >>> 8;
  bytes[at + 2] = word >>> 16;
  bytes[at + 3] = word >>> 24;
}

function countSpaces(text: Buffer, length: number): number {
  let spaces = 0;
  for (let index = 0; index < length; index++) if (text[index] === space) spaces++;
  return spaces;
}

const space = 0x20;
const zero = 0x30;

const digits = new Int16Array(256).fill(-1);
[...'0123456789abcdef'].forEach((digit, value) => {
  digits[digit.charCodeAt(0)] = value;
});

/** One buffer for all lines: reading it is twice as fast as reading the characters of a string. */
let scratch = Buffer.alloc(4096);

function scratchOf(length: number): Buffer {
  if (scratch.length < length) scratch = Buffer.alloc(2 * length);
  return scratch;
}

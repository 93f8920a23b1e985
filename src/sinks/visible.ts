/** Makes text and bytes visible: nothing that a terminal would act on gets through. */

/**
 * What a terminal obeys or hides: C0 and C1 controls (ECMA-48), and the characters of Unicode that turn text around, join it or
 * have no width (general category Cf, and the line and paragraph separators).
 */
const unseen = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]|\p{Cf}|\p{Cs}|\p{Co}|\p{Cn}/gu;

/** One line of text from outside, its controls shown as `\x1b` or `\u{202e}`. */
export function visible(text: string): string {
  return text.replaceAll(unseen, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}

/** Payload as lines of text where it is text: UTF-8, and few controls beside line ends and tabs. Undefined where it is not. */
export function textLines(bytes: Buffer): string[] | undefined {
  let text: string;
  try {
    text = new TextDecoder('utf-8', {fatal: true, ignoreBOM: true}).decode(wholeCharacters(bytes));
  } catch {
    return undefined;
  }
  const controls = text.match(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g)?.length ?? 0;
  if (controls * 20 > text.length) return undefined;
  const lines = text.split('\n').map((line) => visible(line.replace(/\r$/, '')).replaceAll('\\x09', '    '));
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

/** A call may end in the middle of a character: up to three bytes at the end are left for that. */
function wholeCharacters(bytes: Buffer): Buffer {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] as number;
    if (byte >= 0xc0) {
      const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return length > back ? bytes.subarray(0, bytes.length - back) : bytes;
    }
    if (byte < 0x80) return bytes;
  }
  return bytes;
}

/** Payload as `hexdump -C` shows it: offset, sixteen bytes, and what is printable ASCII. */
export function hexLines(bytes: Buffer, from = 0): string[] {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const row = bytes.subarray(at, at + 16);
    const pairs = row.toString('hex').match(/../g) ?? [];
    const hex = `${pairs.slice(0, 8).join(' ').padEnd(23)}  ${pairs.slice(8).join(' ').padEnd(23)}`;
    const ascii = row.toString('latin1').replaceAll(/[^\x20-\x7e]/g, '.');
    lines.push(`${(from + at).toString(16).padStart(8, '0')}  ${hex}  |${ascii}|`);
  }
  return lines;
}

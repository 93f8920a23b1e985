/** Bytes to text: UTF-8 where they are that, else each byte as the character of the same number. */
export function textOf(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  return Buffer.from(text, 'utf8').equals(bytes) ? text : bytes.toString('latin1');
}

/**
 * A short copy of a line for a message. It may come from anywhere: whatever a terminal might obey is escaped, and what stands
 * in a record's last field is left out, since that is payload, other people's secrets.
 */
export function quoted(line: string): string {
  const shown = /(?:^|")[A-Z]{1,2}\|/.test(line) ? line.slice(0, line.lastIndexOf('|') + 1) : line;
  const short = shown.slice(0, 80).replaceAll(/[^\x20-\x7e]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
  return shown.length > 80 || shown !== line ? `${short}…` : short;
}

/** A line of JSON, bytes as latin1, to its value. Undefined for one that is no JSON. */
export function parseLine(line: string): unknown {
  try {
    // Nearly all is ASCII, payload above all: only what is not needs to be read as UTF-8.
    return JSON.parse(/[\x80-\xff]/.test(line) ? textOf(Buffer.from(line, 'latin1')) : line);
  } catch {
    // Not JSON: the caller counts the line as malformed.
    return undefined;
  }
}

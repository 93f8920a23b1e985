import {maskField} from './fields.js';
import {asterisks, type Mask} from './mask.js';
import {maskText} from './text.js';

const startLine = /^(?:HTTP\/1\.[01] |\S+ .* HTTP\/1\.[01]\r?$)/;

/**
 * A head of HTTP/1 (or trailers) with asterisks in the place of secrets, as long as it was. Takes and gives one character a byte. A
 * line that is folded, or is no field, is masked as a whole: who reads it how is not known.
 */
export function maskHead(head: string, mask: Mask): string {
  return head
    .split('\n')
    .map((line, index) => maskLine(line, index === 0 && startLine.test(line), mask))
    .join('\n');
}

function maskLine(line: string, isStart: boolean, mask: Mask): string {
  if (isStart) return maskText(line, mask);
  const end = line.endsWith('\r') ? line.length - 1 : line.length;
  if (end === 0) return line;
  const colon = line.indexOf(':');
  if (colon <= 0 || /^\s/.test(line)) return asterisks(line.slice(0, end)) + line.slice(end);
  const name = line.slice(0, colon);
  const blanks = /^[ \t]*/.exec(line.slice(colon + 1, end))?.[0].length ?? 0;
  const from = colon + 1 + blanks;
  return line.slice(0, from) + maskField(name, line.slice(from, end), mask) + line.slice(end);
}

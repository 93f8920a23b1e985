import {pipeline, type Readable} from 'node:stream';
import split from 'split2';

/**
 * Characters in a line, at most. The longest line that a script makes bpftrace print is the map of all open connections:
 * 32,768 keys of some 45 characters.
 */
export const maxLineLength = 4 * 1024 * 1024;

/**
 * Ends a line that did not arrive whole: one that was too long, or the last one of a stream that stopped in mid-line.
 * No byte reads as this character in latin1, so such a line can never pass for a whole one: it is malformed.
 */
export const cutMark = '\u{fffd}';

/**
 * The lines of a byte stream, without their newline, each byte as the character of the same number (latin1): none is lost,
 * whatever the bytes are. A line beyond `maxLineLength` comes cut, with the cut mark. The stream's own error is thrown.
 */
export function toLines(input: Readable): AsyncIterable<string> {
  const lines = split('\n', {decodeStrings: false});
  // An error reaches the reader of `lines`, since pipeline destroys it with that error.
  pipeline(input, limitLines, lines, () => undefined);
  return lines as AsyncIterable<string>;
}

/** split2 checks only the unfinished tail of what it holds, and drops what is too long without a word: so lines are cut here. */
async function* limitLines(input: AsyncIterable<Buffer | string>): AsyncGenerator<string> {
  let length = 0;
  let last = '';
  for await (const chunk of input) {
    const text = typeof chunk === 'string' ? chunk : chunk.toString('latin1');
    const end = text.indexOf('\n');
    if (length + (end < 0 ? text.length : end) <= maxLineLength && text.length <= maxLineLength) {
      yield text;
      length = end < 0 ? length + text.length : text.length - text.lastIndexOf('\n') - 1;
    } else {
      const cut = cutLines(text, length);
      yield cut.text;
      length = cut.length;
    }
    last = text.at(-1) ?? last;
  }
  // An object whose brace is closed is whole; of a plain line nobody can tell.
  if (length > 0 && length <= maxLineLength && last !== '}') yield cutMark;
}

/** `length` is that of the line which the text goes on with; the one returned, that of the line which it ends in. */
function cutLines(text: string, length: number): {text: string; length: number} {
  let before = length;
  const kept = text.split('\n').map((line) => {
    const room = maxLineLength - before;
    before = 0;
    if (line.length <= room) return line;
    return room < 0 ? '' : line.slice(0, room) + cutMark;
  });
  const tail = text.length - text.lastIndexOf('\n') - 1;
  return {text: kept.join('\n'), length: kept.length > 1 ? tail : length + tail};
}

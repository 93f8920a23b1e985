import {deedOf, hexNumber, readCount, readHalves, readTime} from './numbers.js';
import {hexBytes, wordBytes} from './payload.js';
import type {CallRecord, PieceRecord} from './records.js';

const callShape = new RegExp(`^D${`\\|${hexNumber}`.repeat(8)}\\|`);
const callInWordsShape = new RegExp(`^G${`\\|${hexNumber}`.repeat(8)}\\|`);
const moreShape = new RegExp(`^M${`\\|${hexNumber}`.repeat(4)}\\|`);
const chunkShape = new RegExp(`^C${`\\|${hexNumber}`.repeat(4)}\\|`);
const wordsShape = new RegExp(`^W${`\\|${hexNumber}`.repeat(3)}\\|`);
const byteShape = new RegExp(`^B${`\\|${hexNumber}`.repeat(3)}\\|(0|[1-9a-f][0-9a-f]?)$`);

/** D: a call, with the first of its payload, or none of it. */
export function readCall(line: string): CallRecord | undefined {
  const match = callShape.exec(line);
  return match ? call(match as unknown as CallFields, hexBytes(line, match[0].length)) : undefined;
}

/** G: a call, with the first of its payload in words. */
export function readCallInWords(line: string): CallRecord | undefined {
  const match = callInWordsShape.exec(line);
  if (!match) return undefined;
  const fields = match as unknown as CallFields;
  return call(fields, endingWords(line, match[0].length, readCount(fields[8])));
}

function call(fields: CallFields, payload: Buffer | undefined): CallRecord | undefined {
  const [, clock, latency, task, session, since, before, moved, kept] = fields;
  const [pid, tid] = readHalves(task);
  const [functionId, length] = readHalves(moved);
  const deed = deedOf(functionId);
  const latencyNs = readCount(latency);
  const offset = readCount(before);
  const carried = readCount(kept);
  if (latencyNs === undefined || offset === undefined || carried === undefined || payload === undefined)
    return undefined;
  if (deed !== 'receive' && deed !== 'send' && deed !== 'peek') return undefined;
  if (length === 0 || carried > length || payload.length > carried) return undefined;
  return {
    kind: 'call',
    time: readTime(clock),
    thread: tid.toString(16),
    clock,
    latencyNs,
    pid,
    tid,
    session,
    since,
    offset,
    functionId,
    deed,
    length,
    carried,
    payload,
  };
}

type CallFields = [string, string, string, string, string, string, string, string, string];

export function readChunk(line: string): PieceRecord | undefined {
  const match = chunkShape.exec(line);
  if (!match) return undefined;
  const [head, thread, clock, position, carried] = match as unknown as [string, string, string, string, string];
  return piece(thread, clock, position, readCount(carried), hexBytes(line, head.length));
}

/** M: more of a call's payload, in words. */
export function readMore(line: string): PieceRecord | undefined {
  const match = moreShape.exec(line);
  if (!match) return undefined;
  const [head, thread, clock, position, carried] = match as unknown as [string, string, string, string, string];
  return piece(thread, clock, position, readCount(carried), endingWords(line, head.length, readCount(carried)));
}

/**
 * Of words that stand for `carried` bytes, or for as many of these as there are words: whole words in order, zeros where there
 * are fewer, and last of all the eight bytes in which they end. Less than a word is the low end of one.
 */
function endingWords(line: string, from: number, carried: number | undefined): Buffer | undefined {
  const bytes = wordBytes(line, from);
  if (bytes === undefined || carried === undefined) return undefined;
  const length = Math.min(carried, bytes.length);
  if (length >= 8) bytes.copy(bytes, length - 8, bytes.length - 8);
  return bytes.subarray(0, length);
}

export function readWords(line: string): PieceRecord | undefined {
  const match = wordsShape.exec(line);
  if (!match) return undefined;
  const [head, thread, clock, position] = match as unknown as [string, string, string, string];
  const payload = wordBytes(line, head.length);
  return piece(thread, clock, position, payload?.length, payload);
}

export function readByte(line: string): PieceRecord | undefined {
  const match = byteShape.exec(line);
  if (!match) return undefined;
  const [, thread, clock, position, byte] = match as unknown as [string, string, string, string, string];
  return piece(thread, clock, position, 1, Buffer.of(Number.parseInt(byte, 16)));
}

/** A piece without bytes says nothing: no script prints one. */
function piece(
  thread: string,
  clock: string,
  place: string,
  carried: number | undefined,
  payload: Buffer | undefined,
): PieceRecord | undefined {
  const position = readCount(place);
  if (position === undefined || carried === undefined || !payload?.length || payload.length > carried) return undefined;
  return {kind: 'piece', thread, clock, position, carried, payload};
}

import {deedOf, hexNumber, readCount, readHalves, readTime} from './numbers.js';
import {hexBytes, wordBytes} from './payload.js';
import type {CallRecord, PieceRecord} from './records.js';

const callShape = new RegExp(`^D${`\\|${hexNumber}`.repeat(8)}\\|`);
const chunkShape = new RegExp(`^C${`\\|${hexNumber}`.repeat(4)}\\|`);
const wordsShape = new RegExp(`^W${`\\|${hexNumber}`.repeat(3)}\\|`);
const byteShape = new RegExp(`^B${`\\|${hexNumber}`.repeat(3)}\\|(0|[1-9a-f][0-9a-f]?)$`);

export function readCall(line: string): CallRecord | undefined {
  const match = callShape.exec(line);
  if (!match) return undefined;
  const [head, clock, latency, task, session, since, before, moved, kept] = match as unknown as CallFields;
  const [pid, tid] = readHalves(task);
  const [functionId, length] = readHalves(moved);
  const deed = deedOf(functionId);
  const latencyNs = readCount(latency);
  const offset = readCount(before);
  const carried = readCount(kept);
  const payload = hexBytes(line, head.length);
  if (latencyNs === undefined || offset === undefined || carried === undefined || payload === undefined)
    return undefined;
  if (
    deed === undefined ||
    deed === 'guard' ||
    deed === 'syscall' ||
    length === 0 ||
    carried > length ||
    payload.length > carried
  ) {
    return undefined;
  }
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

import {hexNumber, readCount, readHalves, readTime} from './numbers.js';
import {hexBytes} from './payload.js';
import type {
  BeginRecord,
  ErrorRecord,
  OctetsRecord,
  OutcomeRecord,
  SubjectRecord,
  VerdictRecord,
  WireEndRecord,
} from './records.js';

const beginShape = new RegExp(`^A${`\\|${hexNumber}`.repeat(5)}$`);
const outcomeShape = new RegExp(`^H${`\\|${hexNumber}`.repeat(6)}$`);
const errorShape = new RegExp(`^R${`\\|${hexNumber}`.repeat(5)}\\|([0-9a-f ]*)\\|([0-9a-f ]*)$`);
const verdictShape = new RegExp(`^V${`\\|${hexNumber}`.repeat(4)}$`);
const subjectShape = new RegExp(`^K${`\\|${hexNumber}`.repeat(4)}$`);
const wireEndShape = new RegExp(`^Y${`\\|${hexNumber}`.repeat(3)}\\|([01])$`);
const octetsShape = new RegExp(`^O${`\\|${hexNumber}`.repeat(7)}\\|`);

export function readBegin(line: string): BeginRecord | undefined {
  const match = beginShape.exec(line);
  if (!match) return undefined;
  const [, clock, task, session, since, id] = match as unknown as [string, string, string, string, string, string];
  const functionId = readCount(id);
  if (functionId === undefined) return undefined;
  return {kind: 'begin', time: readTime(clock), ...threadOf(task), session, since, functionId};
}

export function readOutcome(line: string): OutcomeRecord | undefined {
  const match = outcomeShape.exec(line);
  if (!match) return undefined;
  const [, clock, latency, task, session, since, told] = match as unknown as string[] & {length: 7};
  const latencyNs = readCount(latency as string);
  const [functionId, result] = readHalves(told as string);
  if (latencyNs === undefined) return undefined;
  return {
    kind: 'outcome',
    time: readTime(clock as string),
    latencyNs,
    ...threadOf(task as string),
    session: session as string,
    since: since as string,
    functionId,
    result: result | 0,
  };
}

export function readError(line: string): ErrorRecord | undefined {
  const match = errorShape.exec(line);
  if (!match) return undefined;
  const [, clock, task, session, what, where, file, name] = match as unknown as string[] & {length: 8};
  const [library, reason] = readHalves(what as string);
  const [lineNumber, functionNumber] = readHalves(where as string);
  const fileBytes = hexBytes(file as string, 0);
  const nameBytes = hexBytes(name as string, 0);
  if (!fileBytes || !nameBytes) return undefined;
  return {
    kind: 'error',
    time: readTime(clock as string),
    ...threadOf(task as string),
    session: session as string,
    library,
    reason,
    line: lineNumber,
    functionNumber,
    file: untilNul(fileBytes),
    function: untilNul(nameBytes),
  };
}

export function readVerdict(line: string): VerdictRecord | undefined {
  const match = verdictShape.exec(line);
  if (!match) return undefined;
  const [, clock, task, session, code] = match as unknown as [string, string, string, string, string];
  return {kind: 'verdict', time: readTime(clock), ...threadOf(task), session, code: Number.parseInt(code, 16) | 0};
}

export function readOctets(line: string): OctetsRecord | undefined {
  const match = octetsShape.exec(line);
  if (!match) return undefined;
  const [head, clock, task, session, channel, moved, error, kept] = match as unknown as string[] & {length: 8};
  const [way, length] = readHalves(moved as string);
  const errno = readCount(error as string);
  const carried = readCount(kept as string);
  const payload = hexBytes(line, (head as string).length);
  if (errno === undefined || carried === undefined || payload === undefined) return undefined;
  const direction = ways[way];
  if (direction === undefined || carried > length || payload.length > carried) return undefined;
  const {pid, tid} = threadOf(task as string);
  return {
    kind: 'octets',
    time: readTime(clock as string),
    thread: tid.toString(16),
    clock: clock as string,
    pid,
    tid,
    session: session as string,
    channel: channel as string,
    direction,
    isByBio: way >= firstBioWay,
    length,
    errno,
    carried,
    payload,
  };
}

const ways = [undefined, 'receive', 'send', 'certificate', 'receive', 'send'] as const;
/** Ways of bytes that go by a BIO. */
const firstBioWay = 4;

export function readSubject(line: string): SubjectRecord | undefined {
  const match = subjectShape.exec(line);
  if (!match) return undefined;
  const [, clock, task, session, pointer] = match as unknown as [string, string, string, string, string];
  return {kind: 'subject', time: readTime(clock), ...threadOf(task), session, pointer};
}

export function readWireEnd(line: string): WireEndRecord | undefined {
  const match = wireEndShape.exec(line);
  if (!match) return undefined;
  const [, clock, task, channel, why] = match as unknown as [string, string, string, string, string];
  return {kind: 'wire-end', time: readTime(clock), ...threadOf(task), channel, isClosed: why === '0'};
}

function threadOf(task: string): {pid: number; tid: number} {
  const [pid, tid] = readHalves(task);
  return {pid, tid};
}

/** Names in a library are text; what else stands there is made visible by who shows it. */
function untilNul(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('latin1', 0, end < 0 ? bytes.length : end);
}

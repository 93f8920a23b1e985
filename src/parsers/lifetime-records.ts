import {hexNumber, readCount, readTime} from './numbers.js';
import {hexBytes} from './payload.js';
import type {EndRecord, ExitRecord, GateRecord, ProcessRecord} from './records.js';
import {textOf} from './text.js';

const processShape = new RegExp(`^P\\|${hexNumber}\\|${hexNumber}\\|${hexNumber}?\\|${hexNumber}\\|`);
const endShape = new RegExp(`^X${`\\|${hexNumber}`.repeat(6)}$`);
const exitShape = new RegExp(`^E\\|${hexNumber}\\|${hexNumber}$`);
const gateShape = new RegExp(`^Z\\|${hexNumber}$`);

/** TASK_COMM_LEN in linux/sched.h. */
const commLength = 16;

export function readProcess(line: string): ProcessRecord | undefined {
  const match = processShape.exec(line);
  if (!match) return undefined;
  const [head, clock, id, parent, user] = match as unknown as [string, string, string, string | undefined, string];
  const pid = readCount(id);
  const ppid = parent === undefined ? undefined : readCount(parent);
  const uid = readCount(user);
  const name = hexBytes(line, head.length);
  if (pid === undefined || uid === undefined || name === undefined || name.length > commLength) return undefined;
  return {
    kind: 'process',
    time: readTime(clock),
    pid,
    uid,
    ...(ppid !== undefined && {ppid}),
    ...(name.length > 0 && {comm: textOf(untilNul(name))}),
  };
}

function untilNul(bytes: Buffer): Buffer {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

export function readEnd(line: string): EndRecord | undefined {
  const match = endShape.exec(line);
  if (!match) return undefined;
  const [, clock, id, session, since, inward, outward] = match as unknown as string[] & {length: 7};
  const pid = readCount(id as string);
  const received = readCount(inward as string);
  const sent = readCount(outward as string);
  if (pid === undefined || received === undefined || sent === undefined) return undefined;
  return {
    kind: 'end',
    time: readTime(clock as string),
    pid,
    session: session as string,
    since: since as string,
    received,
    sent,
  };
}

export function readExit(line: string): ExitRecord | undefined {
  const match = exitShape.exec(line);
  const pid = readCount(match?.[2] ?? '');
  return match && pid !== undefined ? {kind: 'exit', time: readTime(match[1] as string), pid} : undefined;
}

export function readGate(line: string): GateRecord | undefined {
  const processor = readCount(gateShape.exec(line)?.[1] ?? '');
  return processor === undefined ? undefined : {kind: 'gate', processor};
}

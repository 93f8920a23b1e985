import {inetText} from './addresses.js';
import {hexNumber, readCount, readHalves, readTime} from './numbers.js';
import type {AddressRecord} from './records.js';

const addressShape = new RegExp(`^N${`\\|${hexNumber}`.repeat(11)}$`);
const attributions = [undefined, 'nested', 'declared', 'matched'] as const;

export function readAddress(line: string): AddressRecord | undefined {
  const match = addressShape.exec(line);
  if (!match) return undefined;
  const [, clock, id, session, since, call, socket, kind, ...words] = match as unknown as string[] & {length: 12};
  const pid = readCount(id as string);
  const functionId = readCount(call as string);
  const [how, fd] = readHalves(socket as string);
  const [family, ports] = readHalves(kind as string);
  const attribution = attributions[how];
  if (pid === undefined || functionId === undefined || attribution === undefined) return undefined;
  return {
    kind: 'address',
    time: readTime(clock as string),
    pid,
    session: session as string,
    since: since as string,
    functionId,
    place: {fd, ...endsOf(family, ports, words), attribution},
  };
}

/** Both ends of a socket: ports (local in the upper half), and the two words of each address. None for a family without them. */
export function endsOf(
  family: number,
  ports: number,
  [local = '0', localRest = '0', remote = '0', remoteRest = '0']: readonly string[],
): {local?: string; remote?: string} {
  const length = new Map([
    [2, 4],
    [10, 16],
  ]).get(family);
  if (length === undefined) return {};
  const port = ports & 0xffff;
  return {
    local: inetText(addressBytes(local, localRest, length), ports >>> 16),
    ...(port > 0 && {remote: inetText(addressBytes(remote, remoteRest, length), port)}),
  };
}

/** Two 64-bit words as the kernel's memory holds them. */
function addressBytes(word: string, rest: string, length: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeBigUInt64LE(BigInt(`0x${word}`), 0);
  bytes.writeBigUInt64LE(BigInt(`0x${rest}`), 8);
  return bytes.subarray(0, length);
}

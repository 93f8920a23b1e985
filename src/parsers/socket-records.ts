import {inetText, unixText} from './addresses.js';
import {deedOf, hexNumber, readCount, readHalves, readTime} from './numbers.js';
import {hexBytes} from './payload.js';
import type {
  AddressRecord,
  ConnectEndRecord,
  InsideRecord,
  NameRecord,
  SocketRecord,
  SystemCallRecord,
} from './records.js';

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

/**
 * Both ends of a socket: ports (local in the upper half), and the two words of each address. None for a family without them; an
 * end without a port is not known.
 */
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
  const localPort = ports >>> 16;
  const remotePort = ports & 0xffff;
  return {
    ...(localPort > 0 && {local: inetText(addressBytes(local, localRest, length), localPort)}),
    ...(remotePort > 0 && {remote: inetText(addressBytes(remote, remoteRest, length), remotePort)}),
  };
}

/** Two 64-bit words as the kernel's memory holds them. */
function addressBytes(word: string, rest: string, length: number): Buffer {
  return wordsToBytes([word, rest]).subarray(0, length);
}

const socketShape = new RegExp(`^T${`\\|${hexNumber}`.repeat(11)}$`);
const insideShape = new RegExp(`^I${`\\|${hexNumber}`.repeat(4)}$`);
const nameShape = new RegExp(`^U${`\\|${hexNumber}`.repeat(3)}\\|`);
const systemCallShape = new RegExp(`^Q${`\\|${hexNumber}`.repeat(11)}\\|`);

export function readSocket(line: string): SocketRecord | undefined {
  const match = socketShape.exec(line);
  if (!match) return undefined;
  const [, clock, id, descriptor, mark, kind, portPair, addressPair, ...words] = match as unknown as string[] & {
    length: 12;
  };
  const pid = readCount(id as string);
  const fd = readCount(descriptor as string);
  if (pid === undefined || fd === undefined) return undefined;
  const [family, rest] = readHalves(kind as string);
  return {
    kind: 'socket',
    time: readTime(clock as string),
    pid,
    fd,
    mark: mark as string,
    socket: {family, type: rest >>> 16, protocol: rest & 0xffff, ...pairedEnds(family, portPair, addressPair, words)},
  };
}

/**
 * Both ends as the kernel keeps them, `struct sock_common` in include/net/sock.h: skc_portpair has the remote port (in network
 * order) in its lower and the local one in its upper half, skc_addrpair the remote IPv4 address in its lower half.
 */
function pairedEnds(
  family: number,
  portPair = '0',
  addressPair = '0',
  words: readonly string[] = [],
): {local?: string; remote?: string} {
  const [, pair] = readHalves(portPair);
  const remotePort = ((pair & 0xff) << 8) | ((pair >>> 8) & 0xff);
  const [local, remote] = readHalves(addressPair).map((word) => word.toString(16));
  const ports = ((pair >>> 16) << 16) | remotePort;
  return endsOf(family, ports, family === 2 ? [local ?? '0', '0', remote ?? '0', '0'] : words);
}

export function readInside(line: string): InsideRecord | undefined {
  const match = insideShape.exec(line);
  if (!match) return undefined;
  const [, clock, task, session, since] = match as unknown as [string, string, string, string, string];
  const [pid, tid] = readHalves(task);
  return {kind: 'inside', time: readTime(clock), pid, tid, session, since};
}

export function readName(line: string): NameRecord | undefined {
  const match = nameShape.exec(line);
  if (!match) return undefined;
  const [head, clock, task, size] = match as unknown as [string, string, string, string];
  const [pid, tid] = readHalves(task);
  const length = readCount(size);
  const bytes = hexBytes(line, head.length);
  if (bytes === undefined || length === undefined) return undefined;
  return {kind: 'name', time: readTime(clock), pid, tid, name: unixText(bytes.subarray(0, length))};
}

export function readSystemCall(line: string): SystemCallRecord | undefined {
  const match = systemCallShape.exec(line);
  if (!match) return undefined;
  const [head, clock, latency, task, call, ret, mark, first, second, third, more, kept] =
    match as unknown as string[] & {
      length: 12;
    };
  const [pid, tid] = readHalves(task as string);
  const [functionId, fd] = readHalves(call as string);
  const latencyNs = readCount(latency as string);
  const carried = readCount(kept as string);
  const result = Number(BigInt.asIntN(64, BigInt(`0x${ret}`)));
  const payload = hexBytes(line, (head as string).length);
  if (latencyNs === undefined || carried === undefined || payload === undefined) return undefined;
  if (deedOf(functionId) !== 'syscall' || carried > Math.max(0, result) || payload.length > carried) return undefined;
  return {
    kind: 'syscall',
    time: readTime(clock as string),
    thread: tid.toString(16),
    clock: clock as string,
    latencyNs,
    pid,
    tid,
    functionId,
    fd: fd | 0,
    result,
    mark: mark as string,
    address: wordsToBytes([first ?? '0', second ?? '0', third ?? '0']),
    detail: readHalves(more as string),
    carried,
    payload,
  };
}

const connectEndShape = new RegExp(`^J${`\\|${hexNumber}`.repeat(6)}$`);

export function readConnectEnd(line: string): ConnectEndRecord | undefined {
  const match = connectEndShape.exec(line);
  if (!match) return undefined;
  const [, clock, latency, task, descriptor, mark, outcome] = match as unknown as string[] & {length: 7};
  const latencyNs = readCount(latency as string);
  const fd = readCount(descriptor as string);
  const [pid, tid] = readHalves(task as string);
  const [state, error] = readHalves(outcome as string);
  if (latencyNs === undefined || fd === undefined) return undefined;
  return {
    kind: 'connect-end',
    time: readTime(clock as string),
    latencyNs,
    pid,
    tid,
    fd,
    mark: mark as string,
    // TCP_ESTABLISHED in net/tcp_states.h.
    isConnected: state === 1,
    error,
  };
}

function wordsToBytes(words: readonly string[]): Buffer {
  const bytes = Buffer.alloc(8 * words.length);
  for (const [index, word] of words.entries()) bytes.writeBigUInt64LE(BigInt(`0x${word}`), 8 * index);
  return bytes;
}

import type {ConnectionRef, SocketEvent} from '../events.js';
import {families, inetText} from './addresses.js';
import type {Payload} from './calls.js';
import {errorNames} from './error-names.js';
import type {Process} from './processes.js';
import type {ConnectEndRecord, Socket, SystemCallRecord} from './records.js';

/** What is known of a system call beside its record. */
export interface SystemCall {
  readonly record: SystemCallRecord;
  readonly name: string;
  readonly payload: Payload;
  readonly socket: Socket | undefined;
  /** The name of a Unix socket that the call was given. */
  readonly unixName: string | undefined;
  readonly process: Process;
  readonly connection: ConnectionRef | undefined;
}

/** A system call on a socket to its event; `time` as events have it. */
export function socketEvent(call: SystemCall, time: string): SocketEvent {
  const {record, name, payload, process, connection} = call;
  const {pid, tid, fd, result, latencyNs} = record;
  const detail = detailOf(call);
  const family = families.get(familyOf(call));
  const protocol = protocolOf(call);
  const errno = result < 0 ? (errorNames.get(-result) ?? String(-result)) : undefined;
  const isTransfer = transfers.has(name) && result >= 0;
  return {
    type: 'socket',
    time,
    pid,
    tid,
    ...(process.uid !== undefined && {uid: process.uid}),
    ...(process.comm !== undefined && {comm: process.comm}),
    syscall: name,
    ...(name !== 'socket' && {fd}),
    result: Math.max(-1, result),
    ...(errno !== undefined && {errno}),
    ...(family !== undefined && {family}),
    ...(protocol !== undefined && {protocol}),
    ...endsOfCall(call),
    ...(detail !== undefined && {detail}),
    ...(isTransfer && {
      length: result,
      captured: payload.bytes.length,
      payload: payload.bytes.toString('base64'),
      ...(payload.gaps.length > 0 && {gaps: payload.gaps}),
    }),
    latencyNs,
    ...(connection && {connection}),
  };
}

/** How a connect ended that did not wait; its latency is from the call to this end. */
export function connectEndEvent(
  {pid, tid, fd, latencyNs, isConnected, error}: ConnectEndRecord,
  socket: Socket | undefined,
  process: Process,
  time: string,
): SocketEvent {
  const family = socket && families.get(socket.family);
  return {
    type: 'socket',
    time,
    pid,
    tid,
    ...(process.uid !== undefined && {uid: process.uid}),
    ...(process.comm !== undefined && {comm: process.comm}),
    syscall: 'connect',
    fd,
    result: isConnected ? 0 : -1,
    ...(!isConnected && error > 0 && {errno: errorNames.get(error) ?? String(error)}),
    ...(family !== undefined && {family}),
    protocol: 'tcp',
    ...(socket?.local && {local: socket.local}),
    ...(socket?.remote && {remote: socket.remote}),
    detail: isConnected || error > 0 ? 'EINPROGRESS before' : 'EINPROGRESS before, given up',
    latencyNs,
  };
}

const transfers = new Set(['sendto', 'recvfrom', 'sendmsg', 'recvmsg', 'read', 'write', 'readv', 'writev']);

function familyOf({socket, name, record}: SystemCall): number {
  return socket?.family ?? (name === 'socket' ? record.detail[0] : record.address.readUInt16LE(0));
}

/** The protocol's usual name: tcp, udp; for Unix sockets and others, the type. */
function protocolOf({socket}: SystemCall): string | undefined {
  if (!socket) return undefined;
  return protocols.get(socket.protocol) ?? types.get(socket.type)?.slice('SOCK_'.length).toLowerCase();
}

/** IPPROTO_* in linux/in.h. */
const protocols: ReadonlyMap<number, string> = new Map([
  [1, 'icmp'],
  [6, 'tcp'],
  [17, 'udp'],
  [58, 'icmpv6'],
  [132, 'sctp'],
  [262, 'mptcp'],
]);

/** SOCK_* in linux/net.h. */
const types: ReadonlyMap<number, string> = new Map([
  [1, 'SOCK_STREAM'],
  [2, 'SOCK_DGRAM'],
  [3, 'SOCK_RAW'],
  [5, 'SOCK_SEQPACKET'],
]);

const howToShutDown = ['SHUT_RD', 'SHUT_WR', 'SHUT_RDWR'];

function detailOf({name, record}: SystemCall): string | undefined {
  const [, value] = record.detail;
  if (name === 'listen') return `backlog ${value | 0}`;
  if (name === 'shutdown') return howToShutDown[value];
  if (name !== 'socket') return undefined;
  return [
    types.get(value & 0xf) ?? `type ${value & 0xf}`,
    // SOCK_NONBLOCK and SOCK_CLOEXEC are O_NONBLOCK and O_CLOEXEC.
    ...(value & 0o4000 ? ['SOCK_NONBLOCK'] : []),
    ...(value & 0o2000000 ? ['SOCK_CLOEXEC'] : []),
  ].join('|');
}

/** The socket's own ends; where it is not connected or bound, the address that the call was given, or gave. */
function endsOfCall(call: SystemCall): {local?: string; remote?: string} {
  const {socket, name, record, unixName} = call;
  const given = unixName ?? givenAddress(record.address);
  const isGiven =
    name === 'connect' ||
    name === 'sendto' ||
    name === 'sendmsg' ||
    // Only the kernel's own word counts, and it fills this in for datagrams of the internet families.
    (record.result >= 0 &&
      socket?.type === 2 &&
      record.address.readUInt16LE(0) === socket.family &&
      socket.family !== 1);
  const local = socket?.local ?? (name === 'bind' ? given : undefined);
  const remote = socket?.remote ?? (isGiven && name !== 'bind' ? given : undefined);
  return {...(local && {local}), ...(remote && {remote})};
}

/** A `struct sockaddr_in` or `sockaddr_in6`, linux/in.h and linux/in6.h. */
function givenAddress(address: Buffer): string | undefined {
  const family = address.readUInt16LE(0);
  const port = address.readUInt16BE(2);
  if (family === 2) return inetText(address.subarray(4, 8), port);
  return family === 10 ? inetText(address.subarray(8, 24), port) : undefined;
}

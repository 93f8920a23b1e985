import type {Direction} from '../model.js';

/**
 * A traced system call: its number in records (hundreds: 9), and what its tracepoint calls the arguments that matter.
 * Source: /sys/kernel/tracing/events/syscalls/sys_enter_NAME/format, the same on every architecture.
 */
export interface SocketCall {
  readonly id: number;
  readonly name: string;
  readonly fd?: string;
  /** The descriptor need not be a socket. */
  readonly mayBeFile?: true;
  /** Which way its bytes move. */
  readonly direction?: Direction;
  /** Bytes that move: in one buffer, or behind a list of `struct iovec`, or behind a `struct msghdr`. */
  readonly buffer?: string;
  readonly vector?: string;
  readonly message?: string;
  /** A `struct sockaddr`, and its length where the call is given one. */
  readonly address?: string;
  readonly length?: string;
  /** Where accept leaves the address of the other end, and the length of that. */
  readonly peer?: string;
  readonly peerLength?: string;
  /** A number that says more: the backlog, how to shut down. */
  readonly detail?: string;
}

const fd = 'fd';

export const socketCalls: readonly SocketCall[] = [
  {id: 901, name: 'socket'},
  {id: 902, name: 'connect', fd, address: 'uservaddr', length: 'addrlen'},
  {id: 903, name: 'accept', fd, peer: 'upeer_sockaddr', peerLength: 'upeer_addrlen'},
  {id: 904, name: 'accept4', fd, peer: 'upeer_sockaddr', peerLength: 'upeer_addrlen'},
  {id: 905, name: 'bind', fd, address: 'umyaddr', length: 'addrlen'},
  {id: 906, name: 'listen', fd, detail: 'backlog'},
  {id: 907, name: 'shutdown', fd, detail: 'how'},
  {id: 908, name: 'close', fd, mayBeFile: true},
  {id: 909, name: 'sendto', fd, direction: 'send', buffer: 'buff', address: 'addr', length: 'addr_len'},
  {id: 910, name: 'recvfrom', fd, direction: 'receive', buffer: 'ubuf', address: 'addr'},
  {id: 911, name: 'sendmsg', fd, direction: 'send', message: 'msg'},
  {id: 912, name: 'recvmsg', fd, direction: 'receive', message: 'msg'},
  {id: 913, name: 'read', fd, direction: 'receive', mayBeFile: true, buffer: 'buf'},
  {id: 914, name: 'write', fd, direction: 'send', mayBeFile: true, buffer: 'buf'},
  {id: 915, name: 'readv', fd, direction: 'receive', mayBeFile: true, vector: 'vec'},
  {id: 916, name: 'writev', fd, direction: 'send', mayBeFile: true, vector: 'vec'},
];

/** Calls after which a descriptor may stand for another file, and what their tracepoints call it. */
export const descriptorEnds: readonly {readonly name: string; readonly fd: string}[] = [
  {name: 'close', fd},
  {name: 'dup2', fd: 'newfd'},
  {name: 'dup3', fd: 'newfd'},
];

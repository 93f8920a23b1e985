import type {ConnectionRef} from '../events.js';

/** One line that a script printed, as docs/records.md says. Times are nanoseconds of the kernel's clock. */
export type TraceRecord =
  | AnchorRecord
  | SettingRecord
  | LibraryRecord
  | FunctionRecord
  | ProcessRecord
  | CallRecord
  | PieceRecord
  | EndRecord
  | AddressRecord
  | SocketRecord
  | InsideRecord
  | NameRecord
  | SystemCallRecord
  | ConnectEndRecord
  | ExitRecord
  | HandshakeRecord
  | OctetsRecord
  | GateRecord;

/** TK: the kernel's clock and the wall clock at one moment. */
export interface AnchorRecord {
  readonly kind: 'anchor';
  readonly version: number;
  readonly nsecs: bigint;
  /** Nanoseconds since 1970. */
  readonly epochNs: bigint;
}

/** S. */
export interface SettingRecord {
  readonly kind: 'setting';
  readonly key: string;
  readonly value: string;
}

/** L: a part of the path of a probed file, as bytes in latin1. */
export interface LibraryRecord {
  readonly kind: 'library';
  readonly target: number;
  readonly part: number;
  readonly library: string;
  readonly path: string;
}

/** F. */
export interface FunctionRecord {
  readonly kind: 'function';
  readonly id: number;
  readonly library: string;
  readonly name: string;
}

/** P. */
export interface ProcessRecord {
  readonly kind: 'process';
  readonly time: bigint;
  readonly pid: number;
  readonly ppid?: number;
  readonly uid: number;
  readonly comm?: string;
}

/** D: a call that moved bytes. `thread` and `clock` are its tid and time as printed: what its pieces are known by. */
export interface CallRecord {
  readonly kind: 'call';
  readonly time: bigint;
  readonly thread: string;
  readonly clock: string;
  readonly latencyNs: number;
  readonly pid: number;
  readonly tid: number;
  /** The session's pointer and the connection's first time, as printed: names, never counted with. */
  readonly session: string;
  readonly since: string;
  readonly offset: number;
  readonly functionId: number;
  readonly deed: 'receive' | 'send' | 'peek';
  readonly length: number;
  readonly carried: number;
  readonly payload: Buffer;
}

/** C, W, B: `carried` bytes of a call's payload were meant to stand at `position`. */
export interface PieceRecord {
  readonly kind: 'piece';
  readonly thread: string;
  readonly clock: string;
  readonly position: number;
  readonly carried: number;
  readonly payload: Buffer;
}

/** X: a session ended. */
export interface EndRecord {
  readonly kind: 'end';
  readonly time: bigint;
  readonly pid: number;
  readonly session: string;
  readonly since: string;
  readonly received: number;
  readonly sent: number;
}

/** N: which socket a session uses. */
export interface AddressRecord {
  readonly kind: 'address';
  readonly time: bigint;
  readonly pid: number;
  readonly session: string;
  readonly since: string;
  /** The function inside which it was learned. */
  readonly functionId: number;
  readonly place: Place;
}

/** Where a connection goes, and how that is known. */
export type Place = Omit<ConnectionRef, 'id'>;

/** A socket as the kernel knows it; numbers as in linux/socket.h, linux/net.h and linux/in.h. */
export interface Socket {
  readonly family: number;
  readonly type: number;
  readonly protocol: number;
  readonly local?: string;
  readonly remote?: string;
}

/** Y: which socket a descriptor stands for. `mark` is another one once that socket, or one of its ends, is. */
export interface SocketRecord {
  readonly kind: 'socket';
  readonly time: bigint;
  readonly pid: number;
  readonly fd: number;
  readonly mark: string;
  readonly socket: Socket;
}

/** I: the system call of this thread that began at this time was made inside a call on this session. */
export interface InsideRecord {
  readonly kind: 'inside';
  readonly time: bigint;
  readonly pid: number;
  readonly tid: number;
  readonly session: string;
  readonly since: string;
}

/** U: the name of a Unix socket that the system call of this thread, which began at this time, was given. */
export interface NameRecord {
  readonly kind: 'name';
  readonly time: bigint;
  readonly pid: number;
  readonly tid: number;
  readonly name: string;
}

/** Q: a system call on a socket returned. `result` is negative for an error; `address` is what the call was given, or zeros. */
export interface SystemCallRecord {
  readonly kind: 'syscall';
  readonly time: bigint;
  readonly thread: string;
  readonly clock: string;
  readonly latencyNs: number;
  readonly pid: number;
  readonly tid: number;
  readonly functionId: number;
  readonly fd: number;
  readonly result: number;
  readonly mark: string;
  readonly address: Buffer;
  readonly detail: readonly [number, number];
  readonly carried: number;
  readonly payload: Buffer;
}

/** J: a connect that did not wait has ended. Without an error and not connected, the program gave it up. */
export interface ConnectEndRecord {
  readonly kind: 'connect-end';
  readonly time: bigint;
  readonly latencyNs: number;
  readonly pid: number;
  readonly tid: number;
  readonly fd: number;
  readonly mark: string;
  readonly isConnected: boolean;
  readonly error: number;
}

/** E: a process exited, or started another program. */
export interface ExitRecord {
  readonly kind: 'exit';
  readonly time: bigint;
  readonly pid: number;
}

/** Z: the gate is closed, and nothing follows from this processor. */
export interface GateRecord {
  readonly kind: 'gate';
  readonly processor: number;
}

/** What tells of a handshake, or of a call that failed: in the order of a thread, its errors and verdicts come before its outcome. */
export type HandshakeRecord = BeginRecord | OutcomeRecord | ErrorRecord | VerdictRecord | SubjectRecord | WireEndRecord;

/** A: a handshake function is called on a session that was not seen before. */
export interface BeginRecord {
  readonly kind: 'begin';
  readonly time: bigint;
  readonly pid: number;
  readonly tid: number;
  readonly session: string;
  readonly since: string;
  readonly functionId: number;
}

/** H: a call returned, in which a handshake may have run or an error was raised. */
export interface OutcomeRecord {
  readonly kind: 'outcome';
  readonly time: bigint;
  readonly latencyNs: number;
  readonly pid: number;
  readonly tid: number;
  readonly session: string;
  readonly since: string;
  readonly functionId: number;
  /** The function's result, an int. */
  readonly result: number;
}

/** R: an error was put into the library's queue. What the library did not say is 0 or empty. */
export interface ErrorRecord {
  readonly kind: 'error';
  readonly time: bigint;
  readonly pid: number;
  readonly tid: number;
  readonly session: string;
  readonly library: number;
  readonly reason: number;
  readonly functionNumber: number;
  readonly line: number;
  readonly file: string;
  readonly function: string;
}

/** V: what the verification of a certificate came to. */
export interface VerdictRecord {
  readonly kind: 'verdict';
  readonly time: bigint;
  readonly pid: number;
  readonly tid: number;
  readonly session: string;
  readonly code: number;
}

/** Y: no more is shown of what goes by a descriptor: it was closed, or what follows is encrypted (or too much). */
export interface WireEndRecord {
  readonly kind: 'wire-end';
  readonly time: bigint;
  readonly pid: number;
  readonly tid: number;
  readonly channel: string;
  readonly isClosed: boolean;
}

/** K: the certificate at this address is to be verified. */
export interface SubjectRecord {
  readonly kind: 'subject';
  readonly time: bigint;
  readonly pid: number;
  readonly tid: number;
  readonly session: string;
  readonly pointer: string;
}

/**
 * O: bytes of the connection itself, at a system call (its descriptor is the channel) during a handshake; or a certificate
 * that was taken apart (its address is the channel).
 */
export interface OctetsRecord {
  readonly kind: 'octets';
  readonly time: bigint;
  readonly thread: string;
  readonly clock: string;
  readonly pid: number;
  readonly tid: number;
  readonly session: string;
  readonly channel: string;
  readonly direction: 'receive' | 'send' | 'certificate';
  readonly isByBio: boolean;
  /** Bytes moved; 0 with errno 0 where the other side has closed. */
  readonly length: number;
  readonly errno: number;
  readonly carried: number;
  readonly payload: Buffer;
}

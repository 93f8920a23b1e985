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
export type HandshakeRecord = BeginRecord | OutcomeRecord | ErrorRecord | VerdictRecord | SubjectRecord;

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
  /** Bytes moved; 0 with errno 0 where the other side has closed. */
  readonly length: number;
  readonly errno: number;
  readonly carried: number;
  readonly payload: Buffer;
}

/**
 * The nouns that travel the road (see trace.ts), as plain data: each can be written as JSON.
 * Events have a file of their own, events.ts, made from schema/events-1.json by the build.
 */

import type {ConnectionRef, ErrorEvent, HandshakeEvent} from './events.js';

export type {
  ConnectionEvent,
  ConnectionTotals,
  DataEvent,
  ErrorEvent,
  HandshakeEvent,
  Header,
  HttpRequest,
  HttpResponse,
  LossEvent,
  MessageEvent,
  ProcessEvent,
  SessionEvent,
  SocketEvent,
  SummaryEvent,
  TracedLibrary,
  TraceEvent,
  WarningEvent,
} from './events.js';

/** Which way the plaintext goes, seen from the traced process. */
export type Direction = 'receive' | 'send';

/**
 * What a function of a TLS library does with plaintext.
 * `receive`, `send`: moves bytes. `peek`: shows bytes that a later call will move. `guard`: moves bytes that were counted
 * before, by calling functions that are probed: those must not be counted again. `forget`: ends the session of its pointer.
 * `handshake`: goes on with a handshake, and returns 1 when it is done. `shutdown`: sends or awaits the end of the session.
 * `declare`: says which descriptor the session uses. `adopt`: gives the session another BIO.
 * `side`: makes the session a client's or a server's.
 */
export type Deed =
  | 'receive'
  | 'send'
  | 'peek'
  | 'guard'
  | 'forget'
  | 'handshake'
  | 'shutdown'
  | 'declare'
  | 'adopt'
  | 'side';

/** Where a call tells how many bytes it moved: in its result, or behind a pointer argument when its result is one of `success`. */
export type Moved = {in: 'result'} | {in: 'argument'; argument: number; success: readonly [number, number]};

/** One probed function: its name, and where its arguments are (counted from 0). */
export interface LibraryFunction {
  readonly name: string;
  readonly deed: Deed;
  /** The argument that points to the session (`SSL *`, `gnutls_session_t`). */
  readonly session: number;
  /** The argument that points to the plaintext; absent where the call has none (SSL_sendfile). */
  readonly buffer?: number;
  /** The argument that is the descriptor, of a function that declares one. */
  readonly descriptor?: number;
  /** The argument that points to the BIO, of a function that adopts one. */
  readonly bio?: number;
  readonly moved?: Moved;
  /** Functions whose bodies may jump here, so that both share one stack frame and are one call, named for the first. */
  readonly jumpedToBy?: readonly string[];
  /** The first version that has it. Left out of a script for a library that is not at hand to look into. */
  readonly since?: string;
  /** Where the above is written: a header, a manual page, or a measurement. */
  readonly source: string;
}

/**
 * What a function of the companion shows. `place`: where an error is about to be raised (file, line, function). `raise`: an
 * error, its library and reason. `put`: both at once. `verdict`: by its result, what a verification came to.
 * `certificate`: one that is decoded, behind a pointer to a pointer. `subject`: the certificate to be verified.
 * `arrive`, `leave`: bytes of the connection, by a BIO. `control`: sets a number of a BIO, and one of those is its descriptor.
 */
export type CompanionDeed =
  | 'place'
  | 'raise'
  | 'put'
  | 'verdict'
  | 'certificate'
  | 'subject'
  | 'arrive'
  | 'leave'
  | 'control';

export interface CompanionFunction {
  readonly name: string;
  readonly deed: CompanionDeed;
  readonly source: string;
}

/** The library beside a TLS library, in which errors are raised and certificates judged. */
export interface Companion {
  /** Matches the name by which the TLS library needs it. Where that is linked in statically, it is the same file. */
  readonly fileName: RegExp;
  readonly functions: readonly CompanionFunction[];
}

/** What a TLS library is: one data file in libraries/. */
export interface Library {
  /** The word that a user types. */
  readonly name: string;
  readonly title: string;
  /** Matches the file name or SONAME of the shared object. */
  readonly fileName: RegExp;
  /** Finds the version in the library's own strings; its first group is the version. */
  readonly versionString: RegExp;
  /** The functions without which nothing can be traced: at least one must be present. */
  readonly functions: readonly LibraryFunction[];
  readonly companion?: Companion;
  /**
   * Programs that carry this library's records through memory to their sockets themselves, and run callbacks inside of its
   * calls: there, a system call inside a call may be about another connection. They are known by a function that they export;
   * they call the other one before any of the library's calls, and nothing else probes it.
   */
  readonly carriedBy?: {readonly exports: string; readonly calls: string};
  /** Functions that other libraries of the same family export under the same names, told apart by these strings. */
  readonly variants?: readonly {readonly name: string; readonly versionString: RegExp}[];
}

/** A process as /proc shows it. Absent is unknown (no permission, or it has gone). */
export interface Process {
  readonly pid: number;
  readonly ppid?: number;
  readonly uid?: number;
  readonly comm?: string;
  readonly exe?: string;
  readonly argv?: readonly string[];
  readonly cgroup?: string;
  /** Milliseconds since the epoch. */
  readonly startedAtMs?: number;
}

/** One underlying file that holds a TLS library, and the processes that map it. */
export interface Target {
  readonly library: string;
  /** The path as the processes name it. */
  readonly path: string;
  /** A path by which bpftrace, in our mount namespace, reaches the very same file. */
  readonly attachPath: string;
  readonly version?: string;
  readonly variant?: string;
  readonly soname?: string;
  readonly buildId?: string;
  /** `shared`: a library of its own. `static`: linked into an executable (or exported by one, as Node.js does). */
  readonly linkage: 'shared' | 'static';
  /** The library's functions (those of the data file) that this file has, and those it lacks. */
  readonly functions: readonly string[];
  readonly missing: readonly string[];
  /** The file beside it that holds functions of the library's companion, and which. */
  readonly companion?: FoundCompanion;
  /** The program carries the records of this library through memory to its sockets. */
  readonly carries?: boolean;
  readonly pids: readonly number[];
  /** The container (its id, shortened), where the cgroup names one. */
  readonly container?: string;
  readonly traceable: boolean;
  /** Why not, in one sentence, when it is not traceable. */
  readonly reason?: string;
}

export interface FoundCompanion {
  readonly attachPath: string;
  readonly functions: readonly string[];
}

/** Whose calls count. Kinds are joined by and, values of one kind by or. */
export interface Filters {
  readonly pids: readonly number[];
  readonly comms: readonly string[];
  readonly uids: readonly number[];
  /** cgroup directories, and the ids (inode numbers) of each and of all below it. */
  readonly cgroups: readonly {readonly path: string; readonly ids: readonly string[]}[];
  /** The first pid is that of a command: its descendants count too. */
  readonly descendants: boolean;
  /** The remote ends of connections that count, where the script learns them; absent: all. */
  readonly peers?: readonly PeerWords[];
}

/**
 * Remote ends as a script compares them: all bits of the mask equal. An address is two 64-bit words as memory holds them (those
 * of the kernel's sockets and of sockaddrs: network order), read on a little-endian machine; the second is 0 for IPv4.
 */
export interface PeerWords {
  /** As in linux/socket.h: AF_INET is 2, AF_INET6 is 10. */
  readonly family: 2 | 10;
  readonly mask: readonly [bigint, bigint];
  readonly address: readonly [bigint, bigint];
  readonly port?: number;
}

/** A checked plan: what to probe, for whom, how much. Everything that reaches a script comes from here. */
export interface ProbePlan {
  readonly what: readonly string[];
  readonly targets: readonly PlannedTarget[];
  readonly filters: Filters;
  /** Socket calls are traced. */
  readonly sockets: boolean;
  /** Bytes of payload kept a call; 0 keeps none. */
  readonly snaplen: number;
  /** Plaintext is shown; else only handshakes and what fails. */
  readonly showsData: boolean;
  /** Handshakes are looked for on the wire too. */
  readonly readsWire: boolean;
  /** The kernel has the system call dup2: those of newer processors have dup3 alone. */
  readonly hasDup2: boolean;
  /** Kernel structures can be read by name (BTF): process names, parents. */
  readonly btf: boolean;
  /** Seconds after which the script ends by itself. */
  readonly durationS?: number;
}

export interface PlannedTarget {
  readonly library: string;
  readonly path: string;
  readonly attachPath: string;
  readonly version?: string;
  /** Called first by a program that carries the records of its library itself. */
  readonly carrier?: string;
  readonly functions: readonly PlannedFunction[];
  readonly missing: readonly string[];
  readonly companion?: PlannedCompanion;
}

export interface PlannedCompanion {
  readonly attachPath: string;
  readonly functions: readonly CompanionFunction[];
}

/** A function with its number in this script's records: hundreds are the deed (1 receive, 2 send, 3 peek, 4 guard, 6 handshake, 7 shutdown, 8 side). */
export interface PlannedFunction extends LibraryFunction {
  readonly id: number;
}

/** What one range of bpftrace versions can do. Data only: a difference between versions is a field here. */
export interface Dialect {
  readonly name: string;
  /** First and last bpftrace version, as [major, minor]; both inclusive. */
  readonly from: readonly [number, number];
  readonly to: readonly [number, number];
  /** How payload travels: `words` of 64 bits where nothing else can be printed, `chunks` of as many words as fit on the stack, or `whole` in one record. */
  readonly payload: 'words' | 'chunks' | 'whole';
  /** 64-bit words of payload in one record. */
  readonly words: number;
  /** What `buf()` takes, in bytes. */
  readonly piece: number;
  readonly maxSnaplen: number;
  /** Where settings live: in a `config` block of the script, or only in the environment. */
  readonly settings: 'config' | 'environment';
  /** `curtask` and its fields can be read by name where the kernel has BTF. */
  readonly readsTask: boolean;
  /** `uptr()`: what lies behind a system call's pointer can be read. */
  readonly readsUser: boolean;
  readonly hasBegin: boolean;
  /** How bpftrace says that every probe is attached. */
  readonly ready: 'stderr' | 'stdout' | 'links';
  /** strftime with microseconds, for the wall-clock anchor. */
  readonly hasStrftime: boolean;
  /** What `nsecs` counts: see bpf_ktime_get_boot_ns in the bpftrace changelog, 0.12. */
  readonly clock: 'boottime' | 'monotonic';
  /** A script can go through the keys of a map: what a dead process leaves is dropped in the kernel. */
  readonly canIterate: boolean;
  /** How bpftrace is handed a script: its standard input, or its command line. */
  readonly scriptBy: 'stdin' | 'argument';
  /** The option that checks a script without running it. Before 0.22 it only parses and types the script (`-d`). */
  readonly check: '-d' | '--dry-run';
  /** Whether `pid` is that of bpftrace's own pid namespace: else it is the machine's, which a container does not know. */
  readonly ownPids: boolean;
  /** 4 KiB pages of the ring: of each processor (perf buffer), or of all together (ring buffer). */
  readonly ring: {readonly of: 'processor' | 'machine'; readonly pages: number};
}

/** A finished script: its text and how to run it. The same plan and dialect give the same bytes. */
export interface Script {
  readonly text: string;
  readonly sha256: string;
  readonly dialect: Dialect;
  /** Settings that this dialect can only take from the environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Positional parameters, in order: pids. */
  readonly parameters: readonly string[];
  readonly plan: ProbePlan;
}

/**
 * What bpftrace says on its output that is for whoever runs it: every probe is attached (0.23 and later say it there), how many
 * probes there are (an older one says so before they are attached), the gate is closed as seen from a processor.
 */
export type EngineSignal =
  | {readonly kind: 'ready'}
  | {readonly kind: 'attached'; readonly probes: number}
  | {readonly kind: 'gate'; readonly processor: number};

/** Whose sign it is: the session of a process, and where and when it was given. */
export interface HandshakeSigner {
  readonly time: string;
  readonly nsecs: bigint;
  readonly pid: number;
  readonly tid?: number;
  readonly uid?: number;
  readonly comm?: string;
  /** The session's pointer, as printed: a name. */
  readonly session: string;
  /** What is known of the connection by now. */
  readonly connection?: ConnectionRef;
}

/** What is seen of handshakes, in order of time, before it is understood. */
export type HandshakeSign =
  | {
      readonly kind: 'begin';
      readonly function: string;
      readonly library: string;
      readonly isHandshake: boolean;
      /** Which end of its connection the function makes the session. */
      readonly role?: 'client' | 'server';
    }
  | {
      readonly kind: 'outcome';
      readonly function: string;
      readonly library: string;
      readonly isHandshake: boolean;
      readonly role?: 'client' | 'server';
      readonly result: number;
      readonly latencyNs: number;
    }
  | {
      readonly kind: 'error';
      readonly library: number;
      readonly reason: number;
      readonly functionNumber: number;
      readonly line: number;
      readonly file: string;
      readonly function: string;
    }
  | {readonly kind: 'verdict'; readonly code: number}
  | {readonly kind: 'subject'; readonly pointer: string}
  | {
      readonly kind: 'octets';
      readonly channel: string;
      /** At a BIO of the library, which may pass it on to a system call. */
      readonly isByBio: boolean;
      readonly direction: Direction | 'certificate';
      /** Bytes in order; a number stands for as many that are missing. */
      readonly parts: readonly (Buffer | number)[];
      /** 0 where nothing failed: without parts, the other side has closed. */
      readonly errno: number;
    }
  | {readonly kind: 'data'}
  | {readonly kind: 'end'}
  /** Of a descriptor whose bytes were seen outside of a library: it was closed, or shows no more. */
  | {readonly kind: 'wire-end'; readonly isClosed: boolean}
  /** The process is gone. */
  | {readonly kind: 'exit'};

/** Makes events of signs. */
export interface HandshakeFollower {
  take(sign: HandshakeSign, signer: HandshakeSigner): readonly (HandshakeEvent | ErrorEvent)[];
}

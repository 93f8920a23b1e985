import type {CompanionDeed, Deed, Dialect, PeerWords, PlannedFunction, ProbePlan} from '../model.js';
import {
  commentLiteral,
  commLiteral,
  isAttachable,
  Literal,
  numberLiteral,
  pathLiteral,
  printedLiteral,
  symbolLiteral,
} from './literals.js';
import {descriptorEnds, type SocketCall, socketCalls} from './socket-calls.js';

/** Holds a ClientHello with its post-quantum key shares, and a server's certificates up to TLS 1.2. */
const helloBytes = 4096;

/** A handshake of TLS 1.2 whose messages come in records of their own, each read in two calls, takes fewer than 30. */
const maxWireCalls = 48;

/**
 * What a template sees: documented for users' own templates in docs/templates.md. Every value is a Literal, safe wherever it
 * stands in a script; everything else is a boolean or a list.
 */
export interface ScriptContext {
  readonly tlsKit: Literal;
  readonly what: Literal;
  readonly dialect: {
    readonly name: Literal;
    readonly clock: Literal;
    readonly hasBegin: boolean;
    readonly hasStrftime: boolean;
    readonly hasConfig: boolean;
    readonly canIterate: boolean;
    readonly inWords: boolean;
    readonly inChunks: boolean;
    readonly inWhole: boolean;
    /** System calls' buffers can be read. */
    readonly readsUser: boolean;
  };
  /** For eyes: calls and their payload as text, no records. */
  readonly readable: boolean;
  readonly btf: boolean;
  /** Positional parameters that hold pids: `$1`, `$2` … */
  readonly pids: readonly Literal[];
  readonly descendants: boolean;
  readonly comms: readonly Literal[];
  readonly uids: readonly Literal[];
  readonly cgroups: readonly Literal[];
  /** Remote ends that count, where `findsSockets`: the family, what to compare of the address, and the port or null. */
  readonly peers: readonly PeerContext[];
  readonly settings: readonly {readonly name: Literal; readonly value: Literal}[];
  readonly environment: readonly {readonly name: Literal; readonly value: Literal}[];
  readonly targets: readonly {
    readonly number: Literal;
    readonly library: Literal;
    readonly path: Literal;
    readonly version: Literal | null;
    readonly parts: readonly {readonly number: Literal; readonly text: Literal}[];
    readonly missing: readonly Literal[];
  }[];
  /** Plaintext is shown; else handshakes alone. */
  readonly showsData: boolean;
  /** Handshakes are followed, inside of a library that has functions for them. */
  readonly handshakes: boolean;
  /** Bytes of connections are read at system calls; those of all connections, for handshakes of any library. */
  readonly followsWire: boolean;
  readonly readsWire: boolean;
  /** System calls on one descriptor that are shown of a handshake, at most. */
  readonly wireCalls: Literal;
  /** The system calls that move bytes; those that send may carry a record that a session left in memory. */
  readonly transfers: readonly (SocketCallContext & {readonly mayCarry: boolean})[];
  /** Functions that tell of failures: where an error is raised, that it is, both, and what a verification came to. */
  readonly places: readonly PointContext[];
  readonly raises: readonly PointContext[];
  readonly puts: readonly PointContext[];
  readonly verdicts: readonly PointContext[];
  /** Functions that take certificates apart, and that name the one to be verified. */
  readonly certificates: readonly PointContext[];
  readonly subjects: readonly PointContext[];
  /** Functions by which bytes of the connection arrive: only where handshakes are what is traced. And by which they leave. */
  readonly arrivals: readonly PointContext[];
  readonly leavings: readonly PointContext[];
  /** Functions that may give a BIO its descriptor. */
  readonly controls: readonly PointContext[];
  /** Functions that make a session a client's or a server's. */
  readonly sides: readonly CallContext[];
  /** How a script says that an address is one of the process: `uptr`, or nothing. */
  readonly user: Literal;
  /** Bytes of a connection kept of each of its system calls during a handshake. */
  readonly hello: {readonly snaplen: Literal};
  /** Functions that move bytes, peek, guard, shake hands or shut down. */
  readonly calls: readonly CallContext[];
  /** Functions that end a session. */
  readonly forgets: readonly {readonly session: Literal; readonly points: readonly PointContext[]}[];
  /** Functions that say which descriptor a session uses. */
  readonly declares: readonly {
    readonly session: Literal;
    readonly descriptor: Literal;
    readonly points: readonly PointContext[];
  }[];
  /** Functions that give a session another BIO. */
  readonly adopts: readonly {
    readonly session: Literal;
    readonly bio: Literal;
    readonly points: readonly PointContext[];
  }[];
  /** The sockets of sessions are looked for. */
  readonly findsSockets: boolean;
  /** Where the kernel's types do not tell the other end of a socket: the calls that do, and those that end a descriptor. */
  readonly namings: readonly SocketCallContext[];
  readonly descriptorEnds: readonly {readonly name: Literal; readonly fd: Literal}[];
  /** Called by programs that carry records through memory to their sockets: a system call inside a call proves nothing there. */
  readonly carriers: readonly PointContext[];
  /** Socket calls are traced. */
  readonly sockets: boolean;
  readonly socketCalls: readonly SocketCallContext[];
  /** Some calls send: they may do so in a callback, inside of a call that does something else. */
  readonly interrupts: boolean;
  /** The ids of calls that tell behind a pointer how much they moved, and the results that mean success for all of them. */
  readonly outs: readonly Literal[];
  readonly outMinimum: Literal;
  readonly outMaximum: Literal;
  readonly snaplen: Literal;
  readonly keepsPayload: boolean;
  readonly pieces: Pieces;
  readonly chunk: Chunk;
  readonly durationS: Literal | null;
  /** Three seconds later: what is under way has arrived. */
  readonly drainedS: Literal | null;
}

/** 32 bits of an address at a time: which word, how far to shift it, and what it must be under the mask. */
export interface PeerContext {
  readonly family: Literal;
  readonly parts: readonly {
    readonly word: Literal;
    readonly shift: Literal;
    readonly mask: Literal;
    readonly value: Literal;
  }[];
  readonly port: Literal | null;
}

/** What `buf()` takes at once, and how often a call needs it at most. */
export interface Pieces {
  readonly size: Literal;
  readonly count: Literal;
}

/** Payload of one record in 64-bit words: where each but the last begins and ends, and where the last one of a full record begins. */
export interface Chunk {
  readonly size: Literal;
  readonly sizeHex: Literal;
  readonly format: Literal;
  readonly words: readonly {readonly at: Literal; readonly end: Literal}[];
  readonly last: Literal;
}

/** An attach point: the quoted path and the symbol. */
export interface PointContext {
  readonly path: Literal;
  readonly symbol: Literal;
}

/** A system call, and what its tracepoint calls its arguments. */
export interface SocketCallContext {
  readonly id: Literal;
  readonly idHex: Literal;
  readonly name: Literal;
  readonly mayBeFile: boolean;
  readonly fd: Literal | null;
  /** Of its bytes: 1 received, 2 sent. */
  readonly way: Literal | null;
  readonly buffer: Literal | null;
  readonly vector: Literal | null;
  readonly message: Literal | null;
  readonly address: Literal | null;
  readonly length: Literal | null;
  readonly peer: Literal | null;
  readonly peerLength: Literal | null;
  readonly detail: Literal | null;
}

export interface CallContext {
  readonly id: Literal;
  readonly idHex: Literal;
  readonly library: Literal;
  readonly name: Literal;
  readonly deed: Literal;
  readonly session: Literal;
  readonly buffer: Literal | null;
  readonly out: Literal | null;
  readonly jumpedToBy: readonly {readonly id: Literal; readonly name: Literal}[];
  /** It is there to go on with a handshake; or it may do so before it moves bytes. */
  readonly shakesHands: boolean;
  readonly mayShakeHands: boolean;
  /** It sends: a callback may call it inside of a call that does something else. */
  readonly mayInterrupt: boolean;
  readonly points: readonly PointContext[];
}

/** Plan and dialect to what a template sees. Throws UNSAFE_NAME for a path or a name that cannot stand in a script. */
export function makeContext(
  plan: ProbePlan,
  dialect: Dialect,
  environment: Readonly<Record<string, string>>,
  settings: Readonly<Record<string, number>>,
  version: string,
  readable: boolean,
): ScriptContext {
  const functions = distinctFunctions(plan);
  const btf = plan.btf && dialect.readsTask;
  const canFollow = dialect.readsUser && !readable;
  const leavings = companionPoints(plan, 'leave');
  const outs = functions.flatMap(({moved}) => (moved?.in === 'argument' ? [moved] : []));
  return {
    tlsKit: commentLiteral(version),
    what: printedLiteral(plan.what.join(' ')),
    dialect: {
      name: commentLiteral(dialect.name),
      clock: commentLiteral(dialect.clock),
      hasBegin: dialect.hasBegin,
      hasStrftime: dialect.hasStrftime,
      hasConfig: dialect.settings === 'config',
      canIterate: dialect.canIterate,
      inWords: dialect.payload === 'words',
      inChunks: dialect.payload === 'chunks',
      inWhole: dialect.payload === 'whole',
      readsUser: dialect.readsUser,
    },
    readable,
    btf,
    pids: plan.filters.pids.map((_, index) => commentLiteral(`$${index + 1}`)),
    descendants: plan.filters.descendants,
    comms: plan.filters.comms.map(commLiteral),
    uids: plan.filters.uids.map(numberLiteral),
    cgroups: plan.filters.cgroups.flatMap(({ids}) => ids.map(numberLiteral)),
    peers: dialect.readsUser ? (plan.filters.peers ?? []).map(peerContext) : [],
    settings: Object.entries(settings).map(([name, value]) => ({
      name: symbolLiteral(name),
      value: numberLiteral(value),
    })),
    environment: Object.entries(environment).map(([name, value]) => ({
      name: symbolLiteral(name),
      value: numberLiteral(value),
    })),
    targets: plan.targets.map((target, index) => ({
      number: numberLiteral(index + 1),
      library: symbolLiteral(target.library),
      path: commentLiteral(target.path),
      version: target.version === undefined ? null : commentLiteral(target.version),
      parts: pathParts(target.path),
      missing: target.missing.map(symbolLiteral),
    })),
    showsData: plan.showsData,
    handshakes: !readable && functions.some(({deed}) => deed === 'handshake'),
    followsWire: canFollow && (plan.readsWire || functions.some(({deed}) => deed === 'handshake')),
    readsWire: canFollow && plan.readsWire,
    wireCalls: numberLiteral(maxWireCalls),
    transfers: socketCalls
      .filter(({direction}) => direction !== undefined)
      .map((call) => ({
        ...socketCallContext(call),
        mayCarry: call.direction === 'send' && leavings.length > 0,
      })),
    places: companionPoints(plan, 'place'),
    raises: companionPoints(plan, 'raise'),
    puts: companionPoints(plan, 'put'),
    verdicts: companionPoints(plan, 'verdict'),
    certificates: companionPoints(plan, 'certificate'),
    subjects: companionPoints(plan, 'subject'),
    arrivals: plan.what.includes('handshakes') ? companionPoints(plan, 'arrive') : [],
    leavings,
    controls: companionPoints(plan, 'control'),
    sides: functions
      .filter(({deed}) => deed === 'side' && !readable)
      .map((each) => callContext(each, plan, functions, readable)),
    user: new Literal(dialect.readsUser ? 'uptr' : ''),
    hello: {snaplen: numberLiteral(helloBytes)},
    calls: functions
      .filter(({deed}) => isCall(deed, readable))
      .map((each) => callContext(each, plan, functions, readable)),
    forgets: functions
      .filter(({deed}) => deed === 'forget')
      .map((each) => ({session: numberLiteral(each.session), points: pointsOf(each, plan)})),
    declares: functions.flatMap((each) =>
      each.descriptor === undefined
        ? []
        : [
            {
              session: numberLiteral(each.session),
              descriptor: numberLiteral(each.descriptor),
              points: pointsOf(each, plan),
            },
          ],
    ),
    adopts: functions.flatMap((each) =>
      each.bio === undefined
        ? []
        : [{session: numberLiteral(each.session), bio: numberLiteral(each.bio), points: pointsOf(each, plan)}],
    ),
    findsSockets: dialect.readsUser,
    namings: btf
      ? []
      : socketCalls.filter(({name, peer}) => name === 'connect' || peer !== undefined).map(socketCallContext),
    descriptorEnds: descriptorEnds
      .filter(({name}) => name !== 'dup2' || plan.hasDup2)
      .map(({name, fd}) => ({name: symbolLiteral(name), fd: symbolLiteral(fd)})),
    carriers: plan.targets.flatMap(({attachPath, carrier}) =>
      carrier === undefined ? [] : [{path: pathLiteral(attachPath), symbol: symbolLiteral(carrier)}],
    ),
    sockets: plan.sockets,
    socketCalls: plan.sockets ? socketCalls.map(socketCallContext) : [],
    interrupts: functions.some(({deed}) => deed === 'send'),
    outs: functions.filter(({moved}) => moved?.in === 'argument').map(({id}) => numberLiteral(id)),
    outMinimum: numberLiteral(Math.min(...outs.map(({success}) => success[0]), 1)),
    outMaximum: numberLiteral(Math.max(...outs.map(({success}) => success[1]), 1)),
    snaplen: numberLiteral(plan.snaplen),
    keepsPayload: plan.snaplen > 0,
    pieces: piecesOf(plan.snaplen, dialect),
    chunk: chunkOf(dialect),
    durationS: plan.durationS === undefined ? null : numberLiteral(plan.durationS),
    drainedS: plan.durationS === undefined ? null : numberLiteral(plan.durationS + 3),
  };
}

/** bpftrace's numbers have a sign: halves of words are what it takes whole. */
function peerContext({family, mask, address, port}: PeerWords): PeerContext {
  const parts = ['$remote', '$remote_rest'].flatMap((word, index) =>
    [0n, 32n].map((shift) => ({
      word: new Literal(word),
      shift: numberLiteral(shift),
      mask: numberLiteral(((mask[index] as bigint) >> shift) & 0xffffffffn),
      value: numberLiteral(((address[index] as bigint) >> shift) & 0xffffffffn),
    })),
  );
  return {
    family: numberLiteral(family),
    parts: parts.filter(({mask}) => String(mask) !== '0'),
    port: port === undefined ? null : numberLiteral(port),
  };
}

function socketCallContext({id, name, mayBeFile, ...fields}: SocketCall): SocketCallContext {
  const literal = (field: string | undefined) => (field === undefined ? null : symbolLiteral(field));
  return {
    id: numberLiteral(id),
    idHex: commentLiteral(id.toString(16)),
    name: symbolLiteral(name),
    mayBeFile: mayBeFile ?? false,
    fd: literal(fields.fd),
    way: fields.direction === undefined ? null : numberLiteral(fields.direction === 'receive' ? 1 : 2),
    buffer: literal(fields.buffer),
    vector: literal(fields.vector),
    message: literal(fields.message),
    address: literal(fields.address),
    length: literal(fields.length),
    peer: literal(fields.peer),
    peerLength: literal(fields.peerLength),
    detail: literal(fields.detail),
  };
}

/** What returns with something to tell. For eyes, only what moves bytes. */
function isCall(deed: Deed, readable: boolean): boolean {
  if (readable && (deed === 'handshake' || deed === 'shutdown')) return false;
  return deed !== 'forget' && deed !== 'side' && deed !== 'declare' && deed !== 'adopt';
}

function piecesOf(snaplen: number, {piece}: Dialect): Pieces {
  return {
    size: numberLiteral(piece),
    count: numberLiteral(Math.ceil(snaplen / piece)),
  };
}

function chunkOf({words}: Dialect): Chunk {
  const size = 8 * words;
  return {
    size: numberLiteral(size),
    sizeHex: commentLiteral(size.toString(16)),
    format: new Literal(Array(words).fill('%llx').join(' ')),
    words: Array.from({length: words - 1}, (_, index) => ({
      at: numberLiteral(8 * index),
      end: numberLiteral(8 * index + 8),
    })),
    last: numberLiteral(size - 8),
  };
}

/**
 * The points of all companions' functions of one kind, each file once. One that bpftrace cannot attach to is left out: a library
 * by a plain name may stand beside it, and then failures are told with less.
 */
function companionPoints(plan: ProbePlan, deed: CompanionDeed): readonly PointContext[] {
  const points = plan.targets
    .flatMap(({companion}) => companion ?? [])
    .filter(({attachPath}) => isAttachable(attachPath))
    .flatMap(({attachPath, functions}) =>
      functions
        .filter((each) => each.deed === deed)
        .map(({name}) => [`${attachPath} ${name}`, attachPath, name] as const),
    );
  const distinct = new Map(points.map((point) => [point[0], point]));
  return [...distinct.values()].map(([, path, name]) => ({path: pathLiteral(path), symbol: symbolLiteral(name)}));
}

function distinctFunctions(plan: ProbePlan): readonly PlannedFunction[] {
  const byId = new Map(plan.targets.flatMap(({functions}) => functions.map((each) => [each.id, each] as const)));
  return [...byId.values()].sort((a, b) => a.id - b.id);
}

function callContext(
  each: PlannedFunction,
  plan: ProbePlan,
  all: readonly PlannedFunction[],
  readable: boolean,
): CallContext {
  const library = plan.targets.find(({functions}) => functions.some(({id}) => id === each.id))?.library ?? '';
  const jumpers = all.filter(({name}) => each.jumpedToBy?.includes(name));
  return {
    id: numberLiteral(each.id),
    idHex: commentLiteral(each.id.toString(16)),
    library: symbolLiteral(library),
    name: symbolLiteral(each.name),
    deed: symbolLiteral(each.deed),
    session: numberLiteral(each.session),
    buffer: each.buffer === undefined ? null : numberLiteral(each.buffer),
    out: each.moved?.in === 'argument' ? numberLiteral(each.moved.argument) : null,
    jumpedToBy: jumpers.map(({id, name}) => ({id: numberLiteral(id), name: symbolLiteral(name)})),
    shakesHands: each.deed === 'handshake',
    mayShakeHands: !readable && mayShakeHands(each, plan),
    mayInterrupt: each.deed === 'send',
    points: pointsOf(each, plan),
  };
}

/** Data functions run a handshake that is not done, in a library whose handshakes are followed. */
function mayShakeHands({id, deed}: PlannedFunction, plan: ProbePlan): boolean {
  const library = plan.targets.find(({functions}) => functions.some((each) => each.id === id));
  return deed !== 'shutdown' && (library?.functions.some((each) => each.deed === 'handshake') ?? false);
}

function pointsOf(each: PlannedFunction, plan: ProbePlan): readonly PointContext[] {
  return plan.targets
    .filter(({functions}) => functions.some(({id}) => id === each.id))
    .map(({attachPath}) => ({path: pathLiteral(attachPath), symbol: symbolLiteral(each.name)}));
}

/** bpftrace 0.11 takes 64 bytes of text in one printf: a path is printed in parts of at most 16 characters, escaped or not. */
function pathParts(path: string): readonly {readonly number: Literal; readonly text: Literal}[] {
  const parts =
    printedLiteral(path)
      .toString()
      .match(/(?:=..|.){1,16}/g) ?? [];
  return parts.map((text, index) => ({number: numberLiteral(index), text: new Literal(text)}));
}

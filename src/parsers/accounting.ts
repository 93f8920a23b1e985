import type {ErrorEvent, HandshakeEvent, SummaryEvent} from '../events.js';
import type {Payload} from './calls.js';
import type {Connections} from './connections.js';
import type {MapEnvelope} from './envelope.js';

/** The maps that hold a connection's counters, and the one that only comes with final totals. */
const kept = new Set(['@moved', '@connection', '@record_version']);
const totals = new Set([
  '@calls_entered',
  '@calls_returned',
  '@bytes_seen',
  '@bytes_cut',
  '@bytes_peeked',
  '@calls_untracked',
  '@shortest_call',
  '@connections_ended',
  '@socket_calls',
  '@socket_bytes_seen',
  '@socket_bytes_cut',
]);

/** Deprecated by RFC 8996, and older. */
const oldVersions = new Set(['SSLv3', 'TLSv1', 'TLSv1.0', 'TLSv1.1']);

/** Adds up what was seen, captured, cut and lost: what the kernel counted beside what arrived. */
export class Accounting {
  /** Data events, peeks included. */
  events = 0;
  /** Bytes in the payloads of data events, peeks apart. */
  captured = 0;
  /** Bytes beyond the snap length, in the calls that arrived. */
  cutInCalls = 0;
  /** Connections whose end arrived. */
  ended = 0;
  /** Bytes of those calls that bpftrace cut by its string length. */
  shortened = 0;
  lostEvents = 0;
  malformedLines = 0;
  #handshakes: SummaryEvent['handshakes'];
  /** System calls on sockets, and what came of their payload. */
  readonly #sockets = {calls: 0, captured: 0, shortened: 0};
  readonly #totals = new Map<string, number>();
  readonly #maps = new Map<string, Map<string, bigint>>();

  countHandshake(event: HandshakeEvent | ErrorEvent): void {
    if (event.type !== 'handshake') return;
    this.#handshakes ??= {ok: 0, failed: 0, abandoned: 0, unknown: 0, oldTls: 0};
    const counts = this.#handshakes;
    counts[event.result]++;
    if (event.result !== 'failed' && oldVersions.has(event.version ?? '')) counts.oldTls++;
  }

  get handshakeCount(): number {
    const {ok = 0, failed = 0, abandoned = 0, unknown = 0} = this.#handshakes ?? {};
    return ok + failed + abandoned + unknown;
  }

  /** The handshakes of the summary; nothing where none was seen. */
  handshakes(): Pick<SummaryEvent, 'handshakes'> {
    return this.#handshakes ? {handshakes: this.#handshakes} : {};
  }

  countSystemCall(payload: Payload): void {
    this.#sockets.calls++;
    this.#sockets.captured += payload.bytes.length;
    this.#sockets.shortened += payload.shortened;
  }

  get systemCallCount(): number {
    return this.#sockets.calls;
  }

  /** The account of system calls on sockets; nothing where none was traced. */
  socketSummary(isComplete: boolean): Pick<SummaryEvent, 'sockets'> {
    const {calls, captured, shortened} = this.#sockets;
    const counted = this.total('@socket_calls');
    if (calls + counted === 0) return {};
    const seen = this.total('@socket_bytes_seen');
    const cut = this.total('@socket_bytes_cut') + shortened;
    if (!isComplete || seen < captured + cut) return {sockets: {calls, bytes: {captured}}};
    return {sockets: {calls, lostCalls: counted - calls, bytes: {seen, captured, cut, lost: seen - captured - cut}}};
  }

  /** A map was printed: for totals, the last print stands. In plain text each entry comes on its own. */
  read({name, entries}: MapEnvelope): void {
    const total = entries.get('');
    if (totals.has(name) && total !== undefined && total >= 0n) this.#totals.set(name, Number(total));
    if (!kept.has(name)) return;
    const map = this.#maps.get(name) ?? new Map<string, bigint>();
    for (const [key, value] of entries) map.set(key, value);
    this.#maps.set(name, map);
  }

  /** Whether the totals are those of bpftrace's end. */
  get isFinal(): boolean {
    return this.#maps.has('@record_version');
  }

  /** A total as last printed. One that was never printed is 0: bpftrace prints no map that nothing was put in. */
  total(name: string): number {
    return this.#totals.get(name) ?? 0;
  }

  /** Bytes seen as last printed, for a status line: undefined before the first print. */
  get seenSoFar(): number | undefined {
    return this.#totals.get('@bytes_seen');
  }

  /**
   * What the final maps say of connections that did not end: the last bytes of each may have been lost. Those of which no
   * record came at all are counted too.
   */
  settle(connections: Connections): void {
    const moved = this.#maps.get('@moved') ?? new Map<string, bigint>();
    for (const [key, since] of this.#maps.get('@connection') ?? []) {
      const [pid = '', session = ''] = key.split(',');
      const received = Number(moved.get(`${key},1`) ?? 0n);
      const sent = Number(moved.get(`${key},2`) ?? 0n);
      const find = (first: bigint) =>
        connections.find({pid: Number(pid), session: hexOf(session), since: first.toString(16)}, latest);
      // The map's lowest bit tells of a handshake that is not done; records leave it out.
      const connection = find(since) ?? find(since & ~1n);
      if (connection) connections.grow(connection, received, sent);
      else connections.moved += received + sent;
    }
  }

  /** The bytes and calls of the summary. Without final totals, what needs them is unknown, and absent. */
  summary(connections: Connections, isComplete: boolean): Pick<SummaryEvent, 'bytes' | 'calls' | 'incomplete'> {
    const {captured} = this;
    const missing = connections.moved - connections.arrived;
    // What a connection moved stands in the record of its end: without that, gaps tell too little.
    const isExact = connections.isExact && this.ended >= this.total('@connections_ended');
    const seen = this.total('@bytes_seen');
    const cutInKernel = this.total('@bytes_cut');
    const cut = cutInKernel + this.shortened;
    // Fewer bytes seen than shown: these are not the totals of these records, and nothing can be told from them.
    if (!isComplete || seen < captured + cut) {
      return {incomplete: true, bytes: {captured, ...(isExact && {lostByGaps: missing})}};
    }
    // Of the calls that were lost, the part beyond the snap length is cut and not lost.
    const lostByGaps = Math.max(0, missing - (cutInKernel - this.cutInCalls));
    const [entered, returned] = [this.total('@calls_entered'), this.total('@calls_returned')];
    return {
      incomplete: false,
      calls: {entered, returned, unmatched: Math.max(0, entered - returned)},
      bytes: {
        seen,
        captured,
        cut,
        lost: seen - captured - cut,
        ...(isExact && {lostByGaps}),
        peeked: this.total('@bytes_peeked'),
      },
    };
  }
}

/** After all records: what a dead process left counts on under its last owner. */
const latest = -1n;

/** Keys of maps are decimal, pointers in records hexadecimal. A pointer may come as a negative number: the upper half of 64 bits. */
function hexOf(decimal: string): string {
  return /^-?\d{1,20}$/.test(decimal) ? BigInt.asUintN(64, BigInt(decimal)).toString(16) : '';
}

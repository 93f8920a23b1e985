import type {HandshakeEvent, HandshakeSign, HandshakeSigner} from '../model.js';
import {explain} from './explain.js';
import type {Ending} from './failure/facts.js';
import {TlsConversation, type WireFacts} from './tls-records.js';

/** Handshakes on the wire followed at once, at most. */
const maxWires = 16_384;

interface Wire {
  readonly conversation: TlsConversation;
  readonly startedAt: bigint;
  signer: HandshakeSigner;
  calls: number;
  ending?: Ending;
}

/** Signs of a descriptor, seen outside of any library's call. */
export function isOfWire({session}: HandshakeSigner): boolean {
  return session.startsWith('descriptor ');
}

/** Follows handshakes by what goes over descriptors alone: of any library, as far as it is in the clear. */
export class WireHandshakes {
  readonly #wires = new Map<number, Map<string, Wire>>();
  /** Handshakes that are followed inside of a library, by the random of their ClientHello. */
  readonly #claimed = new Set<string>();
  #count = 0;

  /** This handshake is told from inside of a library: not here as well. */
  claim(clientRandom: string | undefined): void {
    if (clientRandom === undefined || this.#claimed.has(clientRandom)) return;
    this.#claimed.add(clientRandom);
    if (this.#claimed.size > maxWires) this.#claimed.delete(this.#claimed.values().next().value as string);
  }

  take(sign: HandshakeSign, signer: HandshakeSigner): readonly HandshakeEvent[] {
    const known = this.#wires.get(signer.pid)?.get(signer.session);
    if (sign.kind === 'wire-end') {
      if (!known) return [];
      this.#forget(signer);
      return this.#finish(known, signer, sign.isClosed ? (known.ending ?? 'freed') : known.ending);
    }
    if (sign.kind !== 'octets' || sign.direction === 'certificate') return [];
    const wire = known ?? this.#begin(signer);
    wire.signer = signer;
    wire.calls++;
    for (const part of sign.parts) {
      if (typeof part === 'number') wire.conversation.skip(sign.direction, part);
      else wire.conversation.push(sign.direction, part);
    }
    if (sign.parts.length === 0 && sign.direction === 'receive') {
      if (sign.errno === 0) wire.ending = 'closed';
      else if (sign.errno === connectionReset) wire.ending = 'reset';
    }
    return [];
  }

  /** The process is gone, and its handshakes with it. */
  exit(signer: HandshakeSigner): readonly HandshakeEvent[] {
    const wires = [...(this.#wires.get(signer.pid)?.values() ?? [])];
    this.#wires.delete(signer.pid);
    this.#count -= wires.length;
    return wires.flatMap((wire) => this.#finish(wire, {...wire.signer, ...signer}, wire.ending ?? 'freed'));
  }

  #begin(signer: HandshakeSigner): Wire {
    const wire = {conversation: new TlsConversation(), startedAt: signer.nsecs, signer, calls: 0};
    const ofProcess = this.#wires.get(signer.pid) ?? new Map<string, Wire>();
    this.#wires.set(signer.pid, ofProcess);
    ofProcess.set(signer.session, wire);
    this.#count++;
    if (this.#count > maxWires) {
      const [oldest] = this.#wires.values().next().value as Map<string, Wire>;
      this.#forget((oldest as [string, Wire])[1].signer);
    }
    return wire;
  }

  #forget({pid, session}: HandshakeSigner): void {
    const ofProcess = this.#wires.get(pid);
    if (!ofProcess?.delete(session)) return;
    this.#count--;
    if (ofProcess.size === 0) this.#wires.delete(pid);
  }

  #finish(wire: Wire, signer: HandshakeSigner, ending: Ending | undefined): readonly HandshakeEvent[] {
    const {conversation, startedAt, calls} = wire;
    conversation.end();
    if (!conversation.isTls || this.#claimed.has(conversation.clientRandom ?? '')) return [];
    const facts = conversation.facts();
    const result = resultOf(facts, ending);
    const {tid} = wire.signer;
    return [
      {
        type: 'handshake',
        ...whoOf({...signer, ...(tid !== undefined && {tid})}),
        source: 'wire',
        ...(facts.role && {role: facts.role}),
        result,
        ...((result === 'failed' || result === 'abandoned') &&
          explain({wire: facts, time: signer.time, ...(facts.role && {role: facts.role}), ...(ending && {ending})})),
        durationNs: Number(signer.nsecs - startedAt),
        calls,
        ...told(facts),
      },
    ];
  }
}

/** ECONNRESET, as Linux numbers it. */
const connectionReset = 104;

/** After the hellos all is encrypted: whether it went well is not known. What failed before them shows. */
function resultOf(facts: WireFacts, ending: Ending | undefined): HandshakeEvent['result'] {
  const hasFailed = facts.plainAnswer !== undefined || facts.alerts.some(({level}) => level === 'fatal');
  if (hasFailed) return 'failed';
  const isAnswered = facts.serverHello && facts.clientHello;
  if (isAnswered) return 'unknown';
  if (ending === 'closed' || ending === 'reset') return 'failed';
  return ending === 'freed' ? 'abandoned' : 'unknown';
}

export function whoOf({time, pid, tid, uid, comm, connection}: HandshakeSigner) {
  return {
    time,
    pid,
    ...(tid !== undefined && {tid}),
    ...(uid !== undefined && {uid}),
    ...(comm !== undefined && {comm}),
    ...(connection !== undefined && {connection}),
  };
}

/** The facts of the wire that an event shows. */
export function told({
  role,
  sslv2,
  serverHello,
  clientHello,
  alerts,
  incomplete,
  ...facts
}: WireFacts): Partial<HandshakeEvent> {
  return {
    ...(facts as Partial<HandshakeEvent>),
    ...(alerts.length > 0 && {alerts}),
    ...(incomplete.length > 0 && {incomplete}),
  };
}

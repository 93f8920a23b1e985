import type {DataEvent} from '../../model.js';
import {familyOf, httpPort, madeUpEndpoint, ofOneFamily, parseEndpoint} from './addresses.js';
import {type Endpoint, flag, maxPayload, type Segment} from './packets.js';

type Direction = DataEvent['direction'];

/** The TCP segments that would carry the plaintext of one connection. Sequence numbers begin at 1, as the bytes at offset 0. */
export class Conversation {
  /** What of the addresses is not as it was. */
  readonly remarks: readonly string[];
  readonly hasOwnAddresses: boolean;
  readonly #ends: Record<Direction, Endpoint>;
  readonly #next: Record<Direction, number> = {send: 0, receive: 0};
  #hasBegun = false;

  /**
   * @param number tells made-up addresses of connections apart.
   * @param showsPort80 the server's port becomes that of HTTP.
   * @param otherEnd the same connection as its other end saw it: that one has the addresses, since TCP knows one between two of them.
   */
  constructor(first: DataEvent, number: number, showsPort80: boolean, otherEnd?: Conversation) {
    const {connection, direction} = first;
    const isTaken = otherEnd?.hasOwnAddresses ?? false;
    const local = isTaken ? undefined : parseEndpoint(connection.local);
    const remote = isTaken ? undefined : parseEndpoint(connection.remote);
    this.hasOwnAddresses = local !== undefined && remote !== undefined;
    // Who speaks first is the client, in HTTP: where an end has to be chosen, that is all that there is to go by.
    const isClient = direction === 'send';
    const family = familyOf(local ?? remote ?? madeUpEndpoint('server', 4, 0));
    const [send, receive] = ofOneFamily(
      local ?? madeUpEndpoint(isClient ? 'client' : 'server', family, number),
      remote ?? madeUpEndpoint(isClient ? 'server' : 'client', family, number),
    );
    this.#ends = {send, receive};
    const server = isClient ? 'receive' : 'send';
    const {port} = this.#ends[server];
    const changesPort = showsPort80 && port !== httpPort;
    if (changesPort) this.#ends[server] = {...this.#ends[server], port: httpPort};
    this.remarks = [
      ...(isTaken ? [`the other end of connection ${connection.otherEnd}`] : []),
      ...(this.hasOwnAddresses ? [] : ['addresses made up']),
      ...(changesPort ? [`port ${port} shown as ${httpPort}`] : []),
    ];
  }

  /** What one call moved. Bytes that were cut or lost leave a hole in the sequence numbers, as lost packets do. */
  *move(event: DataEvent): Generator<Segment> {
    const {direction} = event;
    if (!this.#hasBegun) yield* this.#begin(event);
    const payload = Buffer.from(event.payload, 'base64');
    let taken = 0;
    let position = 0;
    for (const [at, length] of [...(event.gaps ?? []), [event.length, 0] as const]) {
      const run = Math.max(0, Math.min(at - position, payload.length - taken));
      yield* this.#carry(direction, event.offset + position, payload.subarray(taken, taken + run));
      taken += run;
      position = at + length;
    }
    this.#next[direction] = event.offset + event.length;
  }

  /** Both ends say goodbye. */
  *close(): Generator<Segment> {
    for (const direction of ['send', 'receive'] as const) {
      yield this.#segment(direction, flag.fin | flag.acknowledge);
      this.#next[direction]++;
      yield this.#segment(other(direction), flag.acknowledge);
    }
  }

  /** The handshake of TCP, where the connection was seen from its first byte; else it was open before. */
  *#begin({direction, offset}: DataEvent): Generator<Segment> {
    this.#hasBegun = true;
    if (offset > 0) {
      this.#next[direction] = offset;
      return;
    }
    const answer = other(direction);
    const start = {sequence: 0, acknowledgement: 0};
    yield {...this.#segment(direction, flag.syn), ...start};
    yield {...this.#segment(answer, flag.syn | flag.acknowledge), ...start, acknowledgement: 1};
    yield this.#segment(direction, flag.acknowledge);
  }

  *#carry(direction: Direction, offset: number, bytes: Buffer): Generator<Segment> {
    for (let at = 0; at < bytes.length; at += maxPayload) {
      const payload = bytes.subarray(at, at + maxPayload);
      this.#next[direction] = offset + at;
      yield {...this.#segment(direction, flag.push | flag.acknowledge), payload};
      this.#next[direction] += payload.length;
      yield this.#segment(other(direction), flag.acknowledge);
    }
  }

  #segment(direction: Direction, flags: number): Segment {
    const answer = other(direction);
    return {
      from: this.#ends[direction],
      to: this.#ends[answer],
      sequence: wrapped(this.#next[direction] + 1),
      acknowledgement: flags & flag.acknowledge ? wrapped(this.#next[answer] + 1) : 0,
      flags,
      payload: Buffer.alloc(0),
    };
  }
}

function other(direction: Direction): Direction {
  return direction === 'send' ? 'receive' : 'send';
}

/** Sequence numbers have 32 bits. */
function wrapped(number: number): number {
  return number % 2 ** 32;
}

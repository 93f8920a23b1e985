import type {DataEvent} from '../../events.js';
import type {DecoderHost, ProtocolDecoder, Takeover} from '../decoder.js';
import {type Exchange, exchangeToMessage} from '../exchange.js';
import type {Gap, Side} from '../message.js';
import type {Part} from '../part.js';
import type {BytesPiece, HolePiece} from '../streams.js';
import {type Framing, requestFraming, responseFraming} from './framing.js';
import type {Head} from './head.js';
import {Pairing} from './pairing.js';
import {Http1Reader} from './reader.js';

type Direction = DataEvent['direction'];

const maxInterim = 100;

/** HTTP/1.0 and 1.1: two readers, and the pairing of what they read. */
export class Http1Connection implements ProtocolDecoder {
  readonly protocol = 'http/1';
  readonly #readers: Record<Direction, Http1Reader>;
  readonly #pairing: Pairing;
  readonly #requestDirection: Direction;
  /** Those whose request or response is not over yet. */
  readonly #byPart = new Map<Part, Exchange>();
  /** Paired by assumption: a request lost in between shows itself only when the next one comes. */
  readonly #unconfirmed = new Map<Exchange, {isOver: boolean}>();
  /** Statuses of interim responses, for the final one. */
  #informational: number[] = [];
  #takeover: Takeover['next'] | undefined;

  /** `isJoined`: bytes of this direction came before that were not understood. */
  constructor(
    private readonly host: DecoderHost,
    private readonly side: Side,
    isJoined: Record<Direction, boolean>,
  ) {
    this.#requestDirection = side === 'client' ? 'send' : 'receive';
    const responseDirection = side === 'client' ? 'receive' : 'send';
    this.#pairing = new Pairing(isJoined.send || isJoined.receive);
    const requests = new Http1Reader(
      'request',
      this.#requestDirection,
      host,
      {
        onHead: (head, part) => this.#onRequestHead(head, part),
        requestsSoFar: () => this.#pairing.requests,
        onDone: (part) => this.#onDone(part),
        onLoss: (gap) => {
          this.#pairing.missedRequests();
          if (gap.kind === 'missing') this.#settle(false);
          this.#countSkipped(gap);
        },
        isBodyDoubtful: (part) => this.#isRefused(part),
      },
      isJoined[this.#requestDirection],
    );
    const responses = new Http1Reader(
      'response',
      responseDirection,
      host,
      {
        onHead: (head, part, requestsBefore) => this.#onResponseHead(head, part, requestsBefore),
        requestsSoFar: () => this.#pairing.requests,
        onDone: (part) => this.#onDone(part),
        onLoss: (gap) => {
          this.#pairing.missedResponses();
          this.#informational = [];
          this.#countSkipped(gap);
        },
        isBodyDoubtful: (part) => this.#isMethodDoubtful(part),
      },
      isJoined[responseDirection],
    );
    this.#readers = side === 'client' ? {send: requests, receive: responses} : {send: responses, receive: requests};
  }

  bytes(piece: BytesPiece): Takeover | undefined {
    if (piece.event.direction === this.#requestDirection) this.#settle(true);
    const taken = this.#readers[piece.event.direction].bytes(piece);
    if (taken === piece.bytes.length && !this.#takeover) return undefined;
    return {taken, next: this.#takeover ?? 'opaque'};
  }

  hole(direction: Direction, piece: HolePiece): void {
    this.#readers[direction].hole(piece);
    // A head cut by the hole may have announced another protocol, but its first byte is gone.
    if (this.#takeover) this.#takeover = undefined;
  }

  close(isClosed: boolean): void {
    for (const direction of ['send', 'receive'] as const) {
      for (const gap of this.#readers[direction].close(isClosed)) this.host.gap(gap);
    }
    for (const exchange of new Set([...this.#pairing.takeAll(), ...this.#byPart.values()])) this.#emit(exchange);
    this.#settle(true);
  }

  #onRequestHead(head: Head, part: Part): Framing {
    if (head.start.kind !== 'request') return {kind: 'unclear'};
    const {method, target, version} = head.start;
    const exchange: Exchange = {
      request: {part, method, target, version, authority: part.header('host')},
      informational: [],
    };
    const oldest = this.#pairing.waiting >= this.host.limits.openExchanges ? this.#pairing.dropOldest() : undefined;
    if (oldest) this.#emit(oldest);
    this.#pairing.addRequest(exchange, part.event);
    this.#byPart.set(part, exchange);
    return requestFraming(head);
  }

  #onResponseHead(head: Head, part: Part, requestsBefore: number): Framing | {readonly kind: 'stop'} {
    if (head.start.kind !== 'response') return {kind: 'unclear'};
    const {status, reason, version} = head.start;
    if (status < 200 && status !== 101) {
      if (this.#informational.length < maxInterim) this.#informational.push(status);
      return {kind: 'none'};
    }
    const {exchange = {informational: []}, unanswered} = this.#pairing.takeForResponse(requestsBefore);
    for (const each of unanswered) this.#emit(each);
    exchange.response = {part, status, reason, version};
    exchange.informational = this.#informational;
    this.#informational = [];
    this.#byPart.set(part, exchange);
    if (exchange.isPairingAssumed) this.#unconfirmed.set(exchange, {isOver: false});
    part.watchEvents();
    const method = exchange.request?.method;
    if (status !== 101 && !(method === 'CONNECT' && status < 300)) return responseFraming(head, status, method);
    this.#takeover = status === 101 ? this.#upgrade(part) : 'detect';
    return {kind: 'stop'};
  }

  #upgrade(part: Part): Takeover['next'] {
    const protocol = part.header('upgrade')?.trim().toLowerCase();
    if (protocol === 'websocket') return {webSocketSide: this.side};
    return protocol === 'h2c' ? 'detect' : 'opaque';
  }

  /** A half is over. The exchange is, when both are; or when its response is and no request was seen. */
  #onDone(part: Part): void {
    const exchange = this.#byPart.get(part);
    this.#byPart.delete(part);
    if (!exchange) {
      part.release();
      return;
    }
    const {request, response} = exchange;
    const isOver = (half: typeof request | typeof response) => half !== undefined && !this.#byPart.has(half.part);
    if (isOver(response) && (!request || isOver(request))) this.#emit(exchange);
  }

  #emit(exchange: Exchange): void {
    for (const half of [exchange.request, exchange.response]) if (half) this.#byPart.delete(half.part);
    const unconfirmed = this.#unconfirmed.get(exchange);
    if (unconfirmed) {
      unconfirmed.isOver = true;
      return;
    }
    const message = exchangeToMessage(exchange, 'http/1', this.side, this.host.connection());
    if (message) this.host.emit(message);
  }

  /** Whether the requests went on without a gap since responses were paired by assumption: else they are kept apart. */
  #settle(isConfirmed: boolean): void {
    if (this.#unconfirmed.size === 0) return;
    const exchanges = [...this.#unconfirmed];
    this.#unconfirmed.clear();
    for (const [exchange, {isOver}] of exchanges) {
      if (!isConfirmed) this.#separate(exchange);
      else if (isOver) this.#emit(exchange);
    }
  }

  #separate({request, response, informational}: Exchange): void {
    for (const half of [
      {request, informational: []},
      {response, informational},
    ] as Exchange[]) {
      const part = (half.request ?? half.response)?.part;
      if (part && this.#byPart.has(part)) this.#byPart.set(part, half);
      else this.#emit(half);
    }
  }

  /** It may be the response to a HEAD that was missed. */
  #isMethodDoubtful(part: Part): boolean {
    const exchange = this.#byPart.get(part);
    return !exchange?.request || this.#unconfirmed.has(exchange);
  }

  /** After a final answer to `Expect: 100-continue` the client may leave out the body (RFC 9110, 10.1.1). */
  #isRefused(part: Part): boolean {
    const exchange = this.#byPart.get(part);
    return exchange?.response !== undefined && part.header('expect')?.toLowerCase() === '100-continue';
  }

  #countSkipped(gap: Gap): void {
    if (gap.kind === 'skipped') this.host.opaque(gap.direction, gap.length);
  }
}

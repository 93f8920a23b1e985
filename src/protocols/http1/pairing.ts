import type {Exchange} from '../exchange.js';

/** What becomes of the requests that wait, when a response begins. */
export interface Paired {
  readonly exchange: Exchange | undefined;
  /** Requests whose responses were missed. */
  readonly unanswered: readonly Exchange[];
}

/**
 * Finds the request of each response: in order, as HTTP/1 has it. After a loss the order alone says nothing. Then a
 * response belongs to the latest request, marked as assumed, if the client has only ever sent a request after the
 * response before; else to none.
 */
export class Pairing {
  readonly #waiting: Exchange[] = [];
  #isInOrder: boolean;
  #requests = 0;
  /** How many requests there were when one was last missed: a response may be to that one. */
  #missedAfter = -1;
  /** Since the last response, so that waiting requests need not be pipelined. */
  #hasMissedSinceResponse = false;
  #isPipelined = false;
  #alternations = 0;
  #isAfterResponse = false;
  #lastRequestCall: unknown;

  constructor(isJoined: boolean) {
    this.#isInOrder = !isJoined;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** How many requests there have been. */
  get requests(): number {
    return this.#requests;
  }

  /** A request begins in this call. */
  addRequest(exchange: Exchange, call: unknown): void {
    if (this.#lastRequestCall === call) this.#isPipelined = true;
    this.#lastRequestCall = call;
    if (this.#waiting.length === 0 && this.#isAfterResponse) this.#alternations++;
    this.#isAfterResponse = false;
    this.#requests++;
    this.#waiting.push(exchange);
  }

  missedRequests(): void {
    this.#isInOrder = false;
    this.#missedAfter = this.#requests;
  }

  missedResponses(): void {
    this.#isInOrder = false;
    this.#hasMissedSinceResponse = true;
  }

  /** A final response, which began when there had been so many requests. */
  takeForResponse(requestsBefore: number): Paired {
    const before = this.#waiting.length - (this.#requests - requestsBefore);
    if (before > 1 && !this.#hasMissedSinceResponse) this.#isPipelined = true;
    this.#hasMissedSinceResponse = false;
    this.#isAfterResponse = true;
    if (this.#isInOrder) return {exchange: this.#waiting.shift(), unanswered: []};
    const unanswered = this.#waiting.splice(0, Math.max(0, before));
    const isOneAtATime = this.#alternations > 0 && !this.#isPipelined && this.#missedAfter < requestsBefore;
    const exchange = isOneAtATime ? unanswered.pop() : undefined;
    if (exchange) {
      exchange.isPairingAssumed = true;
      this.#isInOrder = true;
    }
    return {exchange, unanswered};
  }

  /** Gives up the request that has waited longest. */
  dropOldest(): Exchange | undefined {
    this.missedResponses();
    return this.#waiting.shift();
  }

  takeAll(): Exchange[] {
    return this.#waiting.splice(0);
  }
}

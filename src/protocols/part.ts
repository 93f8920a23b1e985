import type {DataEvent} from '../events.js';
import type {Holding} from './accumulator.js';
import {BodyCollector} from './body.js';
import type {GrpcCounter} from './grpc.js';
import type {DecodeLimits, Gap, Header} from './message.js';
import {ServerSentEventCounter} from './server-sent-events.js';
import type {Span} from './span.js';

const keptGaps = 16;

/** What the decoders of one connection share. */
export interface DecodeContext {
  readonly limits: DecodeLimits;
  readonly holding: Holding;
  /** Takes what is understood of the call in hand. */
  span(span: Span): void;
}

/** One half of an exchange as it is gathered: a request or a response. */
export class Part {
  headers: Header[] = [];
  trailers: Header[] | undefined;
  readonly gaps: Gap[] = [];
  readonly oddities = new Set<string>();
  readonly body: BodyCollector;
  grpc: GrpcCounter | undefined;
  serverSentEvents: ServerSentEventCounter | undefined;
  endedAt: string;
  /** The last byte was seen, or the last byte is known to be behind us. */
  isEnded = false;
  /** Header fields, or the end of the body, are missing or were not understood. */
  isPartial = false;
  #headBytes = 0;

  constructor(
    private readonly context: DecodeContext,
    /** The call with the first byte. */
    readonly event: DataEvent,
  ) {
    this.body = new BodyCollector(context.holding, context.limits);
    this.endedAt = event.time;
  }

  get startedAt(): string {
    return this.event.time;
  }

  /** Counts the memory of the headers, until release. */
  holdHead(bytes: number): void {
    this.#headBytes += bytes;
    this.context.holding.bytes += bytes;
  }

  /** Counts server-sent events, where this is a plain stream of them: of a compressed one the events stay unknown. */
  watchEvents(): void {
    const type = this.header('content-type');
    const isPlain = this.header('content-encoding') === undefined;
    if (isPlain && type && /^text\/event-stream\b/i.test(type)) this.serverSentEvents = new ServerSentEventCounter();
  }

  addBody(bytes: Buffer): void {
    this.body.push(bytes);
    this.grpc?.push(bytes);
    this.serverSentEvents?.push(bytes);
  }

  addBodyHole(gap: Gap): void {
    this.body.hole(gap.length);
    this.grpc?.hole(gap.length);
    this.serverSentEvents?.hole();
    this.addGap(gap);
  }

  addGap(gap: Gap): void {
    this.isPartial = true;
    addGap(this.gaps, gap);
  }

  header(name: string): string | undefined {
    return this.headers.find((header) => header.name?.length === name.length && header.name.toLowerCase() === name)
      ?.value;
  }

  release(): void {
    this.body.release();
    this.context.holding.bytes -= this.#headBytes;
    this.#headBytes = 0;
  }
}

/** Adds a gap to a list kept short: neighbours of a kind become one, and past the limit the last one grows. */
export function addGap(gaps: Gap[], gap: Gap): void {
  const last = gaps.at(-1);
  const continues = last && last.kind === gap.kind && last.direction === gap.direction;
  if (last && continues && last.offset + last.length === gap.offset) {
    gaps[gaps.length - 1] = {...last, length: last.length + gap.length};
  } else if (last && gaps.length >= keptGaps) gaps[gaps.length - 1] = {...last, length: last.length + gap.length};
  else gaps.push(gap);
}

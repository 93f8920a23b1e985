import type {SessionEvent, SummaryEvent, TraceEvent} from '../events.js';
import type {HandshakeFollower} from '../model.js';
import {Accounting} from './accounting.js';
import {Calls} from './calls.js';
import {type Anchor, createClock} from './clock.js';
import {Connections} from './connections.js';
import {Delay} from './delay.js';
import {Descriptors} from './descriptors.js';
import {createEnvelopeReader} from './envelope.js';
import {HoldBack} from './hold-back.js';
import {Legend} from './legend.js';
import {Notices} from './notices.js';
import type {Ending, Parser, ParserOptions, ParserStatus, Signal} from './parser.js';
import {Processes} from './processes.js';
import {readRecord} from './read-record.js';
import type {AnchorRecord, TraceRecord} from './records.js';
import {Threads} from './threads.js';
import {type Turn, takeTurn} from './turns.js';

/** Events, and bytes of their payload, that wait at most. */
const maxHeld = 65_536;
const maxHeldBytes = 64 * 1024 * 1024;
/** How long events wait for the anchor: in event time, and in flushes. A script without BEGIN prints it 100 ms after its start. */
const anchorPatienceNs = 3_000_000_000n;
const anchorPatienceFlushes = 30;

/** The parser of parser.ts: what each line is, and when what it says is let out. */
export class RecordParser implements Parser {
  readonly #readEnvelope = createEnvelopeReader();
  readonly #legend = new Legend();
  readonly #calls = new Calls();
  readonly #processes = new Processes();
  readonly #connections = new Connections();
  readonly #descriptors = new Descriptors();
  readonly #threads = new Threads();
  readonly #accounting = new Accounting();
  readonly #notices = new Notices();
  readonly #holdBack: HoldBack<Turn>;
  readonly #delay: Delay;
  readonly #handshakes: HandshakeFollower | undefined;
  readonly #onSignal: ((signal: Signal) => void) | undefined;
  #clock: ((nsecs: bigint) => string) | undefined;
  #anchor: Anchor | undefined;
  #unfinished = '';
  #flushes = 0;
  #hasStarted = false;
  #showsHandshakes = false;
  #countsBytes = true;
  /** What is ready before the session is known. */
  #early: TraceEvent[] = [];
  #out: TraceEvent[] = [];

  constructor({session, anchor, handshakes, onSignal, now}: ParserOptions) {
    this.#handshakes = handshakes;
    this.#onSignal = onSignal;
    this.#delay = new Delay(now);
    this.#holdBack = new HoldBack(
      {maxCount: maxHeld, maxWeight: maxHeldBytes},
      ({what}) => !('pieces' in what) || this.#calls.isReady(what),
    );
    if (anchor) this.#tieClock(anchor);
    if (session) this.#start(session);
  }

  get status(): ParserStatus {
    const {events, captured, seenSoFar, lostEvents, malformedLines} = this.#accounting;
    return {
      events,
      handshakes: this.#accounting.handshakeCount,
      systemCalls: this.#accounting.systemCallCount,
      bytesCaptured: captured,
      calls: this.#accounting.total('@calls_entered'),
      shortestCallNs: this.#accounting.total('@shortest_call'),
      ...(seenSoFar !== undefined && {bytesSeen: seenSoFar}),
      lostEvents,
      malformedLines,
    };
  }

  push(line: string): readonly TraceEvent[] {
    this.#delay.hear();
    this.#readLine(line);
    return this.#takeOut();
  }

  flush(): readonly TraceEvent[] {
    if (!this.#clock && this.#holdBack.count > 0 && ++this.#flushes >= anchorPatienceFlushes) this.#doWithoutAnchor();
    if (this.#clock) this.#letOut(this.#holdBack.flush(this.#delay.flushes));
    this.#delay.flush();
    this.#sayLoss(true);
    return this.#takeOut();
  }

  end(ending: Ending = {}): readonly TraceEvent[] {
    if (this.#unfinished !== '') this.#countMalformed(this.#unfinished);
    if (!this.#clock && this.#holdBack.count > 0) this.#doWithoutAnchor();
    this.#letOut(this.#holdBack.drain());
    if (!this.#hasStarted) this.#start(this.#session());
    this.#say(this.#notices.allLoss(this.#holdBack.newest));
    this.#say(this.#notices.fullMap(this.#accounting.total('@calls_untracked')));
    this.#out.push(this.#summary(ending));
    return this.#takeOut();
  }

  #readLine(line: string): void {
    const envelope = this.#readEnvelope(line);
    switch (envelope.kind) {
      case 'text':
        if (envelope.isWhole) this.#readText(envelope.text);
        else this.#keepUnfinished(envelope.text);
        return;
      case 'time':
        this.#readText(this.#unfinished + envelope.text);
        this.#unfinished = '';
        return;
      case 'map':
        this.#accounting.read(envelope);
        return;
      case 'lost':
        this.#accounting.lostEvents += envelope.events;
        this.#notices.lose(envelope.events);
        this.#sayLoss(false);
        return;
      case 'message':
        this.#say(this.#notices.bpftrace(envelope.severity, envelope.text));
        return;
      case 'malformed':
        this.#countMalformed(line);
        return;
      case 'ready':
      case 'attached':
        this.#onSignal?.(envelope);
        return;
      // What is left is blank lines, which plain text has around maps.
    }
  }

  /** Only the anchor comes in two parts (`time()` ends it), and another processor's record may come between them. */
  #keepUnfinished(text: string): void {
    if (this.#unfinished !== '' || !text.startsWith('TK|')) this.#countMalformed(text);
    else this.#unfinished = text;
  }

  #readText(text: string): void {
    const record = readRecord(text);
    if (!record || !this.#readRecord(record)) this.#countMalformed(text);
  }

  /** False for a record that fits no other. */
  #readRecord(record: TraceRecord): boolean {
    switch (record.kind) {
      case 'piece':
        return this.#calls.add(record);
      case 'call':
      case 'syscall':
        this.#hold({time: record.time, weight: record.carried, what: this.#calls.start(record, this.#legend.piece)});
        return true;
      case 'process':
        this.#processes.announce(record);
        this.#hold({time: record.time, weight: 0, what: record});
        return true;
      case 'octets':
        this.#hold({time: record.time, weight: record.carried, what: this.#calls.start(record)});
        return true;
      case 'begin':
      case 'outcome':
      case 'error':
      case 'verdict':
      case 'address':
      case 'subject':
      case 'wire-end':
      case 'socket':
      case 'connect-end':
      case 'inside':
      case 'name':
      case 'end':
      case 'exit':
        this.#hold({time: record.time, weight: 0, what: record});
        return true;
      case 'anchor':
        this.#readAnchor(record);
        return true;
      case 'gate':
        this.#onSignal?.(record);
        return true;
      default:
        this.#legend.learn(record);
        return true;
    }
  }

  #readAnchor({version, nsecs, epochNs}: AnchorRecord): void {
    if (version !== 1) this.#say(this.#notices.otherVersion(version));
    if (!this.#clock) this.#tieClock({nsecs, epochNs});
  }

  #tieClock(anchor: Anchor): void {
    this.#anchor = anchor;
    this.#delay.anchor = anchor;
    this.#clock = createClock(anchor);
  }

  #doWithoutAnchor(): void {
    this.#say(this.#notices.noClock());
    this.#clock = createClock({nsecs: 0n, epochNs: 0n});
  }

  #hold(turn: Turn): void {
    this.#holdBack.add(turn);
    if (!this.#clock && (this.#holdBack.isFull || this.#holdBack.spanNs > anchorPatienceNs)) this.#doWithoutAnchor();
    this.#delay.note(turn.time);
    if (this.#clock) this.#letOut(this.#holdBack.release(this.#delay.windowNs));
    this.#sayLoss(false);
  }

  #letOut(turns: readonly Turn[]): void {
    if (turns.length === 0 || !this.#clock) return;
    if (!this.#hasStarted) this.#start(this.#session());
    const scene = {
      legend: this.#legend,
      calls: this.#calls,
      processes: this.#processes,
      connections: this.#connections,
      descriptors: this.#descriptors,
      threads: this.#threads,
      accounting: this.#accounting,
      handshakes: this.#handshakes,
      showsHandshakes: this.#showsHandshakes,
      countsBytes: this.#countsBytes,
      clock: this.#clock,
      onShort: (missing: number, meant: number) => this.#say(this.#notices.short(missing, meant)),
    };
    for (const turn of turns) this.#out.push(...takeTurn(turn, scene));
  }

  #session(): SessionEvent {
    return this.#legend.session(this.#anchor && this.#clock?.(this.#anchor.nsecs));
  }

  #start(session: SessionEvent): void {
    this.#hasStarted = true;
    this.#showsHandshakes = session.what.includes('handshakes');
    this.#countsBytes = session.what.join() !== 'handshakes';
    this.#out.push(session, ...this.#early);
    this.#early = [];
  }

  #say(event: TraceEvent | undefined): void {
    if (event) (this.#hasStarted ? this.#out : this.#early).push(event);
  }

  #sayLoss(isFlush: boolean): void {
    if (this.#hasStarted) this.#say(this.#notices.loss(this.#holdBack.newest, isFlush));
  }

  #countMalformed(line: string): void {
    this.#accounting.malformedLines++;
    this.#say(this.#notices.malformed(line));
  }

  #summary({incomplete, command, durationNs}: Ending): SummaryEvent {
    const accounting = this.#accounting;
    const isComplete = incomplete === undefined ? accounting.isFinal : !incomplete;
    if (isComplete) accounting.settle(this.#connections);
    return {
      type: 'summary',
      events: accounting.events,
      ...accounting.summary(this.#connections, isComplete),
      ...accounting.handshakes(),
      ...accounting.socketSummary(isComplete),
      lostEvents: accounting.lostEvents,
      malformedLines: accounting.malformedLines,
      ...(command && {command}),
      durationNs: durationNs ?? this.#durationNs(),
      byProcess: this.#processes.totals(),
      byConnection: this.#connections.totals(),
    };
  }

  #durationNs(): number {
    const {newest, spanNs} = this.#holdBack;
    const start = this.#anchor?.nsecs ?? newest - spanNs;
    return newest > start ? Number(newest - start) : 0;
  }

  #takeOut(): readonly TraceEvent[] {
    if (this.#out.length === 0) return nothing;
    const out = this.#out;
    this.#out = [];
    return out;
  }
}

const nothing: readonly TraceEvent[] = [];

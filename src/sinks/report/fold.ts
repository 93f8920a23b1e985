import type {
  ConnectionEvent,
  DataEvent,
  ErrorEvent,
  HandshakeEvent,
  MessageEvent,
  ProcessEvent,
  SessionEvent,
  SocketEvent,
  SummaryEvent,
  TraceEvent,
} from '../../model.js';
import {authorityOf} from '../http.js';
import {balance, losses} from '../summary.js';
import {Groups, Sample, Top} from './bounded.js';
import {edgesNs, Latencies} from './latencies.js';
import type {
  ConnectionRow,
  ExchangeRow,
  FailureRow,
  HandshakeRow,
  PeerRow,
  ProcessRow,
  Report,
  RouteRow,
  Totals,
  WarningRow,
} from './report.js';
import {routeOf} from './routes.js';
import {type Outcome, TimeBins} from './time-bins.js';

/** How much a report holds, whatever a recording does. */
const limits = {
  hosts: 200,
  routes: 500,
  slowest: 100,
  failed: 200,
  failures: 200,
  processes: 300,
  peers: 500,
  warnings: 50,
  /** Rows of the timeline, and connections followed at once. */
  timeline: 300,
  connections: 10_000,
  characters: 300,
};

type Mutable<T> = {-readonly [Field in keyof T]: T[Field]};
type Where = NonNullable<HandshakeEvent['connection']>;

/** Folds events, in their order, into a report. Its memory does not grow with the number of events. */
export class ReportFold {
  #session: SessionEvent = {type: 'session', schema: 1, tlsKit: 'unknown', what: [], targets: []};
  #summary: SummaryEvent | undefined;
  #firstMs: number | undefined;
  #lastMs: number | undefined;
  readonly #totals: Totals = {
    exchanges: 0,
    answered: 0,
    failed: 0,
    unpaired: 0,
    seenTwice: 0,
    webSocketMessages: 0,
    byProtocol: {},
    byStatus: {},
    handshakes: {ok: 0, failed: 0, abandoned: 0, unknown: 0},
    callErrors: 0,
    bytesSent: 0,
    bytesReceived: 0,
  };
  readonly #latency = new Latencies();
  readonly #handshakes = new Latencies();
  readonly #bins = new TimeBins();
  readonly #hosts = new Groups<RouteFold>(limits.hosts, () => new RouteFold('unknown', 'others', '', ''));
  /** By connection, the one longest idle first. */
  readonly #exchangesOf = new Map<string, number>();
  readonly #routes = new Groups<RouteFold>(limits.routes, () => new RouteFold('unknown', 'others', '', ''));
  readonly #slowest = new Top<ExchangeRow>(limits.slowest, ({totalNs = 0}) => totalNs);
  readonly #failed: ExchangeRow[] = [];
  readonly #sample = new Sample<ConnectionRow>(limits.timeline);
  /** In the order of their last event: the first is the one longest idle. */
  readonly #connections = new Map<string, Mutable<ConnectionRow>>();
  readonly #failures = new Groups<Mutable<FailureRow>>(limits.failures, () => ({...noFailure, explanation: 'others'}));
  readonly #processes = new Groups<Mutable<ProcessRow>>(limits.processes, () => newProcess(0, 'others'));
  readonly #peers = new Groups<Mutable<PeerRow>>(limits.peers, () => newPeer('others'));
  readonly #warnings = new Groups<Mutable<WarningRow>>(limits.warnings, () => ({message: 'others', count: 0}));

  add(event: TraceEvent): void {
    switch (event.type) {
      case 'session':
        this.#session = event;
        break;
      case 'process':
        this.#addProcess(event);
        break;
      case 'data':
        this.#addData(event);
        break;
      case 'connection':
        this.#addConnection(event);
        break;
      case 'handshake':
        this.#addHandshake(event);
        break;
      case 'error':
        this.#totals.callErrors++;
        this.#addFailure(event, 'call', event.explanation ?? event.errors[0]?.text ?? event.function);
        break;
      case 'socket':
        this.#addSocket(event);
        break;
      case 'message':
        this.#addMessage(event);
        break;
      case 'warning':
        this.#warnings.of(event.message, () => ({message: short(event.message), count: 0})).count++;
        break;
      case 'summary':
        this.#summary = event;
        break;
      case 'loss': // the summary counts it
        break;
    }
  }

  report(): Report {
    for (const connection of this.#connections.values()) this.#finish(connection);
    this.#connections.clear();
    const rows = this.#sample.items.sort((a, b) => a.openedMs - b.openedMs);
    const summary = this.#summary;
    return {
      session: this.#session,
      ...(summary && {summary: {...summary, byProcess: [], byConnection: []}}),
      account: summary
        ? {balance: balance(summary), losses: losses(summary)}
        : {balance: 'The recording was not read to its end: what was lost is unknown', losses: []},
      ...(this.#firstMs !== undefined && {firstMs: this.#firstMs}),
      ...(this.#lastMs !== undefined && {lastMs: this.#lastMs}),
      totals: this.#totals,
      latency: this.#latency.figures(),
      edgesNs,
      overTime: this.#bins.overTime(),
      hosts: this.#hosts.rows(
        (fold) => fold.row(),
        ({exchanges}) => exchanges,
      ),
      routes: this.#routes.rows(
        (fold) => fold.row(),
        ({exchanges}) => exchanges,
      ),
      slowest: this.#slowest.highest(),
      failed: this.#failed,
      connections: {rows, total: this.#sample.total, every: this.#sample.every},
      handshakes: this.#handshakes.figures(),
      failures: this.#failures.rows(
        (row) => row,
        ({count}) => count,
      ),
      processes: this.#processes.rows((row) => row, moved),
      peers: this.#peers.rows((row) => row, moved),
      warnings: this.#warnings.rows(
        (row) => row,
        ({count}) => count,
      ),
    };
  }

  #addProcess({pid, comm, argv, exe}: ProcessEvent): void {
    const row = this.#processOf(pid, comm);
    if (row.pid !== pid) return;
    if (comm !== undefined) row.name = comm;
    row.command = short((argv ?? []).join(' ') || exe || '');
  }

  #addData(event: DataEvent): void {
    if (event.peek) return;
    const {direction, length, pid, comm, connection} = event;
    const ms = this.#timeOf(event.time);
    this.#bins.addBytes(ms, direction, length);
    const row = this.#connectionOf(connection, pid, comm, ms);
    const process = this.#processOf(pid, comm);
    process.calls++;
    const peer = this.#peers.of(peerOf(connection), () => newPeer(peerOf(connection)));
    const field = direction === 'send' ? 'bytesSent' : 'bytesReceived';
    for (const counted of [this.#totals, row, process, peer]) counted[field] += length;
  }

  #addConnection({event, time, pid, comm, connection}: ConnectionEvent): void {
    const ms = this.#timeOf(time);
    const row = this.#connectionOf(connection, pid, comm, ms);
    if (event === 'close') row.isClosed = true;
  }

  #addHandshake(event: HandshakeEvent): void {
    const {connection, pid, comm, result, durationNs, explanation, cause} = event;
    const ms = this.#timeOf(event.time);
    this.#totals.handshakes[result]++;
    if (result === 'ok' && durationNs !== undefined) this.#handshakes.record(durationNs);
    if (result === 'failed' || result === 'abandoned') {
      this.#addFailure(event, 'handshake', explanation ?? cause ?? `The handshake was ${result}.`);
    }
    const startedMs = ms - (durationNs ?? 0) / 1e6;
    const row = this.#connectionOf(connection ?? {id: `${pid}@${event.time}`}, pid, comm, ms);
    row.openedMs = Math.min(row.openedMs, startedMs);
    row.handshake = handshakeRow(event);
  }

  #addSocket(event: SocketEvent): void {
    if (event.errno === undefined || unremarkable.has(event.errno)) return;
    this.#addFailure(event, 'socket', `${event.syscall} failed with ${event.errno}`);
  }

  #addFailure(event: ErrorEvent | HandshakeEvent | SocketEvent, kind: FailureRow['kind'], explanation: string): void {
    const ms = this.#timeOf(event.time);
    const peer = ('remote' in event ? event.remote : undefined) ?? event.connection?.remote ?? '';
    const serverName = 'serverName' in event ? (event.serverName ?? '') : '';
    const cause = 'cause' in event ? (event.cause ?? '') : '';
    const process = event.comm ?? String(event.pid);
    const row = this.#failures.of([kind, process, peer, serverName, cause, explanation].join('\0'), () => ({
      kind,
      process: short(process),
      peer: short(peer),
      serverName: short(serverName),
      cause: short(cause),
      explanation: short(explanation),
      certificate: short(certificateOf(event)),
      count: 0,
      firstMs: ms,
      lastMs: ms,
    }));
    row.count++;
    row.firstMs = Math.min(row.firstMs, ms);
    row.lastMs = Math.max(row.lastMs, ms);
  }

  /** Whether the other end of this connection had come as far: exchanges end in the same order at both. */
  #isSeenAgain({id, otherEnd}: MessageEvent['connection']): boolean {
    const exchanges = (this.#exchangesOf.get(id) ?? 0) + 1;
    this.#exchangesOf.delete(id);
    this.#exchangesOf.set(id, exchanges);
    const [oldest] = this.#exchangesOf.keys();
    if (this.#exchangesOf.size > limits.connections && oldest !== undefined) this.#exchangesOf.delete(oldest);
    return otherEnd !== undefined && (this.#exchangesOf.get(otherEnd) ?? 0) >= exchanges;
  }

  #addMessage(message: MessageEvent): void {
    if (message.webSocket) {
      this.#totals.webSocketMessages++;
      return;
    }
    const {request, response, protocol, timings, pid, comm} = message;
    if (!request && !response) return;
    count(this.#totals.byProtocol, protocol);
    this.#totals.exchanges++;
    if (response) this.#totals.answered++;
    if (!request) this.#totals.unpaired++;
    if (this.#isSeenAgain(message.connection)) this.#totals.seenTwice++;
    const {status} = response ?? {};
    if (status !== undefined) count(this.#totals.byStatus, String(Math.floor(status / 100)));
    const outcome = outcomeOf(message);
    const why = outcome === 'ok' ? undefined : whyFailed(message);
    const row = exchangeRow(message, why);
    this.#bins.addExchange(this.#timeOf(timings?.startedAt ?? message.time), outcome, timings?.totalNs);
    if (timings?.totalNs !== undefined) this.#latency.record(timings.totalNs);
    if (why !== undefined) {
      this.#totals.failed++;
      if (this.#failed.length < limits.failed) this.#failed.push(row);
    }
    if (row.totalNs !== undefined) this.#slowest.add(row);
    this.#processOf(pid, comm).exchanges++;
    const connection = this.#connections.get(message.connection.id);
    if (connection) connection.exchanges++;
    if (request) this.#addRoute(row, request.target ?? '?');
  }

  #addRoute({side, host, method, totalNs, why}: ExchangeRow, target: string): void {
    const route = routeOf(target);
    const ofHost = this.#hosts.of(`${side}\0${host}`, () => new RouteFold(side, host, '', ''));
    const ofRoute = this.#routes.of(
      [side, host, method, route].join('\0'),
      () => new RouteFold(side, host, method, route),
    );
    for (const fold of [ofHost, ofRoute]) fold.add(totalNs, why !== undefined);
  }

  #processOf(pid: number, comm: string | undefined): Mutable<ProcessRow> {
    return this.#processes.of(String(pid), () => newProcess(pid, short(comm ?? '?')));
  }

  #connectionOf(where: Where, pid: number, comm: string | undefined, ms: number): Mutable<ConnectionRow> {
    const known = this.#connections.get(where.id);
    const row = known ?? newConnection(where, pid, comm, ms);
    if (known) this.#connections.delete(where.id);
    this.#connections.set(where.id, row);
    if (where.remote !== undefined) row.peer = short(where.remote);
    row.lastMs = Math.max(row.lastMs, ms);
    for (const [id, idle] of this.#connections) {
      if (this.#connections.size <= limits.connections) break;
      this.#connections.delete(id);
      this.#finish(idle);
    }
    return row;
  }

  /** Counts it for its peer, who may have come to light after it was opened. */
  #finish(connection: ConnectionRow): void {
    const peer = peerOf({remote: connection.peer});
    this.#peers.of(peer, () => newPeer(peer)).connections++;
    this.#sample.add(connection);
  }

  /** Milliseconds since the epoch; keeps the first and the last. */
  #timeOf(time: string): number {
    const ms = Date.parse(time) + Number(time.slice(23, 29)) / 1e6;
    this.#firstMs = Math.min(this.#firstMs ?? ms, ms);
    this.#lastMs = Math.max(this.#lastMs ?? ms, ms);
    this.#bins.start(ms);
    return ms;
  }
}

/** What is no failure of a socket: it would have had to wait. */
const unremarkable: ReadonlySet<string> = new Set(['EAGAIN', 'EWOULDBLOCK', 'EINPROGRESS', 'EINTR', 'EALREADY']);

class RouteFold {
  #exchanges = 0;
  #failed = 0;
  readonly #latencies = new Latencies();

  constructor(
    private readonly side: RouteRow['side'],
    private readonly host: string,
    private readonly method: string,
    private readonly route: string,
  ) {}

  add(totalNs: number | undefined, hasFailed: boolean): void {
    this.#exchanges++;
    if (hasFailed) this.#failed++;
    if (totalNs !== undefined) this.#latencies.record(totalNs);
  }

  row(): RouteRow {
    const {side, host, method, route} = this;
    return {
      side,
      host,
      method,
      route,
      exchanges: this.#exchanges,
      failed: this.#failed,
      latency: this.#latencies.figures(),
    };
  }
}

function outcomeOf({response, grpc}: MessageEvent): Outcome {
  if (!response) return 'unanswered';
  const {status = 0} = response;
  if (status >= 500 || (grpc?.status ?? 0) > 0) return 'serverErrors';
  return status >= 400 ? 'clientErrors' : 'ok';
}

/** In what way an exchange failed, in a few words. */
function whyFailed({response, grpc, reset}: MessageEvent): string {
  if (reset) return short(`${reset.frame} ${reset.code} by the ${reset.by}`);
  if (!response) return 'no answer was seen';
  if (grpc?.status) return short(`gRPC status ${grpc.status}${grpc.message ? `: ${grpc.message}` : ''}`);
  return short(`${response.status} ${response.reason ?? ''}`.trim());
}

function exchangeRow(message: MessageEvent, why: string | undefined): ExchangeRow {
  const {request, response, timings, side, protocol, connection, pid, comm} = message;
  return {
    startedMs: Date.parse(timings?.startedAt ?? message.time),
    process: processName(comm, pid),
    side: side ?? 'unknown',
    protocol,
    method: short(request?.method ?? '?'),
    host: short(authorityOf(message).authority.toLowerCase()),
    target: short(request?.target ?? '?'),
    ...(response?.status !== undefined && {status: response.status}),
    ...(why !== undefined && {why}),
    ...(timings?.waitNs !== undefined && {waitNs: timings.waitNs}),
    ...(timings?.totalNs !== undefined && {totalNs: timings.totalNs}),
    connection: short(connection.id),
  };
}

function handshakeRow({result, durationNs, version, cipher, serverName, explanation}: HandshakeEvent): HandshakeRow {
  return {
    result,
    ...(durationNs !== undefined && {durationNs}),
    ...(version !== undefined && {version: short(version)}),
    ...(cipher !== undefined && {cipher: short(cipher)}),
    ...(serverName !== undefined && {serverName: short(serverName)}),
    ...(explanation !== undefined && {explanation: short(explanation)}),
  };
}

/** The peer's certificate, in a few words. */
function certificateOf(event: ErrorEvent | HandshakeEvent | SocketEvent): string {
  const [leaf] = ('certificates' in event && event.certificates) || [];
  if (!leaf) return '';
  const until = leaf.notAfter === undefined ? '' : `, until ${leaf.notAfter}`;
  return `${leaf.subject ?? '?'}, issued by ${leaf.issuer ?? '?'}${until}`;
}

/** Clients come from a port of their own each time (32768 and up on Linux, ip_local_port_range): they are one peer. */
function newConnection(where: Where, pid: number, comm: string | undefined, ms: number): Mutable<ConnectionRow> {
  return {
    id: short(where.id),
    process: processName(comm, pid),
    openedMs: ms,
    lastMs: ms,
    isClosed: false,
    bytesSent: 0,
    bytesReceived: 0,
    exchanges: 0,
  };
}

function peerOf({remote}: {readonly remote?: string | undefined}): string {
  if (remote === undefined) return 'unknown';
  return short(remote.replace(/:(\d+)$/, (all, port) => (Number(port) >= 32_768 ? ':*' : all)));
}

function processName(comm: string | undefined, pid: number): string {
  return `${short(comm ?? '?')}[${pid}]`;
}

function newProcess(pid: number, name: string): Mutable<ProcessRow> {
  return {pid, name, command: '', calls: 0, bytesSent: 0, bytesReceived: 0, exchanges: 0};
}

function newPeer(peer: string): Mutable<PeerRow> {
  return {peer, connections: 0, bytesSent: 0, bytesReceived: 0};
}

const noFailure: FailureRow = {
  kind: 'handshake',
  process: '',
  peer: '',
  serverName: '',
  cause: '',
  explanation: '',
  certificate: '',
  count: 0,
  firstMs: Number.POSITIVE_INFINITY,
  lastMs: 0,
};

function moved({bytesSent, bytesReceived}: {readonly bytesSent: number; readonly bytesReceived: number}): number {
  return bytesSent + bytesReceived;
}

function count(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1;
}

function short(text: string): string {
  return text.length > limits.characters ? `${text.slice(0, limits.characters)}…` : text;
}

import type {SessionEvent, SummaryEvent} from '../../model.js';

/** What a report says, in text, in HTML and as JSON. Times are milliseconds since the epoch, durations nanoseconds. Absent is unknown. */
export interface Report {
  readonly session: SessionEvent;
  /** The account of bytes and events; absent when the recording was not read to its end. */
  readonly summary?: SummaryEvent;
  /** The account in sentences: the balance, and what was lost and why. */
  readonly account: {readonly balance: string; readonly losses: readonly string[]};
  readonly firstMs?: number;
  readonly lastMs?: number;
  readonly totals: Totals;
  readonly latency: LatencyFigures;
  /** The upper edges of the classes of each distribution; what is above the last is in one class more. */
  readonly edgesNs: readonly number[];
  readonly overTime: OverTime;
  readonly hosts: Grouped<RouteRow>;
  readonly routes: Grouped<RouteRow>;
  readonly slowest: readonly ExchangeRow[];
  /** The first ones. */
  readonly failed: readonly ExchangeRow[];
  /** Of many connections every n-th, spread over the whole recording. */
  readonly connections: {readonly rows: readonly ConnectionRow[]; readonly total: number; readonly every: number};
  readonly handshakes: LatencyFigures;
  readonly failures: Grouped<FailureRow>;
  readonly processes: Grouped<ProcessRow>;
  readonly peers: Grouped<PeerRow>;
  readonly warnings: Grouped<WarningRow>;
}

/** Rows up to a limit; what came after is in `others`, all of it together. */
export interface Grouped<Row> {
  readonly rows: readonly Row[];
  readonly others?: Row;
  /** How many came too late for a row of their own, counted each time that they came. */
  readonly late: number;
}

export interface Totals {
  exchanges: number;
  answered: number;
  failed: number;
  /** Responses whose requests were not seen. */
  unpaired: number;
  /** Of the exchanges, those that had been seen from the other end of their connection before: both are traced. */
  seenTwice: number;
  webSocketMessages: number;
  byProtocol: Record<string, number>;
  /** 2 for 200 to 299, and so on. */
  byStatus: Record<string, number>;
  handshakes: Record<'ok' | 'failed' | 'abandoned' | 'unknown', number>;
  callErrors: number;
  bytesSent: number;
  bytesReceived: number;
}

export interface LatencyFigures {
  readonly count: number;
  readonly meanNs?: number;
  readonly p50Ns?: number;
  readonly p90Ns?: number;
  readonly p99Ns?: number;
  readonly maxNs?: number;
  readonly distribution: readonly number[];
}

export interface OverTime {
  readonly startMs: number;
  readonly widthMs: number;
  readonly bins: readonly TimeBin[];
}

export interface TimeBin {
  /** Exchanges that began here, by how they ended. */
  readonly ok: number;
  readonly clientErrors: number;
  readonly serverErrors: number;
  readonly unanswered: number;
  readonly p50Ns?: number;
  readonly p99Ns?: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

export interface RouteRow {
  readonly side: 'client' | 'server' | 'unknown';
  readonly host: string;
  readonly method: string;
  /** The path without its query, with what looks like an id folded: `/users/:id`. */
  readonly route: string;
  readonly exchanges: number;
  readonly failed: number;
  readonly latency: LatencyFigures;
}

export interface ExchangeRow {
  readonly startedMs: number;
  readonly process: string;
  readonly side: 'client' | 'server' | 'unknown';
  readonly protocol: string;
  readonly method: string;
  readonly host: string;
  readonly target: string;
  readonly status?: number;
  /** Why it counts as failed. */
  readonly why?: string;
  readonly waitNs?: number;
  readonly totalNs?: number;
  readonly connection: string;
}

export interface ConnectionRow {
  readonly id: string;
  readonly process: string;
  readonly peer?: string;
  readonly openedMs: number;
  readonly lastMs: number;
  readonly isClosed: boolean;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly exchanges: number;
  readonly handshake?: HandshakeRow;
}

export interface HandshakeRow {
  readonly result: 'ok' | 'failed' | 'abandoned' | 'unknown';
  readonly durationNs?: number;
  readonly version?: string;
  readonly cipher?: string;
  readonly serverName?: string;
  readonly explanation?: string;
}

/** Handshakes, or calls on open connections, that failed for the same reason with the same peer. */
export interface FailureRow {
  readonly kind: 'handshake' | 'call' | 'socket';
  readonly process: string;
  readonly peer: string;
  readonly serverName: string;
  readonly cause: string;
  /** Why, in one sentence. */
  readonly explanation: string;
  readonly certificate: string;
  readonly count: number;
  readonly firstMs: number;
  readonly lastMs: number;
}

export interface ProcessRow {
  readonly pid: number;
  readonly name: string;
  readonly command: string;
  readonly calls: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly exchanges: number;
}

export interface PeerRow {
  readonly peer: string;
  readonly connections: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

export interface WarningRow {
  readonly message: string;
  readonly count: number;
}

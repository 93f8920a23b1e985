import type {SummaryEvent} from '../model.js';
import type {Paint} from './paint.js';
import {createTable} from './table.js';
import {counted, duration, plural} from './units.js';
import {visible} from './visible.js';

/** The summary for people: the balance of bytes, what was lost and what to do about it, and who moved how much. */
export function summaryLines(summary: SummaryEvent, paint: Paint): string[] {
  const {sockets} = summary;
  const hasOnlySockets = sockets !== undefined && summary.events + (summary.calls?.entered ?? 0) === 0;
  if (hasOnlySockets) return ['', paint.bold(socketsLine(sockets, summary)), ...losses(summary).map(paint.red)];
  const hasOnlyHandshakes = summary.events === 0 && summary.handshakes !== undefined;
  return [
    '',
    `${paint.bold(hasOnlyHandshakes ? handshakes(summary) : plural(summary.events, 'call'))} in ${duration(summary.durationNs)}${openCalls(summary)}`,
    ...(hasOnlyHandshakes ? [] : [...[handshakes(summary)].filter(Boolean), paint.bold(balance(summary))]),
    ...(sockets ? [paint.bold(socketsLine(sockets, summary))] : []),
    ...losses(summary).map((line) => paint.red(line)),
    ...(summary.byProcess.length > 1 ? processTable(summary) : []),
  ];
}

function handshakes({handshakes: counts}: SummaryEvent): string {
  if (!counts) return '';
  const {ok, failed, abandoned, unknown, oldTls} = counts;
  const all = ok + failed + abandoned + unknown;
  const parts = [
    ...(failed > 0 ? [`${counted(failed)} failed`] : []),
    ...(abandoned > 0 ? [`${counted(abandoned)} abandoned`] : []),
    ...(unknown > 0 ? [`${counted(unknown)} of unknown end`] : []),
    ...(oldTls > 0 ? [`${counted(oldTls)} below TLS 1.2`] : []),
  ];
  return `${plural(all, 'handshake')} (${parts.length > 0 ? parts.join(', ') : 'none failed'})`;
}

/** What became of the bytes, in one line. */
export function balance({bytes, incomplete}: SummaryEvent): string {
  const {seen, captured, cut, lost, peeked} = bytes;
  const peeks = peeked ? ` (and ${plural(peeked, 'byte')} peeked at)` : '';
  if (incomplete || seen === undefined) {
    return `captured ${counted(captured)} bytes${peeks}; how many were seen, cut and lost is unknown: bpftrace gave no final totals`;
  }
  return `seen ${counted(seen)} bytes = captured ${counted(captured)} + cut ${counted(cut ?? 0)} + lost ${counted(lost ?? 0)}${peeks}`;
}

function socketsLine({calls, bytes}: NonNullable<SummaryEvent['sockets']>, {durationNs}: SummaryEvent): string {
  const {seen, captured, cut = 0, lost = 0} = bytes;
  const account =
    seen === undefined
      ? `captured ${counted(captured)} bytes; how many were seen, cut and lost is unknown`
      : `seen ${counted(seen)} bytes = captured ${counted(captured)} + cut ${counted(cut)} + lost ${counted(lost)}`;
  return `${plural(calls, 'socket call')} in ${duration(durationNs)}: ${account}`;
}

function openCalls({calls}: SummaryEvent): string {
  return calls && calls.unmatched > 0 ? `, ${plural(calls.unmatched, 'call')} under way at the end` : '';
}

/** What was lost, and what to do about it. */
export function losses({bytes, lostEvents, malformedLines}: SummaryEvent): string[] {
  const lost = bytes.lost ?? 0;
  return [
    ...(lostEvents > 0
      ? [
          `${plural(lostEvents, 'record')} lost on the way from the kernel: keep less of each call (--snaplen 512), or trace fewer processes (-p)`,
        ]
      : []),
    ...(lost > 0 && lostEvents === 0
      ? ['What was under way when bpftrace stopped never arrived: close its gate first, as the head of the script says']
      : []),
    ...(malformedLines > 0 ? [`${plural(malformedLines, 'line')} could not be read`] : []),
  ];
}

function processTable({byProcess}: SummaryEvent): string[] {
  const rows = byProcess.slice(0, 10).map(({pid, comm, events, bytesSent, bytesReceived}) => {
    return [String(pid), visible(comm ?? '?'), counted(events), counted(bytesSent), counted(bytesReceived)];
  });
  const more = byProcess.length - rows.length;
  return [
    '',
    ...createTable(['PID', 'PROCESS', 'CALLS', 'SENT', 'RECEIVED'], rows, ['right', 'left', 'right', 'right', 'right']),
    ...(more > 0 ? [`and ${counted(more)} more`] : []),
  ];
}

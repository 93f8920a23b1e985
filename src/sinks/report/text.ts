import {createPaint, type Paint} from '../paint.js';
import {createTable} from '../table.js';
import {counted, duration, plural, size} from '../units.js';
import {visible} from '../visible.js';
import type {ExchangeRow, Grouped, LatencyFigures, Report, RouteRow} from './report.js';

/** Rows of each table: the HTML page has more. */
const shownRows = 10;

type Align = 'left' | 'right';

/** The report for a terminal. What comes from outside is shown, never obeyed. */
export function reportText(report: Report, colour: boolean): string {
  const paint = createPaint(colour);
  const sections = [
    headLines(report, paint),
    totalLines(report),
    routeLines(report, paint),
    exchangeLines('SLOWEST EXCHANGES', report.slowest, paint),
    exchangeLines(failedTitle(report), report.failed, paint),
    failureLines(report, paint),
    processLines(report, paint),
    peerLines(report, paint),
    warningLines(report, paint),
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

function headLines({session, summary, account, firstMs, lastMs}: Report, paint: Paint): string[] {
  const when =
    firstMs === undefined || lastMs === undefined
      ? 'nothing was seen'
      : `${new Date(firstMs).toISOString()}, for ${duration((lastMs - firstMs) * 1e6)}`;
  const targets = session.targets.map(
    ({library, version, path}) => `${[library, version].filter(Boolean).join(' ')} at ${path}`,
  );
  const redacted = session.redaction === 'on' ? summary?.redaction : undefined;
  return [
    paint.bold(`tls-kit report${session.host === undefined ? '' : ` of ${visible(session.host)}`}, ${when}`),
    ...(session.command ? [`command: ${visible(session.command.join(' '))}`] : []),
    ...targets.slice(0, 3).map((target) => `traced ${visible(target)}`),
    ...(targets.length > 3 ? [`and ${targets.length - 3} more`] : []),
    paint.bold(account.balance),
    ...account.losses.map((loss) => paint.red(loss)),
    ...(redacted
      ? [`${plural(redacted.masked, 'secret')} masked; ${plural(redacted.uninspectedBytes, 'byte')} not looked into`]
      : []),
    ...(session.redaction === 'off' ? [paint.yellow('nothing was masked: secrets may stand below')] : []),
  ];
}

function totalLines({totals, latency, handshakes, connections}: Report): string[] {
  const protocols = Object.entries(totals.byProtocol).map(([name, value]) => `${name} ${counted(value)}`);
  const statuses = Object.entries(totals.byStatus).map(([first, value]) => `${first}xx ${counted(value)}`);
  const {ok, failed, abandoned, unknown} = totals.handshakes;
  const others = [
    ...(abandoned > 0 ? [`${counted(abandoned)} abandoned`] : []),
    ...(unknown > 0 ? [`${counted(unknown)} of unknown end`] : []),
  ];
  return [
    `${plural(totals.exchanges, 'exchange')}${listed([...protocols, ...statuses])}; ${counted(totals.failed)} failed`,
    ...(totals.seenTwice > 0 ? [`${counted(totals.seenTwice)} of them seen twice: both ends were traced`] : []),
    ...(latency.count > 0 ? [`latency ${percentiles(latency)}`] : []),
    ...(totals.webSocketMessages > 0 ? [plural(totals.webSocketMessages, 'WebSocket message')] : []),
    `${plural(connections.total, 'connection')}, sent ${size(totals.bytesSent)}, received ${size(totals.bytesReceived)}`,
    ...(ok + failed + abandoned + unknown > 0
      ? [`handshakes: ${[`${counted(ok)} ok`, `${counted(failed)} failed`, ...others].join(', ')}`]
      : []),
    ...(handshakes.count > 0 ? [`duration of handshakes ${percentiles(handshakes)}`] : []),
  ];
}

function listed(words: readonly string[]): string {
  return words.length === 0 ? '' : ` (${words.join(', ')})`;
}

function percentiles({p50Ns, p90Ns, p99Ns, maxNs}: LatencyFigures): string {
  return `p50 ${shown(p50Ns)}, p90 ${shown(p90Ns)}, p99 ${shown(p99Ns)}, max ${shown(maxNs)}`;
}

function shown(ns: number | undefined): string {
  return ns === undefined ? '-' : duration(ns);
}

function routeLines({routes}: Report, paint: Paint): string[] {
  const row = ({side, host, method, route, exchanges, failed, latency}: RouteRow) => [
    counted(exchanges),
    counted(failed),
    shown(latency.p50Ns),
    shown(latency.p90Ns),
    shown(latency.p99Ns),
    shown(latency.maxNs),
    side,
    visible(host),
    visible(`${method} ${route}`.trim()),
  ];
  const head = ['COUNT', 'FAILED', 'P50', 'P90', 'P99', 'MAX', 'SIDE', 'HOST', 'ROUTE'];
  const align: Align[] = ['right', 'right', 'right', 'right', 'right', 'right'];
  return tableLines('LATENCY BY HOST AND ROUTE', head, routes, row, align, paint);
}

function exchangeLines(title: string, rows: readonly ExchangeRow[], paint: Paint): string[] {
  const row = ({startedMs, process, status, totalNs, method, host, target, why}: ExchangeRow) => [
    new Date(startedMs).toISOString().slice(11, 23),
    shown(totalNs),
    status === undefined ? '-' : String(status),
    visible(process),
    visible(`${method} ${host}${target}`),
    visible(why ?? ''),
  ];
  const head = ['UTC', 'TOOK', 'STATUS', 'PROCESS', 'REQUEST', 'WHY'];
  return tableLines(title, head, {rows, late: 0}, row, ['left', 'right', 'right'], paint);
}

function failedTitle({totals, failed}: Report): string {
  const all = totals.failed > failed.length ? `, THE FIRST ${failed.length} OF ${counted(totals.failed)}` : '';
  return `FAILED EXCHANGES${all}`;
}

function failureLines({failures}: Report, paint: Paint): string[] {
  const {rows} = failures;
  if (rows.length === 0) return [];
  return [
    paint.bold('FAILURES'),
    ...rows.slice(0, shownRows).map(({count, kind, process, peer, serverName, explanation}) => {
      const where = [...(serverName === '' ? [] : [serverName]), ...(peer === '' ? [] : [peer])].join(' at ');
      return `${counted(count)}x ${kind}, ${visible(process)}${where === '' ? '' : ` with ${visible(where)}`}: ${visible(explanation)}`;
    }),
    ...moreLines(failures),
  ];
}

function processLines({processes}: Report, paint: Paint): string[] {
  const head = ['PID', 'SENT', 'RECEIVED', 'CALLS', 'EXCHANGES', 'PROCESS'];
  return tableLines(
    'PROCESSES',
    head,
    processes,
    ({pid, name, command, calls, bytesSent, bytesReceived, exchanges}) => [
      pid === 0 ? '' : String(pid),
      size(bytesSent),
      size(bytesReceived),
      counted(calls),
      counted(exchanges),
      visible(command === '' ? name : `${name}: ${command.slice(0, 80)}`),
    ],
    ['right', 'right', 'right', 'right', 'right'],
    paint,
  );
}

function peerLines({peers}: Report, paint: Paint): string[] {
  return tableLines(
    'PEERS',
    ['SENT', 'RECEIVED', 'CONNECTIONS', 'PEER'],
    peers,
    ({peer, connections, bytesSent, bytesReceived}) => [
      size(bytesSent),
      size(bytesReceived),
      counted(connections),
      visible(peer),
    ],
    ['right', 'right', 'right'],
    paint,
  );
}

function warningLines({warnings}: Report, paint: Paint): string[] {
  return warnings.rows.map(({message, count}) => {
    const times = count > 1 ? ` (${counted(count)} times)` : '';
    return `${paint.yellow('warning:')} ${visible(message)}${times}`;
  });
}

function tableLines<Row>(
  title: string,
  head: readonly string[],
  group: Grouped<Row>,
  toCells: (row: Row) => string[],
  align: readonly Align[],
  paint: Paint,
): string[] {
  if (group.rows.length === 0) return [];
  const cells = [...group.rows.slice(0, shownRows), ...(group.others ? [group.others] : [])].map(toCells);
  return [paint.bold(title), ...createTable(head, cells, align), ...moreLines(group)];
}

function moreLines({rows}: Grouped<unknown>): string[] {
  return rows.length > shownRows ? [`and ${counted(rows.length - shownRows)} more`] : [];
}

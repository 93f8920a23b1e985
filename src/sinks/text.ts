import type {ConnectionEvent, DataEvent, MessageEvent, ProcessEvent, SocketEvent, TraceEvent} from '../model.js';
import {errorLines, handshakeLines} from './handshake-lines.js';
import {type MessageParts, messageLines, opaqueLine} from './message-lines.js';
import {createPaint, type Paint} from './paint.js';
import type {Sink, Write} from './sink.js';
import {summaryLines} from './summary.js';
import {counted, duration, plural} from './units.js';
import {hexLines, textLines, visible} from './visible.js';

export interface TextOptions {
  /** Events. */
  readonly out: Write;
  /** Warnings and the summary. */
  readonly err: Write;
  /** Columns of the terminal; lines are not wrapped without. */
  readonly width?: number;
  readonly colour: boolean;
  readonly time: 'utc' | 'local' | 'relative';
  /** `hex` shows all payload as bytes; `text` does so where it is no text. */
  readonly payload: 'text' | 'hex';
  /** `calls`: those of known protocols too, which are shown as messages else. With `payload: hex` calls are all that is shown. */
  readonly show?: MessageParts & {readonly calls: boolean};
}

const indent = '    ';
/** Less, so that sixteen bytes fit into 80 columns. */
const hexIndent = '  ';

/** Short-lived processes that a filter leaves nothing of. */
const mostUnnamed = 10_000;

const showsLinesOnly = {headers: false, body: false, calls: false};

/**
 * For people: a line for each message, and for each call where no message is made of it. What comes from outside is shown, never
 * obeyed.
 */
export function createTextSink(options: TextOptions): Sink {
  const paint = createPaint(options.colour);
  const clock = createClock(options.time);
  /** Processes of which nothing was shown yet: each is named before the first that is, since a filter may leave nothing of it. */
  const unnamed = new Map<number, string>();
  const show = ({pid}: {readonly pid: number}, lines: readonly string[]) => {
    const name = unnamed.get(pid);
    unnamed.delete(pid);
    return options.out(`${[...(name === undefined ? [] : [name]), ...lines].join('\n')}\n`);
  };
  const name = (event: ProcessEvent) => {
    if (unnamed.size >= mostUnnamed) unnamed.delete(unnamed.keys().next().value as number);
    unnamed.set(event.pid, paint.dim(processLine(event)));
  };
  const parts = options.show ?? showsLinesOnly;
  const showsAllCalls = parts.calls || options.payload === 'hex';
  /** Connections of which calls were shown: their end is, too. */
  const called = new Set<string>();
  const showsCall = ({protocol, connection}: DataEvent): boolean => {
    if (!showsAllCalls && protocol !== undefined) return false;
    called.add(connection.id);
    return true;
  };
  /** What goes over a socket inside of a library's call is ciphertext: the call's own plaintext is shown. */
  const socketPayload = (event: SocketEvent) =>
    event.connection === undefined || showsAllCalls ? payloadLines(event, options, paint) : [];
  const message = (event: MessageEvent) => {
    if (options.payload === 'hex') return;
    const {protocol, connection} = event;
    if (protocol !== 'unknown') return show(event, messageLines(event, clock(event.time), parts, paint, options.width));
    if (!called.has(connection.id)) return show(event, [opaqueLine(event, clock(event.time), paint)]);
  };
  return {
    write: (event: TraceEvent) => {
      switch (event.type) {
        case 'data':
          if (!showsCall(event)) return;
          return show(event, [callLine(event, clock, paint), ...payloadLines(event, options, paint)]);
        case 'message':
          return message(event);
        case 'socket':
          return show(event, [socketLine(event, clock, paint), ...socketPayload(event)]);
        case 'connection':
          // One that moved nothing was there for its handshake.
          if (event.event !== 'close' || !called.delete(event.connection.id) || event.bytesSent === undefined) return;
          return show(event, [paint.dim(closeLine(event, clock))]);
        case 'process':
          return name(event);
        case 'handshake':
          return show(event, handshakeLines(event, clock(event.time), paint));
        case 'error':
          return show(event, errorLines(event, clock(event.time), paint));
        case 'loss':
          return options.err(`${paint.red(`${plural(event.events, 'event')} lost: ${visible(event.cause)}`)}\n`);
        case 'warning':
          return options.err(`${paint.yellow('warning:')} ${visible(event.message)}\n`);
        case 'summary':
          return options.err(`${summaryLines(event, paint).join('\n')}\n`);
        case 'session':
          return undefined;
      }
    },
    flush: async () => {},
    close: async () => {},
  };
}

function callLine(event: DataEvent, clock: (time: string) => string, paint: Paint): string {
  const {comm, pid, direction, connection, length, latencyNs} = event;
  const who = paint.bold(`${visible(comm ?? '?')}[${pid}]`);
  const arrow = direction === 'send' ? paint.cyan('->') : paint.green('<-');
  const peer = connection.remote === undefined ? '' : ` ${visible(connection.remote)}`;
  const what = `${visible(event.function)}${event.peek ? ' (peek)' : ''} ${plural(length, 'byte')}`;
  const details = `#${visible(connection.id)} +${counted(event.offset)} ${duration(latencyNs)}`;
  return `${paint.dim(clock(event.time))} ${who} ${arrow}${peer} ${what} ${paint.dim(details)}`;
}

function socketLine(event: SocketEvent, clock: (time: string) => string, paint: Paint): string {
  const {comm, pid, syscall, fd, result, errno, local, remote, detail, latencyNs, connection} = event;
  const who = paint.bold(`${visible(comm ?? '?')}[${pid}]`);
  const ends = [local, remote].map((end) => (end === undefined ? '*' : visible(end))).join(' -> ');
  const given = [
    ...(fd === undefined ? [] : [String(fd)]),
    ...(local === undefined && remote === undefined ? [] : [ends]),
    ...(detail === undefined ? [] : [visible(detail)]),
  ];
  const came = errno === undefined ? String(result ?? '?') : paint.red(visible(errno));
  const details = [
    ...[event.family, event.protocol].filter((word) => word !== undefined).map(visible),
    ...(connection ? [`inside #${visible(connection.id)}`] : []),
    ...(latencyNs === undefined ? [] : [duration(latencyNs)]),
  ];
  return `${paint.dim(clock(event.time))} ${who} ${visible(syscall)}(${given.join(', ')}) = ${came} ${paint.dim(details.join(' '))}`;
}

function closeLine(
  {time, comm, pid, connection, bytesSent, bytesReceived, durationNs}: ConnectionEvent,
  clock: (time: string) => string,
): string {
  const moved = [
    ...(bytesSent === undefined ? [] : [`sent ${counted(bytesSent)}`]),
    ...(bytesReceived === undefined ? [] : [`received ${counted(bytesReceived)}`]),
    ...(durationNs === undefined ? [] : [`after ${duration(durationNs)}`]),
  ];
  return `${clock(time)} ${visible(comm ?? '?')}[${pid}] -- closed #${visible(connection.id)} ${moved.join(', ')}`;
}

function processLine({pid, comm, argv, exe, uid}: ProcessEvent): string {
  const command = argv && argv.length > 0 ? argv.join(' ') : (exe ?? '');
  const words = visible(command);
  const shown = words.length > 200 ? `${words.slice(0, 200)}…` : words;
  return `process ${pid} ${visible(comm ?? '?')}${uid === undefined ? '' : ` of user ${uid}`}${shown ? `: ${shown}` : ''}`;
}

/** Of what a payload is made up, in events that may have none. */
type Carrier = Partial<Pick<DataEvent, 'payload' | 'length' | 'captured' | 'gaps' | 'offset' | 'withheld'>>;

function payloadLines(event: Carrier, {payload, width}: TextOptions, paint: Paint): string[] {
  const {withheld = 0, payload: encoded = ''} = event;
  const whole = Buffer.from(encoded, 'base64');
  // Asterisks for all of it say nothing.
  const bytes = withheld > 0 && withheld === whole.length ? Buffer.alloc(0) : whole;
  const lost = (event.gaps ?? []).reduce((sum, [, length]) => sum + (length ?? 0), 0);
  const cut = (event.length ?? 0) - whole.length - lost;
  const text = payload === 'text' ? textLines(bytes) : undefined;
  const room = width === undefined ? Number.POSITIVE_INFINITY : Math.max(width - indent.length, 20);
  const lines = text
    ? text.flatMap((line) => wrap(line, room)).map((line) => `${indent}${line}`.trimEnd())
    : hexLines(bytes, payload === 'hex' ? (event.offset ?? 0) : 0).map((line) => `${hexIndent}${line}`);
  return [
    ...lines,
    ...(withheld > 0 ? [paint.dim(`${indent}(${plural(withheld, 'byte')} withheld)`)] : []),
    ...(cut > 0 ? [paint.yellow(`${indent}… ${plural(cut, 'byte')} cut`)] : []),
    ...(lost > 0 ? [paint.red(`${indent}… ${plural(lost, 'byte')} lost`)] : []),
  ];
}

function wrap(line: string, room: number): string[] {
  if (line.length <= room) return [line];
  const characters = [...line];
  const rows: string[] = [];
  for (let at = 0; at < characters.length; at += room) rows.push(characters.slice(at, at + room).join(''));
  return rows;
}

function createClock(kind: TextOptions['time']): (time: string) => string {
  let firstMs: number | undefined;
  return (time) => {
    if (kind === 'utc') return `${time.slice(11, 23)}Z`;
    const ms = Date.parse(time);
    if (kind === 'local') return new Date(ms - new Date(ms).getTimezoneOffset() * 60_000).toISOString().slice(11, 23);
    firstMs ??= ms;
    return `${((ms - firstMs) / 1000).toFixed(3).padStart(9)}`;
  };
}

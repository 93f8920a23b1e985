import type {Header, HttpRequest, HttpResponse, MessageEvent} from '../model.js';
import type {Paint} from './paint.js';
import {counted, duration, plural, size} from './units.js';
import {textLines, visible} from './visible.js';

/** What to show of a message below its line. */
export interface MessageParts {
  readonly headers: boolean;
  readonly body: boolean;
}

const indent = '    ';
const shortestTarget = 24;

/** The names of gRPC's codes, by number (https://grpc.github.io/grpc/core/md_doc_statuscodes.html). */
const grpcCodes = [
  ...['OK', 'CANCELLED', 'UNKNOWN', 'INVALID_ARGUMENT', 'DEADLINE_EXCEEDED', 'NOT_FOUND', 'ALREADY_EXISTS'],
  ...['PERMISSION_DENIED', 'RESOURCE_EXHAUSTED', 'FAILED_PRECONDITION', 'ABORTED', 'OUT_OF_RANGE', 'UNIMPLEMENTED'],
  ...['INTERNAL', 'UNAVAILABLE', 'DATA_LOSS', 'UNAUTHENTICATED'],
];

/**
 * A message in one line, and below it what was asked for. What has one length in every line comes first (time, status, latency), so
 * that it stands in columns: `12:00:00.000 200  1.23 ms curl[12] -> GET host/path 5 B`.
 * @param width of the terminal: a long target is shortened to fit; without, it is shown as it is.
 */
export function messageLines(
  event: MessageEvent,
  time: string,
  parts: MessageParts,
  paint: Paint,
  width: number | undefined,
): string[] {
  const line = event.webSocket ? webSocketLine(event, time, paint, width) : exchangeLine(event, time, paint, width);
  return [line, ...details(event, parts, paint)];
}

/** What of a connection belongs to no message, where its calls were not shown. */
export function opaqueLine({connection, opaque, gaps}: MessageEvent, time: string, paint: Paint): string {
  const {bytesSent = 0, bytesReceived = 0} = opaque ?? {};
  const missing = gaps.reduce((sum, gap) => sum + (gap.kind === 'missing' ? gap.length : 0), 0);
  const told = [
    ...(bytesSent > 0 ? [`${plural(bytesSent, 'byte')} sent`] : []),
    ...(bytesReceived > 0 ? [`${plural(bytesReceived, 'byte')} received`] : []),
    ...(missing > 0 ? [`${plural(missing, 'byte')} missing`] : []),
  ];
  return paint.dim(`${time} --- #${visible(connection.id)}: ${told.join(', ')}, in no message`);
}

function exchangeLine(event: MessageEvent, time: string, paint: Paint, width: number | undefined): string {
  const {request, response, grpc, side, connection, timings} = event;
  const arrow = side === 'server' ? paint.green('<-') : paint.cyan('->');
  const method = grpc ? 'gRPC' : visible(request?.method ?? '???');
  const peer = connection.remote === undefined ? '' : ` ${visible(connection.remote)}`;
  const latency = timings?.totalNs ?? timings?.receiveNs;
  const before = `${statusText(event)} ${(latency === undefined ? '-' : duration(latency)).padStart(7)} ${who(event)}`;
  const after = `${sizes(request, response)}${peer}${notes(event)}`;
  const taken = time.length + 1 + before.length + 4 + method.length + 2 + after.length;
  const target = fitted(targetText(event), width === undefined ? undefined : width - taken);
  const status = paintStatus(event, paint);
  return [
    paint.dim(time),
    status,
    (latency === undefined ? '-' : duration(latency)).padStart(7),
    paint.bold(who(event)),
    arrow,
    paint.bold(method),
    target,
    paint.dim(`${sizes(request, response)}${peer}`) + paint.yellow(notes(event)),
  ].join(' ');
}

function webSocketLine(event: MessageEvent, time: string, paint: Paint, width: number | undefined): string {
  const {webSocket, connection} = event as MessageEvent & {webSocket: NonNullable<MessageEvent['webSocket']>};
  const {direction, kind, length, text, closeCode, closeReason, compressed} = webSocket;
  const arrow = direction === 'send' ? paint.cyan('->') : paint.green('<-');
  const peer = connection.remote === undefined ? '' : ` ${visible(connection.remote)}`;
  const close = closeCode === undefined ? '' : `${closeCode}${closeReason ? ` ${visible(closeReason)}` : ''}`;
  const said = kind === 'close' ? close : text === undefined ? '' : JSON.stringify(visible(text)).slice(0, 200);
  const after = `${size(length)}${compressed ? ' compressed' : ''}${peer}${notes(event)}`;
  const taken = time.length + 13 + who(event).length + 4 + kind.length + 2 + after.length;
  const shown = fitted(said, width === undefined ? undefined : width - taken);
  return [
    paint.dim(time),
    paint.dim('ws '),
    '-'.padStart(7),
    paint.bold(who(event)),
    arrow,
    paint.bold(kind),
    ...(shown === '' ? [] : [shown]),
    paint.dim(after),
  ].join(' ');
}

function who({comm, pid}: MessageEvent): string {
  return `${visible(comm ?? '?')}[${pid}]`;
}

function statusText({response, reset, grpc}: MessageEvent): string {
  if (grpc?.status !== undefined) return grpc.status === 0 ? 'OK ' : `E${String(grpc.status).padEnd(2)}`;
  if (response?.status !== undefined) return String(response.status);
  return reset ? 'RST' : '---';
}

function paintStatus(event: MessageEvent, paint: Paint): string {
  const text = statusText(event);
  const {response, grpc} = event;
  if (grpc?.status !== undefined) return grpc.status === 0 ? paint.green(text) : paint.red(text);
  const status = response?.status;
  if (status === undefined || status >= 500) return paint.red(text);
  if (status >= 400) return paint.yellow(text);
  return status >= 300 ? paint.cyan(text) : paint.green(text);
}

function targetText({request, grpc}: MessageEvent): string {
  if (grpc?.service !== undefined) return visible(`${request?.authority ?? ''}/${grpc.service}/${grpc.method ?? ''}`);
  const {target, authority} = request ?? {};
  if (target === undefined) return authority === undefined ? '?' : visible(authority);
  return visible(target.startsWith('/') ? `${authority ?? ''}${target}` : target);
}

/** Shortened in the middle: the beginning names the host, the end what is asked for. */
function fitted(text: string, room: number | undefined): string {
  if (room === undefined || text.length <= Math.max(room, shortestTarget)) return text;
  const length = Math.max(room, shortestTarget) - 1;
  const head = Math.ceil(length * 0.6);
  return `${text.slice(0, head)}…${text.slice(text.length - (length - head))}`;
}

/** Bytes of the bodies: what was asked with, if anything, and what was answered. */
function sizes(request: HttpRequest | undefined, response: HttpResponse | undefined): string {
  const sent = request?.body?.length ?? 0;
  const received = response?.body?.length ?? 0;
  return sent > 0 ? `${size(sent)} > ${size(received)}` : size(received);
}

function notes(event: MessageEvent): string {
  const {complete, gaps, oddities, request, response, reset, pairing, pushed, grpc} = event;
  const missing = gaps.reduce((sum, {length}) => sum + length, 0);
  const told = [
    ...(grpc?.status ? [grpcCodes[grpc.status] ?? `code ${grpc.status}`] : []),
    ...(grpc?.message ? [visible(grpc.message)] : []),
    ...(reset ? [`${reset.frame} ${visible(reset.code)} by ${reset.by}`] : []),
    ...(!request ? ['request not seen'] : []),
    ...(!response && !reset && !event.webSocket ? ['no response'] : []),
    ...(missing > 0 ? [`${plural(missing, 'byte')} missing`] : []),
    ...(!complete && request && response && missing === 0 && !reset ? ['incomplete'] : []),
    ...(pairing ? ['pairing assumed'] : []),
    ...(pushed ? ['pushed'] : []),
    ...(oddities ?? []).map(visible),
    ...(response?.serverSentEvents ? [plural(response.serverSentEvents.count, 'event')] : []),
  ];
  if (event.webSocket) return complete ? '' : ' (incomplete)';
  return told.length === 0 ? '' : ` (${told.join(', ')})`;
}

function details({request, response, webSocket}: MessageEvent, {headers, body}: MessageParts, paint: Paint): string[] {
  const half = (part: HttpRequest | HttpResponse | undefined, sign: string) => [
    ...(headers
      ? [...(part?.headers ?? []), ...(part?.trailers ?? [])].map((header) => fieldLine(header, sign, paint))
      : []),
    ...(body && part?.body ? bodyLines(part.body, paint) : []),
  ];
  const message = body && webSocket ? bodyLines(webSocket, paint) : [];
  return [...half(request, '>'), ...half(response, '<'), ...message];
}

function fieldLine({name, value}: Header, sign: string, paint: Paint): string {
  return `${indent}${paint.dim(sign)} ${visible(name ?? '(unknown)')}: ${visible(value ?? '(unknown)')}`;
}

type Content = Pick<
  NonNullable<MessageEvent['webSocket']>,
  'base64' | 'captured' | 'length' | 'text' | 'truncated' | 'withheld'
> & {
  readonly encoding?: string;
};

function bodyLines({text, base64, captured, encoding, length, truncated, withheld}: Content, paint: Paint): string[] {
  const shown = text === undefined ? undefined : textLines(Buffer.from(text));
  if (shown) {
    const lines = shown.map((line) => `${indent}  ${line}`.trimEnd());
    return truncated
      ? [...lines, paint.yellow(`${indent}  … the first ${counted(captured)} of ${plural(length, 'byte')}`)]
      : lines;
  }
  if (length === 0) return [];
  const kind = encoding === undefined ? 'binary' : visible(encoding);
  const why = withheld ? 'withheld' : base64 === undefined && text === undefined ? 'not captured' : kind;
  return [paint.dim(`${indent}  (${plural(length, 'byte')}, ${why})`)];
}

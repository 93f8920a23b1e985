import type {DataEvent} from '../events.js';
import {nanosecondsBetween} from './durations.js';
import {grpcCall, isGrpc} from './grpc.js';
import type {ConnectionRef, MessageEvent, Request, Reset, Response, Side, Timings} from './message.js';
import type {Part} from './part.js';

export interface RequestPart {
  readonly part: Part;
  readonly version: string;
  method?: string | undefined;
  target?: string | undefined;
  scheme?: string | undefined;
  authority?: string | undefined;
}

export interface ResponsePart {
  readonly part: Part;
  readonly version: string;
  status?: number | undefined;
  reason?: string | undefined;
}

/** A request and its response, either of which may not have been seen. */
export interface Exchange {
  request?: RequestPart;
  response?: ResponsePart;
  informational: number[];
  streamId?: number;
  isPairingAssumed?: boolean;
  isPushed?: boolean;
  reset?: Reset;
}

/** The message of an exchange, as far as it was seen. Lets go of what the exchange held. */
export function exchangeToMessage(
  exchange: Exchange,
  protocol: 'http/1' | 'http/2',
  side: Side,
  connection: ConnectionRef,
): MessageEvent | undefined {
  const {request, response, streamId} = exchange;
  const first = request?.part ?? response?.part;
  if (!first) return undefined;
  const parts = request && response ? [request.part, response.part] : [first];
  const oddities = parts.flatMap((part) => [...part.oddities]);
  const isGrpcCall = protocol === 'http/2' && parts.some((part) => isGrpc(part.header('content-type')));
  const message: MessageEvent = {
    type: 'message',
    time: latest(parts),
    ...caller(first.event),
    connection,
    side,
    protocol: isGrpcCall ? 'grpc' : protocol,
    complete: parts.length === 2 && parts.every((part) => part.isEnded && !part.isPartial),
    gaps: parts.flatMap((part) => part.gaps),
  };
  if (isGrpcCall) message.grpc = grpcOf(exchange);
  if (request) message.request = requestOf(request);
  if (response) message.response = responseOf(response, exchange.informational);
  message.timings = timingsOf(request?.part, response?.part, first);
  if (streamId !== undefined) message.streamId = streamId;
  if (exchange.isPairingAssumed) message.pairing = 'assumed';
  if (exchange.isPushed) message.pushed = true;
  if (exchange.reset) message.reset = exchange.reset;
  if (oddities.length > 0) message.oddities = [...new Set(oddities)];
  for (const part of parts) part.release();
  return message;
}

function latest(parts: readonly Part[]): string {
  let time = '';
  for (const {endedAt} of parts) if (endedAt > time) time = endedAt;
  return time;
}

/** Who made a call, as far as its event says. */
export function caller({
  pid,
  tid,
  uid,
  comm,
  library,
}: DataEvent): Pick<MessageEvent, 'comm' | 'library' | 'pid' | 'tid' | 'uid'> {
  const who: ReturnType<typeof caller> = {pid, tid};
  if (uid !== undefined) who.uid = uid;
  if (comm !== undefined) who.comm = comm;
  who.library = library;
  return who;
}

// Fields are set one by one, in the order in which they are read: this runs for each message, and spreads are slow.
function requestOf({part, version, method, target, scheme, authority}: RequestPart): Request {
  const request: Partial<Request> = {};
  if (method !== undefined) request.method = method;
  if (target !== undefined) request.target = target;
  request.version = version;
  if (scheme !== undefined) request.scheme = scheme;
  if (authority !== undefined) request.authority = authority;
  request.headers = part.headers;
  finishPart(request, part);
  return request as Request;
}

function responseOf({part, version, status, reason}: ResponsePart, informational: readonly number[]): Response {
  const response: Partial<Response> = {};
  if (status !== undefined) response.status = status;
  if (reason) response.reason = reason;
  response.version = version;
  response.headers = part.headers;
  if (informational.length > 0) response.informational = [...informational];
  finishPart(response, part);
  const events = part.serverSentEvents;
  if (events) response.serverSentEvents = {count: events.count, first: events.first};
  return response as Response;
}

function finishPart(shown: Partial<Request> | Partial<Response>, part: Part): void {
  if (part.trailers) shown.trailers = part.trailers;
  const body = part.body.finish(part.header('content-encoding'));
  if (body) shown.body = body;
}

function timingsOf(request: Part | undefined, response: Part | undefined, first: Part): Timings {
  const timings: Timings = {startedAt: first.startedAt};
  if (request?.isEnded) timings.sentNs = nanosecondsBetween(request.startedAt, request.endedAt);
  if (request?.isEnded && response) timings.waitNs = nanosecondsBetween(request.endedAt, response.startedAt);
  if (response?.isEnded) timings.receiveNs = nanosecondsBetween(response.startedAt, response.endedAt);
  if (request && response?.isEnded) timings.totalNs = nanosecondsBetween(request.startedAt, response.endedAt);
  return timings;
}

function grpcOf({request, response}: Exchange) {
  const none = () => ({messages: 0, bytes: 0, sizes: []});
  return grpcCall(
    request?.target,
    [...(response?.part.headers ?? []), ...(response?.part.trailers ?? [])],
    request?.part.grpc?.counted ?? none(),
    response?.part.grpc?.counted ?? none(),
  );
}

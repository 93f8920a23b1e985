import type {Body, Header, HttpRequest, HttpResponse, MessageEvent} from '../events.js';
import {isText, maskBody} from './body.js';
import {maskField} from './fields.js';
import type {Mask} from './mask.js';
import {maskCutEnd, maskText} from './text.js';

/** A message with its secrets masked. What is no text is withheld: its length stays. */
export function redactMessage(message: MessageEvent, mask: Mask): MessageEvent {
  const redacted = {...message};
  const {complete} = message;
  if (message.request) redacted.request = redactRequest(message.request, complete, mask);
  if (message.response) redacted.response = redactResponse(message.response, complete, mask);
  if (message.grpc?.message !== undefined)
    redacted.grpc = {...message.grpc, message: maskText(message.grpc.message, mask)};
  if (message.webSocket) redacted.webSocket = redactWebSocket(message.webSocket, mask);
  return redacted;
}

function redactRequest(request: HttpRequest, isComplete: boolean, mask: Mask): HttpRequest {
  const redacted = redactHalf(request, isComplete, mask);
  if (request.target !== undefined) redacted.target = maskText(request.target, mask);
  if (request.authority !== undefined) redacted.authority = maskAuthority(request.authority, mask);
  return redacted;
}

function redactResponse(response: HttpResponse, isComplete: boolean, mask: Mask): HttpResponse {
  const redacted = redactHalf(response, isComplete, mask);
  if (response.reason !== undefined) redacted.reason = maskText(response.reason, mask);
  if (response.serverSentEvents) {
    const {count, first} = response.serverSentEvents;
    redacted.serverSentEvents = {
      count,
      first: first.map((event) => ({
        ...event,
        ...(event.event !== undefined && {event: maskText(event.event, mask)}),
        ...(event.id !== undefined && {id: maskText(event.id, mask)}),
        data: maskText(event.data, mask),
      })),
    };
  }
  return redacted;
}

function redactHalf<Half extends HttpRequest | HttpResponse>(half: Half, isComplete: boolean, mask: Mask): Half {
  const redacted = {...half, headers: redactHeaders(half.headers, mask)};
  if (half.trailers) redacted.trailers = redactHeaders(half.trailers, mask);
  if (half.body) redacted.body = redactBody(half.body, contentType(half.headers), isComplete, mask);
  return redacted;
}

function redactHeaders(headers: readonly Header[], mask: Mask): Header[] {
  return headers.map((header) => {
    if (header.value === undefined) return header;
    const value = maskField(header.name, header.value, mask);
    return value === header.value ? header : {...header, value};
  });
}

function redactBody(body: Body, type: string | undefined, isComplete: boolean, mask: Mask): Body {
  const {text, base64, ...rest} = body;
  // Compressed text that could not be undone may be UTF-8 by chance.
  const isPlain = body.encoding === undefined || body.decoded;
  if (text !== undefined && isPlain && isText(text, type)) {
    const masked = maskBody(text, type, mask);
    return {...rest, text: isComplete && !body.truncated ? masked : maskCutEnd(masked, mask)};
  }
  return text === undefined && base64 === undefined ? rest : {...rest, withheld: true};
}

function redactWebSocket(
  webSocket: NonNullable<MessageEvent['webSocket']>,
  mask: Mask,
): NonNullable<MessageEvent['webSocket']> {
  const {text, base64, ...rest} = webSocket;
  const redacted = {...rest};
  if (webSocket.closeReason !== undefined) redacted.closeReason = maskText(webSocket.closeReason, mask);
  if (text !== undefined && !webSocket.compressed && isText(text)) return {...redacted, text: maskText(text, mask)};
  return text === undefined && base64 === undefined ? redacted : {...redacted, withheld: true};
}

function maskAuthority(authority: string, mask: Mask): string {
  const at = authority.lastIndexOf('@');
  return at < 0 ? maskText(authority, mask) : mask.replace(authority.slice(0, at)) + authority.slice(at);
}

function contentType(headers: readonly Header[]): string | undefined {
  return headers.find(({name}) => name?.toLowerCase() === 'content-type')?.value;
}

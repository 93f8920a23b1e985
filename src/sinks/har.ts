import type {MessageEvent, SessionEvent, SummaryEvent} from '../model.js';
import {type Body, type Header, type HttpRequest, type HttpResponse, headerOf, urlOf} from './http.js';
import type {Sink, Write} from './sink.js';
import {balance} from './summary.js';
import {plural} from './units.js';

/**
 * Writes HAR 1.2 (http://www.softwareishard.com/blog/har-12-spec/): an entry for each exchange, in the order in which they ended.
 * What HAR has no place for is said in comments; WebSocket messages are counted only.
 */
export function createHarSink(write: Write, creator: {readonly name: string; readonly version: string}): Sink {
  let entries = 0;
  let webSocketMessages = 0;
  let session: SessionEvent | undefined;
  let summary: SummaryEvent | undefined;
  const head = `{"log":{"version":"1.2","creator":${JSON.stringify(creator)},"entries":[`;
  return {
    write: (event) => {
      if (event.type === 'session') session = event;
      if (event.type === 'summary') summary = event;
      if (event.type !== 'message') return undefined;
      if (event.webSocket) webSocketMessages++;
      const entry = entryOf(event);
      if (!entry) return undefined;
      return write(`${entries++ === 0 ? head : ','}\n${JSON.stringify(entry)}`);
    },
    flush: async () => {},
    close: async () => {
      const comment = commentOf(session, summary, webSocketMessages);
      await write(`${entries === 0 ? head : ''}\n],"comment":${JSON.stringify(comment)}}}\n`);
    },
  };
}

function commentOf(session: SessionEvent | undefined, summary: SummaryEvent | undefined, webSocketMessages: number) {
  const comments = [
    ...(session?.host === undefined ? [] : [`Seen on ${session.host}.`]),
    ...(session?.redaction === 'on' ? ['Secrets are missing: they were masked when this was captured.'] : []),
    summary ? `${balance(summary)}.` : 'What was lost is unknown: the capture was not read to its end.',
    ...(webSocketMessages > 0 ? [`${plural(webSocketMessages, 'WebSocket message')} left out.`] : []),
  ];
  return comments.join(' ');
}

/** The entry of one message; nothing for one that is no exchange. */
export function entryOf(message: MessageEvent): object | undefined {
  const {request, response, connection} = message;
  if (!request && !response) return undefined;
  const timings = timingsOf(message);
  const remote = connection.remote && /^\[?([^\]]*?)\]?:\d+$/.exec(connection.remote)?.[1];
  const comments = commentsOf(message);
  return {
    startedDateTime: message.timings?.startedAt ?? message.time,
    time: Math.max(timings.send, 0) + Math.max(timings.wait, 0) + Math.max(timings.receive, 0),
    request: requestOf(message, request),
    response: responseOf(response),
    cache: {},
    timings,
    ...(remote && {serverIPAddress: remote}),
    connection: connection.id,
    ...(comments.length > 0 && {comment: comments.join(' ')}),
    _process: {pid: message.pid, ...(message.comm !== undefined && {name: message.comm})},
    ...(message.side && {_side: message.side}),
  };
}

function commentsOf(message: MessageEvent): string[] {
  const {request, response, complete, oddities = [], reset} = message;
  const unknown = [...(request?.headers ?? []), ...(response?.headers ?? [])].filter(
    ({name, value}) => name === undefined || value === undefined,
  ).length;
  return [
    ...(request ? [] : ['The request was not seen.']),
    ...(response ? [] : ['No response was seen.']),
    ...(reset ? [`Reset by the ${reset.by}: ${reset.frame} ${reset.code}.`] : []),
    ...(complete ? [] : ['Not all of this exchange was seen.']),
    ...(unknown > 0 ? [`${plural(unknown, 'header')} unknown.`] : []),
    ...oddities.map((oddity) => `Odd: ${oddity}.`),
  ];
}

/** Milliseconds; -1 is unknown. HAR wants send, wait and receive to be 0 or more: an unknown one of those is 0. */
function timingsOf({timings}: MessageEvent): {
  blocked: number;
  dns: number;
  connect: number;
  send: number;
  wait: number;
  receive: number;
} {
  const ms = (ns: number | undefined) => (ns ?? 0) / 1e6;
  return {
    blocked: -1,
    dns: -1,
    connect: -1,
    send: ms(timings?.sentNs),
    wait: ms(timings?.waitNs),
    receive: ms(timings?.receiveNs),
  };
}

function requestOf(message: MessageEvent, request: HttpRequest | undefined): object {
  const {headers = [], body, version, method = ''} = request ?? {};
  const url = urlOf(message);
  const [, query = ''] = /\?([^#]*)/.exec(url) ?? [];
  return {
    method,
    url,
    httpVersion: versionOf(version),
    cookies: headers.filter(({name}) => name?.toLowerCase() === 'cookie').flatMap(({value = ''}) => cookiesOf(value)),
    headers: headers.map(headerPair),
    queryString: [...new URLSearchParams(query)].map(([name, value]) => ({name, value})),
    ...(body && {postData: postDataOf(headers, body)}),
    headersSize: -1,
    bodySize: request ? (body?.length ?? 0) : -1,
  };
}

function responseOf(response: HttpResponse | undefined): object {
  const {headers = [], body, version, status = 0, reason = ''} = response ?? {};
  const setCookies = headers.filter(({name}) => name?.toLowerCase() === 'set-cookie');
  return {
    status,
    statusText: reason,
    httpVersion: versionOf(version),
    cookies: setCookies.map(({value = ''}) => setCookieOf(value)),
    headers: headers.map(headerPair),
    content: contentOf(headers, body),
    redirectURL: headerOf(headers, 'location') ?? '',
    headersSize: -1,
    bodySize: response ? (body?.length ?? 0) : -1,
  };
}

function versionOf(version: string | undefined): string {
  return version === undefined ? 'unknown' : `HTTP/${version}`;
}

/** HAR wants both: what stood in lost HPACK state is empty, and the entry's comment counts it. */
function headerPair({name = '', value = ''}: Header): {name: string; value: string} {
  return {name, value};
}

function postDataOf(headers: readonly Header[], body: Body): object {
  const comment = body.truncated ? {comment: `${body.captured} of ${body.length} bytes were kept.`} : {};
  return {
    mimeType: headerOf(headers, 'content-type') ?? '',
    text: body.text ?? body.base64 ?? '',
    ...(body.base64 !== undefined && {_encoding: 'base64'}),
    ...comment,
  };
}

function contentOf(headers: readonly Header[], body: Body | undefined): object {
  const mimeType = headerOf(headers, 'content-type') ?? '';
  if (!body) return {size: 0, mimeType};
  const shown = body.text === undefined ? Buffer.byteLength(body.base64 ?? '', 'base64') : Buffer.byteLength(body.text);
  const isWhole = body.decoded && !body.truncated;
  return {
    size: isWhole ? shown : body.length,
    ...(isWhole && {compression: shown - body.length}),
    mimeType,
    text: body.text ?? body.base64 ?? '',
    ...(body.base64 !== undefined && {encoding: 'base64'}),
    ...(body.truncated && {comment: `${body.captured} of ${body.length} bytes were kept.`}),
  };
}

function cookiesOf(value: string): {name: string; value: string}[] {
  return value
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair !== '')
    .map(pairOf);
}

function setCookieOf(text: string): object {
  const [first = '', ...attributes] = text.split(';').map((part) => part.trim());
  const named = new Map(attributes.map((part) => [pairOf(part).name.toLowerCase(), pairOf(part).value]));
  const expires = Date.parse(named.get('expires') ?? '');
  const path = named.get('path');
  const domain = named.get('domain');
  return {
    ...pairOf(first),
    ...(path !== undefined && {path}),
    ...(domain !== undefined && {domain}),
    ...(!Number.isNaN(expires) && {expires: new Date(expires).toISOString()}),
    httpOnly: named.has('httponly'),
    secure: named.has('secure'),
  };
}

function pairOf(text: string): {name: string; value: string} {
  const at = text.indexOf('=');
  return at < 0 ? {name: text, value: ''} : {name: text.slice(0, at), value: text.slice(at + 1)};
}

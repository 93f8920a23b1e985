import type {DataEvent, Header, MessageEvent} from '../events.js';

export {linearPattern} from './pattern.js';

/** Which messages are wanted: those that all of these hold for. Of several values of one kind, one must hold. */
export interface MessageCriteria {
  readonly methods?: readonly string[];
  /** First and last, both inclusive. */
  readonly statuses?: readonly (readonly [number, number])[];
  /** A name, with or without port; `*.name` for all below it. */
  readonly hosts?: readonly string[];
  /** Of the target: path and query. */
  readonly paths?: readonly RegExp[];
  /** In the request or the response. Each must hold. */
  readonly headers?: readonly {readonly name: string; readonly value?: RegExp}[];
  readonly slowerNs?: number;
  /** In the first line, a header line, a body, a WebSocket message. */
  readonly matches?: readonly Pick<RegExp, 'test'>[];
}

export interface MessageFilter {
  /** Give it the message as it was, before its secrets are masked. */
  wantsMessage(message: MessageEvent): boolean;
  /** A call of a connection whose protocol is not known: wanted where its payload matches, and nothing else was asked for. */
  wantsCall(call: DataEvent): boolean;
}

/** A filter, or none when nothing was asked for. */
export function createMessageFilter(criteria: MessageCriteria): MessageFilter | undefined {
  const {methods, statuses, hosts, paths, headers, slowerNs, matches} = criteria;
  const tests: ((message: MessageEvent) => boolean)[] = [];
  if (methods?.length) {
    const wanted = new Set(methods.map((method) => method.toUpperCase()));
    tests.push(({request}) => wanted.has(request?.method?.toUpperCase() ?? ''));
  }
  if (statuses?.length) {
    tests.push(({response}) => {
      const status = response?.status;
      return status !== undefined && statuses.some(([from, to]) => status >= from && status <= to);
    });
  }
  if (hosts?.length) {
    const wanted = hosts.map((host) => host.toLowerCase());
    tests.push(({request}) => wanted.some((host) => isHost(request?.authority?.toLowerCase() ?? '', host)));
  }
  if (paths?.length) {
    tests.push(({request}) => {
      const path = request?.target?.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?]*/i, '');
      return path !== undefined && paths.some((pattern) => pattern.test(path));
    });
  }
  for (const header of headers ?? [])
    tests.push((message) => hasHeader(message, header.name.toLowerCase(), header.value));
  if (slowerNs !== undefined) tests.push(({timings}) => (timings?.totalNs ?? -1) >= slowerNs);
  const asksOnlyForMatches = tests.length === 0;
  if (matches?.length)
    tests.push((message) => textsOf(message).some((text) => matches.some((each) => each.test(text))));
  if (tests.length === 0) return undefined;
  return {
    wantsMessage: (message) => tests.every((test) => test(message)),
    wantsCall: ({payload}) => {
      if (!asksOnlyForMatches) return false;
      const text = Buffer.from(payload, 'base64').toString();
      return matches?.some((each) => each.test(text)) ?? false;
    },
  };
}

function isHost(authority: string, wanted: string): boolean {
  const host = authority.replace(/^.*@/, '');
  const name = host.replace(/:\d+$/, '');
  if (wanted.startsWith('*.')) return name.endsWith(wanted.slice(1));
  return host === wanted || name === wanted;
}

function hasHeader({request, response}: MessageEvent, wanted: string, pattern: RegExp | undefined): boolean {
  const holds = ({name, value}: Header) =>
    name?.toLowerCase() === wanted && (pattern === undefined || (value !== undefined && pattern.test(value)));
  return [request?.headers, request?.trailers, response?.headers, response?.trailers].some((each) => each?.some(holds));
}

function textsOf({request, response, webSocket, grpc}: MessageEvent): string[] {
  const texts: (string | undefined)[] = [
    request && `${request.method ?? ''} ${request.target ?? ''}`,
    request?.authority,
    response && `${response.status ?? ''} ${response.reason ?? ''}`,
    grpc?.message,
    webSocket?.text,
    webSocket?.closeReason,
  ];
  for (const half of [request, response]) {
    for (const {name, value} of [...(half?.headers ?? []), ...(half?.trailers ?? [])])
      texts.push(`${name ?? ''}: ${value ?? ''}`);
    texts.push(half?.body?.text);
  }
  return texts.filter((text) => text !== undefined);
}

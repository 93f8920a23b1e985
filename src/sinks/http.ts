/** What outputs of HTTP exchanges share: how a message names its address, and what of it is known. */
import type {MessageEvent} from '../model.js';

export type HttpRequest = NonNullable<MessageEvent['request']>;
export type HttpResponse = NonNullable<MessageEvent['response']>;
export type Header = HttpRequest['headers'][number];
export type Body = NonNullable<HttpRequest['body']>;

/** A host and perhaps a port, as a URL may hold them: no user, no path, nothing that a shell or a browser takes for more. */
const plainAuthority = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;

/**
 * Where a request went: the authority that it names, else the address of the server, else a name that stands for none
 * (RFC 2606). `isNamed` says that it is the request's own.
 */
export function authorityOf({request, connection, side}: MessageEvent): {authority: string; isNamed: boolean} {
  const named = request?.authority;
  if (named !== undefined && plainAuthority.test(named)) return {authority: named, isNamed: true};
  const address = side === 'server' ? connection.local : connection.remote;
  return {authority: address ?? 'unknown.invalid', isNamed: false};
}

/** The URL of a request, as it would be typed. */
export function urlOf(message: MessageEvent): string {
  const {target = '/', scheme = 'https'} = message.request ?? {};
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(target)) return target;
  const path = target.startsWith('/') ? target : '/';
  return `${scheme === 'http' ? 'http' : 'https'}://${authorityOf(message).authority}${path}`;
}

export function headerOf(headers: readonly Header[], name: string): string | undefined {
  return headers.find((header) => header.name?.toLowerCase() === name)?.value;
}

/** The marks of values that were masked: `<redacted 32B #a1b2>`. */
export function hasMask(text: string): boolean {
  return /<redacted\b/.test(text);
}

import type {Mask} from './mask.js';
import {maskText} from './text.js';

const schemes =
  /^(\s*(?:basic|bearer|digest|negotiate|ntlm|token|apikey|aws4-hmac-sha256|hoba|mutual|scram-sha-\d+)\s+)(.+)$/is;

/**
 * The value of a header field (HTTP/1, HTTP/2, metadata of gRPC) with its secrets masked. A field whose name is not known (it stood
 * in HPACK state that was not seen) may be any: its value is masked as a whole.
 */
export function maskField(name: string | undefined, value: string, mask: Mask): string {
  const word = name?.trim().toLowerCase();
  if (word === undefined || word === '') return mask.replace(value);
  if (word === 'cookie') return maskCookies(value, mask);
  if (word === 'set-cookie') return maskSetCookie(value, mask);
  if (word === 'sec-websocket-protocol') return maskProtocols(value, mask);
  // Binary metadata of gRPC: nothing that could be read for secrets.
  if (word.endsWith('-bin')) return mask.replace(value);
  if (!mask.isSecret(word)) return maskText(value, mask);
  const [, scheme, credentials] = schemes.exec(value) ?? [];
  return scheme && credentials ? scheme + mask.replace(credentials) : mask.replace(value);
}

/** Names stay: which cookies are there is often the question. */
function maskCookies(value: string, mask: Mask): string {
  return value
    .split(';')
    .map((cookie) => maskCookie(cookie, mask))
    .join(';');
}

function maskSetCookie(value: string, mask: Mask): string {
  const [cookie = '', ...attributes] = value.split(';');
  return [maskCookie(cookie, mask), ...attributes.map((attribute) => maskAttribute(attribute, mask))].join(';');
}

function maskCookie(cookie: string, mask: Mask): string {
  const [, before = '', value = ''] = /^(\s*(?:[^=]*=)?\s*)(.*)$/s.exec(cookie) ?? [];
  const end = value.trimEnd().length;
  return before + mask.replace(value.slice(0, end)) + value.slice(end);
}

const attributeNames = /^\s*(?:expires|max-age|domain|path|secure|httponly|samesite|partitioned|priority)\b/i;

function maskAttribute(attribute: string, mask: Mask): string {
  return attributeNames.test(attribute) ? attribute : maskCookie(attribute, mask);
}

/** Browsers cannot set Authorization on a WebSocket, so tokens travel as the name of a subprotocol. */
function maskProtocols(value: string, mask: Mask): string {
  return value
    .split(',')
    .map((item) => (/bearer|token|auth|jwt|[^\s]{33}/i.test(item) ? maskCookie(item, mask) : item))
    .join(',');
}

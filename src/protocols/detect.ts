import {chainOfFrames, connectionPreface, isFirstSettings} from './http2/plausible-frames.js';

/** `more`: could become any of them. `none`: none of them, whatever comes. */
export type Detected = 'http/1 request' | 'http/1 response' | 'http/2' | 'more' | 'none' | 'tls';

/** The longest request line that is waited for while nothing is known. */
const maxLineBytes = 16 * 1024;

const methods = [
  ...['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH', 'QUERY'],
  ...['PROPFIND', 'PROPPATCH', 'MKCOL', 'MKCALENDAR', 'COPY', 'MOVE', 'LOCK', 'UNLOCK', 'REPORT', 'SEARCH', 'ACL'],
  ...['CHECKIN', 'CHECKOUT', 'MERGE', 'MKACTIVITY', 'LINK', 'UNLINK', 'BIND', 'REBIND', 'UNBIND', 'VERSION-CONTROL'],
  ...['PURGE', 'BAN', 'REFRESH', 'NOTIFY', 'SUBSCRIBE', 'UNSUBSCRIBE', 'M-SEARCH'],
];

/**
 * Tells a protocol by the first bytes of a call, not by port. `rest` is how many bytes of the call follow `bytes` unseen
 * (cut off): a chain of HTTP/2 frames joined in mid-connection must end where the call ends.
 */
export function detect(bytes: Buffer, rest: number): Detected {
  const verdicts = [detectHttp1Request(bytes), detectHttp1Response(bytes), detectHttp2(bytes, rest), detectTls(bytes)];
  return verdicts.find((verdict) => verdict !== 'none' && verdict !== 'more') ?? verdicts.find(isOpen) ?? 'none';
}

/**
 * A request line with a known method (the registry of RFC 9110, 16.1, and what caches and UPnP use): where nothing else
 * says that a message begins here, any word would do otherwise, as the end of a method cut in two.
 */
export function detectHttp1Request(bytes: Buffer): Detected {
  const line = firstLine(bytes);
  const space = line.indexOf(' ');
  if (space < 0) return isBeginning(line) && methods.some((method) => method.startsWith(line)) ? 'more' : 'none';
  if (!methods.includes(line.slice(0, space))) return 'none';
  if (/^\S+ \S+ HTTP\/1\.[01]\r?\n$/.test(line)) return 'http/1 request';
  return isBeginning(line) && /^\S+ (?:\S+(?: [HTP/1.0]{0,8}\r?)?)?$/.test(line) ? 'more' : 'none';
}

export function detectHttp1Response(bytes: Buffer): Detected {
  const line = firstLine(bytes);
  if (/^HTTP\/1\.[01] [1-5]\d\d(?: [^\r\n]*)?\r?\n$/.test(line)) return 'http/1 response';
  const start = 'HTTP/1.';
  const couldBecome =
    line.length <= start.length
      ? start.startsWith(line)
      : /^HTTP\/1\.[01](?: (?:[1-5]\d{0,2}(?: .*)?)?)?\r?$/.test(line);
  return isBeginning(line) && couldBecome ? 'more' : 'none';
}

function detectHttp2(bytes: Buffer, rest: number): Detected {
  const compared = Math.min(bytes.length, connectionPreface.length);
  if (bytes.subarray(0, compared).equals(connectionPreface.subarray(0, compared))) {
    return compared === connectionPreface.length ? 'http/2' : 'more';
  }
  const first = isFirstSettings(bytes);
  if (first !== 'no') return first === 'yes' ? 'http/2' : 'more';
  return chainOfFrames(bytes, rest) ? 'http/2' : 'none';
}

/** A TLS record header (RFC 8446, 5.1): TLS inside TLS, which stays opaque. */
function detectTls(bytes: Buffer): Detected {
  const [type = 22, major = 3, minor = 1] = bytes;
  const isRecord = type >= 20 && type <= 23 && major === 3 && minor <= 4;
  if (!isRecord) return 'none';
  return bytes.length >= 5 ? 'tls' : 'more';
}

function firstLine(bytes: Buffer): string {
  const end = bytes.subarray(0, maxLineBytes).indexOf(0x0a);
  return bytes.toString('latin1', 0, end < 0 ? Math.min(bytes.length, maxLineBytes) : end + 1);
}

function isBeginning(line: string): boolean {
  return !line.endsWith('\n') && line.length < maxLineBytes;
}

function isOpen(verdict: Detected): boolean {
  return verdict === 'more';
}

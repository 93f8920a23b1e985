import {printable} from './names.js';

/** What was said instead of TLS, or before it. */
export interface PlainText {
  readonly kind: 'PlainText';
  /** Absent: nothing that is known here. */
  readonly protocol?: string;
  /** The first line, where the protocol is known. */
  readonly line?: string;
}

/** Protocols by the first line of what one side says. */
const protocols: readonly (readonly [protocol: string, firstLine: RegExp])[] = [
  ['HTTP', /^HTTP\/(?:$|1\.[01] [1-5]\d\d(?: |$))/],
  ['an HTTP request', /^[A-Z][A-Z-]{2,19} [^\s]+ HTTP\/1\.[01]$/],
  ['SSH', /^SSH-\d\.\d+-/],
  ['an SMTP or FTP greeting', /^220[ -]/],
  ['an SMTP or FTP refusal', /^(?:421|554|500|501|502|503|530)[ -]/],
  ['an IMAP greeting', /^\* (?:OK|PREAUTH|BYE)(?: |$)/],
  ['a POP3 greeting', /^(?:\+OK|-ERR)(?: |$)/],
];

/** OpenSSL reads no further than a record's header. */
const httpStart = 'HTTP/';

/** A line longer than this is no protocol's first. */
export const maxFirstLineBytes = 1024;
const maxShownBytes = 120;

/** Names a protocol by its first line, which the bytes begin with. */
export function readPlainText(bytes: Buffer): PlainText {
  const end = bytes.indexOf(0x0a);
  const line = bytes
    .toString('latin1', 0, end < 0 ? Math.min(bytes.length, maxFirstLineBytes) : end)
    .replace(/\r$/, '');
  const known = protocols.find(([, firstLine]) => firstLine.test(line));
  if (!known) return {kind: 'PlainText'};
  return {
    kind: 'PlainText',
    protocol: known[0],
    ...(line !== httpStart && {line: printable(Buffer.from(line, 'latin1').subarray(0, maxShownBytes))}),
  };
}

/** All that was said before TLS, as Latin-1: one of these texts, or what ends with a match. */
type Before = RegExp | readonly string[];

/** A protocol that speaks in plain before TLS: what stands right before the first record, each way. */
export interface Opening {
  readonly protocol: string;
  /** The client's demand for TLS. */
  readonly demand: Before;
  /** The server's consent. */
  readonly consent: Before;
  readonly source: string;
}

const sslRequest = '\0\0\0\x08\x04\xd2\x16/';
const gssencRequest = '\0\0\0\x08\x04\xd2\x160';

/** Adding a protocol adds a row. */
export const openings: readonly Opening[] = [
  {
    protocol: 'postgresql',
    demand: [sslRequest, gssencRequest + sslRequest],
    // N refuses the GSSENCRequest.
    consent: ['S', 'NS'],
    source: 'PostgreSQL documentation, Message Formats: SSLRequest, GSSENCRequest',
  },
  {protocol: 'smtp', demand: /(?:^|\n)STARTTLS\r?\n$/i, consent: /(?:^|\n)220 [^\n]*\n$/, source: 'RFC 3207, 4'},
  {
    protocol: 'imap',
    demand: /(?:^|\n)[^\s]+ STARTTLS\r?\n$/i,
    consent: /(?:^|\n)[^\s*]+ OK[^\n]*\n$/i,
    source: 'RFC 9051, 6.2.1',
  },
  {protocol: 'pop3', demand: /(?:^|\n)STLS\r?\n$/i, consent: /(?:^|\n)\+OK[^\n]*\n$/, source: 'RFC 2595, 4'},
  {protocol: 'ftp', demand: /(?:^|\n)AUTH TLS\r?\n$/i, consent: /(?:^|\n)234 [^\n]*\n$/, source: 'RFC 4217, 4'},
  {
    protocol: 'http connect',
    demand: /(?:^|\n)CONNECT [^\s]+ HTTP\/1\.[01]\r?\n(?:[^\r\n]+\r?\n)*\r?\n$/,
    // The answer to an earlier try may have a body that ends without a line end.
    consent: /HTTP\/1\.[01] 2\d\d[^\r\n]*\r?\n(?:[^\r\n]+\r?\n)*\r?\n$/,
    source: 'RFC 9110, 9.3.6',
  },
];

/** The protocol whose demand or consent stands right before TLS. */
export function openingBefore(text: string, sender: 'client' | 'server'): string | undefined {
  return openings.find(({demand, consent}) => says(sender === 'client' ? demand : consent, text))?.protocol;
}

function says(before: Before, text: string): boolean {
  return before instanceof RegExp ? before.test(text) : before.includes(text);
}

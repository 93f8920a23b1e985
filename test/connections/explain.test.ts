import fc from 'fast-check';
import t from 'tap';
import {explain, type FailureFacts} from '../../src/connections/explain.js';
import {reasons} from '../../src/connections/openssl/reasons.js';
import {describeError, describeVerify} from '../../src/connections/openssl-errors.js';
import {factsOf, recording, recordings} from './hellos.js';

/** An error of the SSL library, by its text. */
function sslError(text: string) {
  const [reason] = Object.entries(reasons[20] ?? {}).find(([, each]) => each === text) ?? [];
  if (reason === undefined) throw new Error(`OpenSSL has no reason "${text}"`);
  return describeError({library: 20, reason: Number(reason)});
}

const client = {role: 'client'} as const;
const server = {role: 'server'} as const;
const refused = [sslError('certificate verify failed')];
const chain = [
  {
    subject: 'localhost',
    issuer: 'Test CA',
    names: ['localhost', '127.0.0.1'],
    notBefore: '2020-01-01T00:00:00Z',
    notAfter: '2021-01-01T00:00:00Z',
  },
  {subject: 'Test CA', issuer: 'Root', notBefore: '2019-01-01T00:00:00Z', notAfter: '2039-01-01T00:00:00Z'},
];
const time = '2026-01-01T00:00:00.000000000Z';
const plain = (protocol: string | undefined, line?: string) => ({
  clientHello: true,
  plainAnswer: {direction: 'receive' as const, ...(protocol && {protocol}), ...(line && {line})},
});

const rows: [facts: FailureFacts, cause: string, explanation: string][] = [
  [
    {...client, errors: refused, verify: describeVerify(10, 0), wire: {certificates: chain}},
    'certificate-expired',
    'the server’s certificate has expired (CN=localhost, valid until 2021-01-01T00:00:00Z)',
  ],
  [
    {...client, errors: refused, verify: describeVerify(10, 0)},
    'certificate-expired',
    'the server’s certificate has expired',
  ],
  [
    {...client, errors: refused, verify: describeVerify(10)},
    'certificate-expired',
    'a certificate in the server’s chain has expired',
  ],
  [
    {...client, errors: refused, verify: describeVerify(10), wire: {certificates: chain}, time},
    'certificate-expired',
    'the server’s certificate has expired (CN=localhost, valid until 2021-01-01T00:00:00Z)',
  ],
  [
    {...client, errors: refused, verify: describeVerify(10, 1), wire: {certificates: chain}},
    'certificate-expired',
    'a CA certificate in the server’s chain has expired (CN=Test CA)',
  ],
  [
    {...server, errors: refused, verify: describeVerify(10, 0), wire: {clientCertificates: [{subject: 'client old'}]}},
    'certificate-expired',
    'the client’s certificate has expired (CN=client old)',
  ],
  [
    {...client, errors: refused, verify: describeVerify(9, 0)},
    'certificate-not-yet-valid',
    'the server’s certificate is not yet valid, or the clock of this machine is wrong',
  ],
  [
    {...client, errors: refused, verify: describeVerify(62), serverName: 'a.example', wire: {certificates: chain}},
    'wrong-host',
    'the server’s certificate is not for the host asked for (server name a.example): it names localhost, 127.0.0.1',
  ],
  [
    {...client, errors: refused, verify: describeVerify(64)},
    'wrong-host',
    'the server’s certificate is not for the host asked for',
  ],
  [
    {
      ...client,
      errors: refused,
      verify: describeVerify(18),
      wire: {certificates: [{subject: 'localhost', issuer: 'localhost'}]},
    },
    'self-signed',
    'unknown CA: the server’s certificate is self-signed (CN=localhost) and not trusted here',
  ],
  [
    {...client, errors: refused, verify: describeVerify(19, 1)},
    'unknown-ca',
    'unknown CA: self-signed certificate in chain, not trusted here',
  ],
  [
    {...client, errors: refused, verify: describeVerify(20, 0), wire: {certificates: [chain[0] ?? {}]}},
    'unknown-ca',
    'unknown CA: no trusted certificate of the issuer (CN=Test CA) of the server’s certificate, and the chain sent does not lead to one',
  ],
  [
    {...client, errors: refused, verify: describeVerify(23, 0)},
    'certificate-revoked',
    'the server’s certificate has been revoked',
  ],
  [
    {...client, errors: refused, verify: describeVerify(66, 0)},
    'certificate-refused',
    'the server’s certificate was refused: EE certificate key too weak',
  ],
  [
    {...client, errors: refused},
    'certificate-refused',
    'the server’s certificate was refused: certificate verify failed',
  ],
  [
    {...server, errors: [sslError('no shared cipher')], wire: {offered: {ciphers: ['A', 'B', 'C', 'D', 'E']}}},
    'no-shared-cipher',
    'no shared cipher: the client offers none that this server has enabled (A, B, C and 2 more)',
  ],
  [
    {...server, errors: [sslError('unsupported protocol')], wire: {offered: {versions: ['TLSv1.1']}}},
    'version-mismatch',
    'no TLS version in common: the client offers none that this server has enabled (TLSv1.1)',
  ],
  [
    {...client, errors: [sslError('unsupported protocol')], wire: {version: 'TLSv1'}},
    'version-mismatch',
    'no TLS version in common: the server chose one that this client refuses (TLSv1)',
  ],
  [
    {...server, errors: [sslError('no application protocol')], wire: {offered: {alpn: ['h2']}}},
    'alpn-mismatch',
    'no application protocol in common: the client offers (h2) that this server does not speak',
  ],
  [{...server, errors: [sslError('http request')]}, 'http-request', 'not TLS: the peer sent an HTTP request'],
  [
    {...client, wire: plain('HTTP', 'HTTP/1.1 400 Bad Request'), errors: [sslError('wrong version number')]},
    'http-answer',
    'not TLS: the peer answered with HTTP (HTTP/1.1 400 Bad Request)',
  ],
  [{...client, wire: plain('SSH', 'SSH-2.0-x')}, 'not-tls', 'not TLS: the peer sent SSH (SSH-2.0-x)'],
  [{...client, wire: plain(undefined)}, 'not-tls', 'not TLS: the peer sent bytes that are no TLS record'],
  [{...client, errors: [sslError('wrong version number')]}, 'not-tls', 'not TLS: what the peer sent is no TLS record'],
  [
    {...server, wire: {clientHello: true, plainAnswer: {direction: 'send', protocol: 'HTTP'}}},
    'http-answer',
    'not TLS: this server answered with HTTP',
  ],
  [{...server, wire: {sslv2: true}}, 'sslv2-hello', 'the client spoke SSL 2.0, which is refused everywhere'],
  [
    {...client, errors: [describeError({library: 20, reason: 1070})], wire: {offered: {versions: ['TLSv1.1']}}},
    'peer-alert-protocol-version',
    'peer sent alert protocol_version: the server accepts none of the TLS versions offered (TLSv1.1)',
  ],
  [
    {errors: [describeError({library: 20, reason: 1070})]},
    'peer-alert-protocol-version',
    'peer sent alert protocol_version',
  ],
  [
    {...server, errors: [describeError({library: 20, reason: 1048})]},
    'peer-alert-unknown-ca',
    'peer sent alert unknown_ca: the client does not trust the issuer of this server’s certificate',
  ],
  [
    {...client, errors: [describeError({library: 20, reason: 1116})]},
    'peer-alert-certificate-required',
    'peer sent alert certificate_required: the server requires a client certificate, and none was sent',
  ],
  [
    {...client, ending: 'closed', wire: {clientHello: true, serverHello: false, incomplete: []}},
    'closed-before-server-hello',
    'peer closed before ServerHello',
  ],
  [
    {...client, ending: 'closed', wire: {serverHello: false, incomplete: ['receive: lost']}},
    'closed-during-handshake',
    'peer closed during the handshake',
  ],
  [
    {...server, ending: 'closed', wire: {clientHello: false}},
    'closed-before-client-hello',
    'peer closed before its ClientHello',
  ],
  [
    {...server, errors: [sslError('unexpected eof while reading')], wire: {clientHello: true}},
    'closed-during-handshake',
    'peer closed during the handshake, after its ClientHello',
  ],
  [
    {...client, errors: [describeError({library: 2, reason: 104})], wire: {serverHello: false}},
    'reset',
    'peer reset the connection before ServerHello',
  ],
  [
    {...client, ending: 'timeout', wire: {serverHello: false}},
    'timeout',
    'given up waiting for the peer before ServerHello',
  ],
  [
    {...client, ending: 'freed', wire: {serverHello: true}},
    'abandoned',
    'given up by this process during the handshake, after its ServerHello',
  ],
  [
    {...client, errors: [sslError('length mismatch')]},
    'protocol-error',
    'the peer broke the protocol: length mismatch',
  ],
  [
    {
      ...server,
      errors: [sslError('callback failed')],
      wire: {serverName: 'a.example', alerts: [{name: 'unrecognized_name', level: 'fatal', direction: 'send'}]},
    },
    'sent-alert-unrecognized-name',
    'this server sent alert unrecognized_name: this server does not know the server name a.example (callback failed)',
  ],
  [{...client, errors: [describeError({library: 9, reason: 108})]}, 'openssl-error', 'no start line (PEM routines)'],
  [{}, 'unknown', 'the handshake failed, and nothing that was seen says why'],
];

t.test('each cause has its sentence', async (t) => {
  for (const [facts, cause, explanation] of rows)
    t.same(explain(facts), {cause, explanation: explanation.replaceAll('’', "'")});
});

t.test('a shutdown that fails after the handshake failed is never the cause', async (t) => {
  const errors = [sslError('shutdown while in init')];
  t.equal(
    explain({...client, errors, ending: 'closed', wire: {serverHello: false}}).cause,
    'closed-before-server-hello',
  );
});

t.test('plain text before TLS that nobody answered proves nothing', async (t) => {
  const wire = {clientHello: false, serverHello: false, alerts: [], plainAnswer: {direction: 'receive' as const}};
  t.equal(
    explain({...client, errors: [describeError({library: 20, reason: 1048})], wire}).cause,
    'peer-alert-unknown-ca',
  );
});

t.test('alerts in the clear explain recorded handshakes of any library', async (t) => {
  const said = (name: string, end: 'client' | 'server') => {
    const wire = factsOf(recording(name), end);
    return explain({...(wire.role && {role: wire.role}), wire}).explanation;
  };
  t.equal(
    said('openssl-too-old', 'client'),
    'peer sent alert protocol_version: the server accepts none of the TLS versions offered (TLSv1.2)',
  );
  t.equal(
    said('openssl-alpn-refused', 'client'),
    'peer sent alert no_application_protocol: the server speaks none of the protocols offered (spdy/3)',
  );
  t.equal(
    said('openssl-refuses-12', 'server'),
    "peer sent alert unknown_ca: the client does not trust the issuer of this server's certificate",
  );
  t.equal(
    said('openssl-refuses-12', 'client'),
    "this client sent alert unknown_ca: this client does not trust the issuer of the server's certificate",
  );
});

t.test('always one sentence: no line end, no full stop, a stable code', async () => {
  const error = fc
    .record({library: fc.constantFrom(2, 6, 9, 11, 20, 57), reason: fc.nat(1200)})
    .map((raised) => describeError(raised));
  const facts = fc.record(
    {
      role: fc.constantFrom('client', 'server'),
      errors: fc.array(error, {maxLength: 4}),
      verify: fc.nat(110).map((code) => describeVerify(code, 0)),
      ending: fc.constantFrom('closed', 'freed', 'reset', 'timeout'),
      wire: fc.constantFrom(...recordings).map((each) => factsOf(each)),
    },
    {requiredKeys: []},
  );
  fc.assert(
    fc.property(facts, (some) => {
      const {cause, explanation} = explain(some as FailureFacts);
      return /^[a-z0-9-]+$/.test(cause) && /^[^\n]+[^\n.]$/.test(explanation);
    }),
  );
});

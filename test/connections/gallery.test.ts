import t from 'tap';
import {explain} from '../../src/connections/explain.js';
import {Bench} from './failures.js';
import {installations} from './installations.js';

const good = '-cert @good.pem -key @good.key';
const serverOf = (name: string) => `-cert @${name}.pem -key @${name}.key`;
const checks = '-CAfile @ca.pem -verify_return_error -verify 5 -servername localhost';
const asks = '-Verify 5 -CAfile @ca.pem -verify_return_error';
const from = (cause: string, ...explanation: string[]) => ({cause, explanation: explanation.join('')});
const handshakeFailure = from(
  'peer-alert-handshake-failure',
  'peer sent alert handshake_failure: the server found nothing in common in the ciphers, groups and signature algorithms offered',
);
const badCertificate = from(
  'peer-alert-bad-certificate',
  "peer sent alert bad_certificate: the client refused this server's certificate (wrong host, not valid yet, or damaged)",
);
const unknownCa = from(
  'peer-alert-unknown-ca',
  "peer sent alert unknown_ca: the client does not trust the issuer of this server's certificate",
);
const protocolVersion = (versions: string) =>
  from(
    'peer-alert-protocol-version',
    `peer sent alert protocol_version: the server accepts none of the TLS versions offered (${versions})`,
  );

interface Row {
  name: string;
  server: string;
  client: string;
  clientSays?: {cause: string; explanation: string};
  serverSays?: {cause: string; explanation: string};
}

const rows: Row[] = [
  {
    name: 'expired, TLS 1.3',
    server: serverOf('expired'),
    client: checks,
    clientSays: from('certificate-expired', "the server's certificate has expired"),
    serverSays: from(
      'peer-alert-certificate-expired',
      "peer sent alert certificate_expired: the client refused this server's certificate as expired, or not valid yet",
    ),
  },
  {
    name: 'expired, TLS 1.2, which shows the certificate',
    server: `${serverOf('expired')} -tls1_2`,
    client: checks,
    clientSays: from(
      'certificate-expired',
      "the server's certificate has expired (CN=localhost, valid until 2021-01-01T00:00:00Z)",
    ),
  },
  {
    name: 'not yet valid',
    server: serverOf('future'),
    client: checks,
    clientSays: from(
      'certificate-not-yet-valid',
      "the server's certificate is not yet valid, or the clock of this machine is wrong",
    ),
    serverSays: badCertificate,
  },
  {
    name: 'wrong host',
    server: `${serverOf('wrong')} -tls1_2`,
    client: `${checks} -verify_hostname localhost`,
    clientSays: from(
      'wrong-host',
      "the server's certificate is not for the host asked for (server name localhost): it names other.example",
    ),
    serverSays: badCertificate,
  },
  {
    name: 'self-signed',
    server: serverOf('self'),
    client: checks,
    clientSays: from('self-signed', "unknown CA: the server's certificate is self-signed and not trusted here"),
    serverSays: unknownCa,
  },
  {
    name: 'unknown CA',
    server: `${serverOf('untrusted')} -tls1_2`,
    client: checks,
    clientSays: from(
      'unknown-ca',
      "unknown CA: no trusted certificate of the issuer (CN=Other CA) of the server's certificate, and the chain sent does not lead to one",
    ),
    serverSays: unknownCa,
  },
  {
    name: 'self-signed certificate in chain',
    server: `${serverOf('untrusted')} -cert_chain @other.pem -tls1_2`,
    client: checks,
    clientSays: from('unknown-ca', 'unknown CA: self-signed certificate in chain (CN=Other CA), not trusted here'),
    serverSays: unknownCa,
  },
  {
    name: 'revoked',
    server: serverOf('revoked'),
    client: '-CAfile @ca.pem -CRL @crl.pem -crl_check -verify_return_error -verify 5',
    clientSays: from('certificate-revoked', "the server's certificate has been revoked"),
    serverSays: from(
      'peer-alert-certificate-revoked',
      "peer sent alert certificate_revoked: the client refused this server's certificate as revoked",
    ),
  },
  {
    name: 'no shared cipher',
    server: `${good} -tls1_3 -ciphersuites TLS_AES_128_GCM_SHA256`,
    client: '-tls1_3 -ciphersuites TLS_AES_256_GCM_SHA384',
    clientSays: handshakeFailure,
    serverSays: from(
      'no-shared-cipher',
      'no shared cipher: the client offers none that this server has enabled (TLS_AES_256_GCM_SHA384',
    ),
  },
  {
    name: 'version too low',
    server: `${good} -tls1_3`,
    client: '-tls1_2',
    clientSays: protocolVersion('TLSv1.2'),
    serverSays: from(
      'version-mismatch',
      'no TLS version in common: the client offers none that this server has enabled (TLSv1.2)',
    ),
  },
  {
    name: 'client certificate missing, TLS 1.2',
    server: `${good} ${asks} -tls1_2`,
    client: checks,
    clientSays: from(
      'peer-alert-handshake-failure',
      'peer sent alert handshake_failure: the server had asked for a client certificate, and this client sent none',
    ),
    serverSays: from('client-certificate-missing', 'the client sent no certificate, and this server requires one'),
  },
  {
    name: 'client certificate missing, TLS 1.3',
    server: `${good} ${asks}`,
    client: checks,
    clientSays: from(
      'peer-alert-certificate-required',
      'peer sent alert certificate_required: the server requires a client certificate, and none was sent',
    ),
    serverSays: from('client-certificate-missing', 'the client sent no certificate, and this server requires one'),
  },
  {
    name: 'client certificate self-signed',
    server: `${good} ${asks} -tls1_2`,
    client: `${checks} -cert @self.pem -key @self.key`,
    clientSays: from(
      'peer-alert-unknown-ca',
      "peer sent alert unknown_ca: the server does not trust the issuer of this client's certificate",
    ),
    serverSays: from(
      'self-signed',
      "unknown CA: the client's certificate is self-signed (CN=localhost) and not trusted here",
    ),
  },
  {
    name: 'client certificate expired',
    server: `${good} ${asks} -tls1_2`,
    client: `${checks} -cert @expired.pem -key @expired.key`,
    serverSays: from(
      'certificate-expired',
      "the client's certificate has expired (CN=localhost, valid until 2021-01-01T00:00:00Z)",
    ),
  },
  {
    name: 'no shared group',
    server: `${good} -tls1_3 -curves P-256`,
    client: '-tls1_3 -curves X25519',
    clientSays: handshakeFailure,
    serverSays: from(
      'no-shared-group',
      'no key exchange group in common: the client offers none that this server has enabled (x25519)',
    ),
  },
];

/** 1.1.1's s_server takes no offence at a protocol that it does not speak. */
const alpn: Row = {
  name: 'ALPN mismatch',
  server: `${good} -alpn http/1.1`,
  client: '-alpn h2',
  clientSays: from(
    'peer-alert-no-application-protocol',
    'peer sent alert no_application_protocol: the server speaks none of the protocols offered (h2)',
  ),
  serverSays: from(
    'alpn-mismatch',
    'no application protocol in common: the client offers (h2) that this server does not speak',
  ),
};

for (const installation of installations) {
  const {release, absent} = installation;
  t.test(`OpenSSL ${release}`, {skip: absent ?? false}, async (t) => {
    const bench = new Bench(installation);
    t.teardown(() => bench.close());

    for (const row of release === '1.1.1' ? rows : [...rows, alpn]) {
      await t.test(row.name, async (t) => {
        const {client, server} = await bench.pair(row.server, row.client);
        // The whole sentence, but for a list of ciphers that one release ends with a signalling suite.
        if (row.clientSays) t.match(explain(client), row.clientSays, 'the client');
        if (row.serverSays) t.match(explain(server), row.serverSays, 'the server');
      });
    }

    await t.test('an HTTP server on a TLS port', async (t) => {
      const seen = await bench.client((socket) => {
        socket.write('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
        socket.end();
      });
      t.same(explain(seen), from('http-answer', 'not TLS: the peer answered with HTTP (HTTP/1.1 400 Bad Request)'));
    });

    await t.test('a server that closes at once', async (t) => {
      const seen = await bench.client((socket) => socket.end());
      t.same(
        explain({...seen, ending: 'closed'}),
        from('closed-before-server-hello', 'peer closed before ServerHello'),
      );
      // Before 3.0 nothing is raised at the end of a stream.
      t.equal(seen.errors.length === 0, release === '1.1.1');
    });

    await t.test('a server that sends garbage', async (t) => {
      const seen = await bench.client((socket) => {
        socket.write('\u00f8\u00f9 nothing like TLS');
        socket.end();
      });
      t.same(explain(seen), from('not-tls', 'not TLS: the peer sent bytes that are no TLS record'));
    });

    await t.test('an HTTP client on a TLS port', async (t) => {
      const seen = await bench.server('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
      t.same(explain(seen), from('http-request', 'not TLS: the peer sent an HTTP request (GET / HTTP/1.1)'));
    });

    await t.test('a client of SSL 2.0', async (t) => {
      const hello = Buffer.from('802e0100020015000000100100800200800300800400800500800600400700c0', 'hex');
      const seen = await bench.server(Buffer.concat([hello, Buffer.alloc(16)]).toString('latin1'));
      t.equal(explain(seen).cause, 'sslv2-hello');
    });
  });
}

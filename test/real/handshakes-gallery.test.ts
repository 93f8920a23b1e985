import {existsSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import t from 'tap';
import type {ErrorEvent, HandshakeEvent, TraceEvent} from '../../src/model.js';
import {installations} from '../connections/installations.js';
import {good, type Pids, type Side, Stage} from './handshake-stage.js';
import {beside, systemLibrary} from './programs.js';
import {cannotTrace, firstInvalid, summaryOf, Tracer} from './tracer.js';

/**
 * Handshakes that fail, each with real programs, seen from both sides by one trace. The sentences are recorded in
 * docs/handshake-failures.md: `npm run gallery` writes it anew, and here it must be equal.
 */
const page = join(import.meta.dirname, '..', '..', 'docs', 'handshake-failures.md');
const reason = cannotTrace() || (installations[0]?.absent ?? false);

interface Row {
  readonly name: string;
  readonly run: (stage: Stage) => Promise<Pids>;
  /** What must be said, beside being as recorded. */
  readonly causes: Partial<Record<Side, string>>;
}

const serverOf = (name: string) => `-cert @${name}.pem -key @${name}.key`;
const checks = '-CAfile @ca.pem -verify_return_error -verify 5 -servername localhost';
const asks = '-Verify 5 -CAfile @ca.pem -verify_return_error';

const rows: readonly Row[] = [
  {
    name: 'the certificate has expired',
    run: pair(serverOf('expired'), checks),
    causes: {client: 'certificate-expired', server: 'peer-alert-certificate-expired'},
  },
  {
    name: 'the same, with TLS 1.2',
    run: pair(`${serverOf('expired')} -tls1_2`, checks),
    causes: {client: 'certificate-expired', server: 'peer-alert-certificate-expired'},
  },
  {
    name: 'the certificate is not yet valid',
    run: pair(serverOf('future'), checks),
    causes: {client: 'certificate-not-yet-valid', server: 'peer-alert-bad-certificate'},
  },
  {
    name: 'the certificate is for another host',
    run: pair(serverOf('wrong'), `${checks} -verify_hostname localhost`),
    causes: {client: 'wrong-host', server: 'peer-alert-bad-certificate'},
  },
  {
    name: 'the certificate is self-signed',
    run: pair(serverOf('self'), checks),
    causes: {client: 'self-signed', server: 'peer-alert-unknown-ca'},
  },
  {
    name: 'its CA is not known',
    run: pair(serverOf('untrusted'), checks),
    causes: {client: 'unknown-ca', server: 'peer-alert-unknown-ca'},
  },
  {
    name: 'the certificate has been revoked',
    run: pair(serverOf('revoked'), '-CAfile @ca.pem -CRL @crl.pem -crl_check -verify_return_error -verify 5'),
    causes: {client: 'certificate-revoked', server: 'peer-alert-certificate-revoked'},
  },
  {
    name: 'no shared cipher',
    run: pair(`${good} -tls1_3 -ciphersuites TLS_AES_128_GCM_SHA256`, '-tls1_3 -ciphersuites TLS_AES_256_GCM_SHA384'),
    causes: {client: 'peer-alert-handshake-failure', server: 'no-shared-cipher'},
  },
  {
    name: 'the version is too low',
    run: pair(`${good} -tls1_3`, '-tls1_2'),
    causes: {client: 'peer-alert-protocol-version', server: 'version-mismatch'},
  },
  {
    name: 'no application protocol in common (ALPN)',
    run: pair(`${good} -alpn http/1.1`, '-alpn h2'),
    causes: {client: 'peer-alert-no-application-protocol', server: 'alpn-mismatch'},
  },
  {
    name: 'the client certificate is missing, TLS 1.3',
    run: pair(`${good} ${asks}`, checks),
    causes: {client: 'peer-alert-certificate-required', server: 'client-certificate-missing'},
  },
  {
    name: 'the client certificate is missing, TLS 1.2',
    run: pair(`${good} ${asks} -tls1_2`, checks),
    causes: {client: 'peer-alert-handshake-failure', server: 'client-certificate-missing'},
  },
  {
    name: 'HTTP is spoken on a TLS port',
    run: async (stage) => ({
      ...(await stage.client((socket) => socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'))),
      ...(await stage.server((socket) => socket.end('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'))),
    }),
    causes: {client: 'http-answer', server: 'http-request'},
  },
  {
    name: 'the other side closes at once',
    run: async (stage) => ({
      ...(await stage.client((socket) => socket.end())),
      ...(await stage.server((socket) => socket.end())),
    }),
    causes: {client: 'closed-before-server-hello', server: 'closed-before-client-hello'},
  },
  {
    name: 'the other side sends garbage',
    run: async (stage) => ({
      ...(await stage.client((socket) => socket.end('\u00f8\u00f9 nothing like TLS'))),
      ...(await stage.server((socket) => socket.end('\u00f8\u00f9 nothing like TLS'))),
    }),
    causes: {client: 'not-tls', server: 'not-tls'},
  },
  {
    name: 'the other side never answers',
    run: async (stage) => ({...(await stage.impatient('client')), ...(await stage.impatient('server'))}),
    causes: {client: 'timeout', server: 'timeout'},
  },
];

function pair(server: string, client: string): Row['run'] {
  return (stage) => stage.pair(server, client);
}

t.test('every failure is explained, from both sides, in the recorded words', {skip: reason}, async (t) => {
  const stage = new Stage();
  t.teardown(() => stage.close());
  const libssl = await systemLibrary('libssl');
  const own = stage.workshop.copyLibrary(libssl, beside(libssl));
  const tracer = await new Tracer(stage.workshop.folder, ['handshakes', '--lib', own, '--format', 'ndjson']).ready();
  const all: {row: Row; pids: Pids}[] = [];
  for (const row of rows) all.push({row, pids: await row.run(stage)});
  t.equal(await tracer.stop(), 0, tracer.errors);
  const {events} = tracer;
  t.equal(firstInvalid(events), undefined, 'every event is one of the schema');

  const lines: string[] = [];
  for (const {row, pids} of all) {
    const client = failureOf(events, pids.client);
    const server = failureOf(events, pids.server);
    t.equal(client?.cause, row.causes.client, `${row.name}: the client`);
    t.equal(server?.cause, row.causes.server, `${row.name}: the server`);
    lines.push(`| ${row.name} | ${said(client)} | ${said(server)} |`);
  }
  const failures = events.filter((event) => event.type === 'handshake' && event.result === 'failed').length;
  t.equal(summaryOf(events).handshakes?.failed, failures, 'the summary counts them');

  if (process.env.TLS_KIT_GOLDEN) writeFileSync(page, withTable(readFileSync(page, 'utf8'), lines));
  t.ok(existsSync(page));
  t.strictSame(tableOf(readFileSync(page, 'utf8')), lines, 'docs/handshake-failures.md says the same');
});

t.test('a handshake after which nothing is sent went well', {skip: reason}, async (t) => {
  const stage = new Stage();
  t.teardown(() => stage.close());
  const libssl = await systemLibrary('libssl');
  const own = stage.workshop.copyLibrary(libssl, beside(libssl));
  const words = ['openssl', 'handshakes', '--lib', own, '--format', 'ndjson'];
  const tracer = await new Tracer(stage.workshop.folder, words).ready();
  const all: {version: string; pids: Pids}[] = [];
  for (const version of ['-tls1_2', '-tls1_3']) all.push({version, pids: await stage.pair(good, version, '')});
  t.equal(await tracer.stop(), 0, tracer.errors);
  for (const {version, pids} of all) {
    for (const [side, pid] of Object.entries(pids)) {
      const handshakes = tracer.events.flatMap((event) =>
        event.type === 'handshake' && event.pid === pid ? [event.result] : [],
      );
      t.strictSame(handshakes, ['ok'], `${version}: the ${side}`);
      t.notOk(failureOf(tracer.events, pid), `${version}: no error of the ${side}`);
    }
  }
});

function failureOf(events: readonly TraceEvent[], pid: number | undefined): HandshakeEvent | ErrorEvent | undefined {
  return events.find(
    (event): event is HandshakeEvent | ErrorEvent =>
      (event.type === 'error' || (event.type === 'handshake' && event.result !== 'ok')) && event.pid === pid,
  );
}

function said(event: HandshakeEvent | ErrorEvent | undefined): string {
  return event ? `${event.explanation} (\`${event.cause}\`)` : '';
}

function tableOf(text: string): string[] {
  return text.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| failure |'));
}

function withTable(text: string, lines: readonly string[]): string {
  const before = text.slice(0, text.indexOf('| failure |'));
  return `${before}| failure | the client says | the server says |\n|---|---|---|\n${lines.join('\n')}\n`;
}

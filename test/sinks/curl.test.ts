import {execFile} from 'node:child_process';
import {once} from 'node:events';
import {readFileSync} from 'node:fs';
import {createSecureServer} from 'node:http2';
import type {AddressInfo} from 'node:net';
import {join} from 'node:path';
import {promisify} from 'node:util';
import {execaSync} from 'execa';
import fc from 'fast-check';
import t, {type Test} from 'tap';
import type {MessageEvent} from '../../src/model.js';
import {commandLines, createCurlSink, shellWord} from '../../src/sinks/curl.js';
import {message} from './messages.js';

const run = promisify(execFile);
const shells = ['dash', 'bash'].filter((shell) => !execaSync(shell, ['-c', ':'], {reject: false}).failed);

interface Got {
  readonly method: string;
  readonly target: string;
  readonly version: string;
  readonly authority: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

/** An HTTPS server, of HTTP/1.1 and HTTP/2, that keeps what it was sent. */
async function startServer(t: Test) {
  const folder = t.testdir({});
  const pair = ['-keyout', 'key.pem', '-out', 'certificate.pem'];
  const name = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  await run('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', ...name, ...pair], {
    cwd: folder,
  });
  const certificate = join(folder, 'certificate.pem');
  const got: Got[] = [];
  const server = createSecureServer(
    {key: readFileSync(join(folder, 'key.pem')), cert: readFileSync(certificate), allowHTTP1: true},
    (request, response) => {
      const pieces: Buffer[] = [];
      request.on('data', (piece: Buffer) => pieces.push(piece));
      request.on('end', () => {
        const raw = request.rawHeaders as string[];
        const pairs = raw.flatMap((field, index) =>
          index % 2 === 0 ? [[field, Buffer.from(raw[index + 1] ?? '', 'latin1').toString()] as const] : [],
        );
        got.push({
          method: request.method,
          target: request.url,
          version: request.httpVersion,
          authority: String(request.headers[':authority'] ?? request.headers.host),
          headers: pairs.filter(([field]) => !/^(?::|host$|content-length$)/i.test(field)).sort(),
          body: Buffer.concat(pieces).toString('base64'),
        });
        response.end();
      });
    },
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return {port: (server.address() as AddressInfo).port, got, certificate};
}

/** The message of a request to this server. */
function request(port: number, fields: Partial<NonNullable<MessageEvent['request']>>): MessageEvent {
  return message({
    request: {method: 'GET', target: '/', version: '1.1', authority: `localhost:${port}`, headers: [], ...fields},
  });
}

function expected({request: sent}: MessageEvent): Got {
  const {
    method = '',
    target = '',
    version,
    authority = '',
    headers,
    body,
  } = sent as NonNullable<MessageEvent['request']>;
  const pairs = headers.map(({name = '', value = ''}) => [name, value] as const);
  const bytes = body?.base64 ?? Buffer.from(body?.text ?? '').toString('base64');
  return {
    method,
    target,
    version: version === '2' ? '2.0' : version,
    authority,
    headers: pairs.filter(([name]) => !/^(?:host|content-length)$/i.test(name)).sort(),
    body: bytes,
  };
}

const hostile = `'; touch /tmp/owned; $(id) \`id\` "\\" %s %n !! * ~ & | < > # \u00fc \u2603`;

function requests(port: number): MessageEvent[] {
  const bytes = Buffer.from(Array.from({length: 256}, (_, byte) => byte));
  const body = (text: string) => ({length: Buffer.byteLength(text), captured: Buffer.byteLength(text), text});
  const json = [{name: 'Content-Type', value: 'application/json'}];
  return [
    request(port, {
      headers: [
        {name: 'Accept', value: '*/*'},
        {name: 'User-Agent', value: hostile},
      ],
    }),
    request(port, {target: `/a/../b/./c?x=[1-3]&y={a,b}&z=%2e%2e;'$(id)'`}),
    request(port, {method: 'POST', headers: json, body: body('{"a": "it\'s",\n\t"b": "\u2603"}\n')}),
    request(port, {method: 'PUT', body: body('@/etc/passwd')}),
    request(port, {method: 'POST', body: body(hostile)}),
    request(port, {method: 'PATCH', body: {length: 256, captured: 256, base64: bytes.toString('base64')}}),
    request(port, {method: 'POST', body: body('nul \0 escape \u001b[31m')}),
    request(port, {
      method: 'DELETE',
      headers: [
        {name: 'X-Empty', value: ''},
        {name: 'x-twice', value: '1'},
        {name: 'x-twice', value: '2'},
      ],
    }),
    request(port, {method: 'POST', headers: [{name: 'Content-Length', value: '0'}]}),
    request(port, {headers: [{name: 'X-Tab', value: 'a\tb'}]}),
    request(port, {method: 'OPTIONS', target: '*'}),
    request(port, {
      version: '2',
      target: '/two?q=1',
      headers: [
        {name: 'accept', value: 'x'},
        {name: 'user-agent', value: 'y'},
      ],
    }),
    request(port, {version: '2', method: 'POST', target: '/two', body: body('over two')}),
    request(port, {method: 'HEAD', target: '/head'}),
  ];
}

t.test('each line, run again, sends the request that was seen', {skip: shells.length === 0}, async (t) => {
  for (const shell of shells) {
    const {port, got, certificate} = await startServer(t);
    const all = requests(port);
    for (const each of all) {
      const script = commandLines(each).join('\n');
      const env = {PATH: process.env.PATH ?? '', HOME: '/nonexistent', CURL_CA_BUNDLE: certificate};
      const said = await runScript(shell, script, env);
      t.strictSame(got.at(-1), expected(each), `${shell}: ${script} ${said}`);
    }
    t.equal(got.length, all.length);
  }
});

async function runScript(shell: string, script: string, env: Record<string, string>): Promise<string> {
  const words = ['-c', `${script} --silent --show-error`];
  return run(shell, words, {env, timeout: 20_000}).then(({stderr}) => stderr, String);
}

t.test('a word means itself to every shell, whatever it holds', {skip: shells.length === 0}, async () => {
  const text = fc.oneof(fc.string({unit: 'binary'}), fc.string({unit: 'grapheme'}), fc.string({unit: 'binary-ascii'}));
  const oneLine = text.map((value) => value.replaceAll(/[\0\r\n]/g, ''));
  const words = fc.sample(fc.array(oneLine, {minLength: 1, maxLength: 5}), {numRuns: 60, seed: 7});
  for (const shell of shells) {
    const script = words.map((each) => `printf '%s\\0' ${each.map(shellWord).join(' ')}`).join('\n');
    const {stdout} = await run(shell, ['-c', script], {encoding: 'buffer'});
    t.strictSame(stdout.toString().split('\0').slice(0, -1), words.flat(), shell);
  }
});

t.test('what a terminal obeys is in no line', async () => {
  const text = fc.string({unit: 'binary'});
  await fc.assert(
    fc.asyncProperty(text, text, async (a, b) => {
      const lines = commandLines(
        request(1, {
          method: a,
          target: b,
          authority: a,
          headers: [
            {name: b, value: a},
            {name: 'x', value: b},
          ],
        }),
      );
      const found = lines.find((line) => /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/.test(line));
      if (found !== undefined) throw new Error(JSON.stringify(found));
    }),
    {numRuns: 300},
  );
});

t.test('what cannot be sent again is said above the line', async (t) => {
  const said = (fields: Partial<NonNullable<MessageEvent['request']>>) => commandLines(request(1, fields)).join('\n');
  t.match(said({headers: [{name: 'x'}, {}]}), /^# 2 headers left out: unknown/m);
  t.match(said({headers: [{name: 'a b', value: 'c'}]}), /^# 1 header left out: not what HTTP allows/m);
  t.match(said({method: 'A B'}), /^# The method was no word of HTTP/m);
  t.match(said({method: 'CONNECT', target: 'a:1'}), /^# CONNECT opens a tunnel/m);
  t.match(said({target: '/a\r\nX: y'}), /^# The target was not what HTTP allows/m);
  t.match(
    said({method: 'POST', body: {length: 9, captured: 2, text: 'ab', truncated: true}}),
    /^# The body is not whole: 2 bytes of 9/m,
  );
  t.match(said({headers: [{name: 'authorization', value: '<redacted 32B #a1b2>'}]}), /^# Secrets are missing/m);
  t.match(
    said({authority: 'evil.example/$(id)', headers: [{name: 'host', value: 'evil.example/$(id)'}]}),
    /https:\/\/127\.0\.0\.1:8443\/ .*--header 'host: evil\.example\/\$\(id\)'/,
  );
  t.notMatch(said({}), /^# (?!\d{4}-)/m);
});

t.test('messages without a request have no line, and the head says whose they are', async (t) => {
  let text = '';
  const sink = createCurlSink((more) => {
    text += more;
  });
  await sink.write({type: 'session', schema: 1, tlsKit: '0', what: [], targets: [], host: 'a\nb', redaction: 'on'});
  await sink.write(message({request: undefined}));
  await sink.close();
  t.equal(
    text,
    '#!/bin/sh\n# The requests that tls-kit saw on a\\x0ab.\n# Secrets are missing: they were masked when this was captured.\n',
  );
});

/** What nginx and curl say to each other, by HTTP/1.1 and HTTP/2, is what tls-kit shows, reports and exports. */
import {readFileSync} from 'node:fs';
import {createServer, type Server} from 'node:http';
import {join} from 'node:path';
import {setTimeout as wait} from 'node:timers/promises';
import {gunzipSync} from 'node:zlib';
import {execa, execaSync} from 'execa';
import t, {type Test} from 'tap';
import type {MessageEvent, SummaryEvent, TraceEvent} from '../../src/model.js';
import {beside, finish, portOf, systemLibrary} from './programs.js';
import {cannotTrace, cli, eventsIn, firstInvalid, Tracer} from './tracer.js';
import {freePort, listening, until, Workshop} from './workshop.js';

const reason = cannotTrace();
const noTshark = execaSync('tshark', ['--version'], {reject: false}).failed && 'tshark is not installed';
const slowMs = 300;
const page = Array.from({length: 500}, (_, n) => `line ${n} of the page\n`).join('');
/** What stands in secrets and nowhere else. */
const secret = 'Qz7xQz7xQz7x';

/** A request as the server behind nginx got it. */
interface Got {
  readonly method: string;
  readonly url: string;
  readonly type: string | undefined;
  readonly body: string;
}

/** The server behind nginx: slow, broken, or with a secret of its own, by the path. */
async function startBackend(got: Got[]): Promise<Server> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const {method = '', url = '', headers} = request;
    got.push({method, url, type: headers['content-type'], body: Buffer.concat(chunks).toString()});
    if (url.startsWith('/api/slow')) await wait(slowMs);
    const status = url.startsWith('/api/broken') ? 503 : method === 'POST' ? 201 : 200;
    const body = `{"status":${status},"token":"${secret}"}`;
    const fields = {'Content-Type': 'application/json', 'Set-Cookie': `sid=${secret}`, 'Content-Length': body.length};
    response.writeHead(status, fields).end(body);
  });
  server.listen(0, '127.0.0.1');
  await until(() => server.listening, 'the server behind nginx');
  return server;
}

interface Site {
  readonly workshop: Workshop;
  readonly own: string;
  /** Where HTTP/1.1 is spoken, and where HTTP/2. */
  readonly ports: Record<'http/1' | 'http/2', number>;
  readonly got: Got[];
  readonly log: string;
}

const logFormat = '$server_port $request_method $request_uri $status $sent_http_content_length $request_time';

async function startSite(t: Test): Promise<Site> {
  const workshop = new Workshop();
  t.teardown(() => workshop.close());
  const libssl = await systemLibrary('libssl');
  const own = workshop.copyLibrary(libssl, beside(libssl));
  const got: Got[] = [];
  const backend = await startBackend(got);
  t.teardown(() => backend.close());
  const ports = {'http/1': await freePort(), 'http/2': await freePort()};
  const {key, certificate} = await workshop.certificate();
  const {folder} = workshop;
  const log = join(folder, 'access.log');
  workshop.file('www/page.txt', page);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  const configuration = `
    daemon off; master_process off; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
    events { worker_connections 64; }
    http {
      log_format said '${logFormat}'; access_log ${log} said; ${temporary.join(' ')}
      types { text/plain txt; } gzip on; gzip_min_length 100; gzip_types text/plain;
      server {
        listen 127.0.0.1:${ports['http/1']} ssl; listen 127.0.0.1:${ports['http/2']} ssl http2;
        ssl_certificate ${certificate}; ssl_certificate_key ${key}; root ${folder}/www;
        location /api { gzip off; proxy_pass http://127.0.0.1:${portOf(backend)}; }
      }
    }`;
  workshop.start(['nginx', '-p', folder, '-c', workshop.file('nginx.conf', configuration)]);
  await listening(ports['http/1']);
  return {workshop, own, ports, got, log};
}

const posted = JSON.stringify({name: "it's", password: secret});
const credentials = ['--header', `Authorization: Bearer ${secret}`, '--header', `Cookie: sid=${secret}`];

/** Every kind of exchange once by each protocol; two of them on one connection. */
async function converse({workshop, ports}: Site): Promise<void> {
  for (const [protocol, flag] of [
    ['http/1', '--http1.1'],
    ['http/2', '--http2'],
  ] as const) {
    const at = `https://127.0.0.1:${ports[protocol]}`;
    const to = ['--output', '/dev/null'];
    const words = [
      ['--compressed', ...to, `${at}/page.txt`, ...to, `${at}/page.txt?again`],
      ['--head', ...to, `${at}/page.txt?head`],
      [...credentials, ...to, `${at}/api/slow?token=${secret}`],
      [...credentials, '--json', posted, ...to, `${at}/api/items`],
      [...to, `${at}/missing`],
      [...to, `${at}/api/broken`],
    ];
    for (const each of words) await finish(workshop.start(['curl', '--silent', '--insecure', flag, ...each]));
  }
}

const exchanges = 14;

const messagesOf = (events: readonly TraceEvent[]) =>
  events.filter((event): event is MessageEvent => event.type === 'message' && event.protocol !== 'unknown');
const portIn = (address: string | undefined) => Number(address?.split(':').at(-1));
const linesOf = (messages: readonly MessageEvent[]) =>
  messages.map(({request, response}) => `${request?.method} ${request?.target} ${response?.status}`);

async function tlsKit(words: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const {stdout} = await execa(process.execPath, [cli, ...words], {env, maxBuffer: 1e8});
  return stdout;
}

t.test('what was said by HTTP/1.1 and HTTP/2', {skip: reason}, async (t) => {
  const site = await startSite(t);
  const {workshop, own, ports, got} = site;
  const [whole, masked] = ['whole.ndjson.gz', 'masked.ndjson.gz'].map((name) => join(workshop.folder, name)) as [
    string,
    string,
  ];
  const start = (...words: string[]) => {
    const tracer = new Tracer(workshop.folder, ['openssl', '--lib', own, ...words]);
    t.teardown(() => void tracer.child.kill('SIGTERM'));
    return tracer.ready();
  };
  const tracers = await Promise.all([
    start('--no-redact', '-w', whole),
    start('--redact', 'x-own', '-w', masked),
    start('--redact', 'x-own', '--status', '5xx', '--method', 'GET', '--path', '^/api/'),
  ]);
  await converse(site);
  await wait(500); // the last records are on their way
  for (const tracer of tracers) t.equal(await tracer.stop(), 0, tracer.errors);
  const events = eventsIn(gunzipSync(readFileSync(whole)).toString());
  const messages = messagesOf(events);
  const logged = readFileSync(site.log, 'utf8').trim().split('\n');

  t.test('is what the server logged, at both ends', async (t) => {
    t.equal(firstInvalid(events), undefined, 'every event is one of the schema');
    t.equal((events.at(-1) as SummaryEvent).bytes.lost, 0);
    t.equal(logged.length, exchanges);
    for (const side of ['server', 'client'] as const) {
      const own = messages.filter((message) => message.side === side);
      const said = own.map(({connection, request, response}) => {
        const port = portIn(side === 'server' ? connection.local : connection.remote);
        const length = response?.headers.find(({name}) => name?.toLowerCase() === 'content-length')?.value;
        return `${port} ${request?.method} ${request?.target} ${response?.status} ${length ?? '-'}`;
      });
      t.strictSame(said.sort(), logged.map((line) => line.replace(/ \S+$/, '')).sort(), side);
      t.ok(
        own.every(({complete, gaps}) => complete && gaps.length === 0),
        'each is whole',
      );
    }
  });

  t.test('took as long as the server says', async (t) => {
    const slow = messages.filter(({request}) => request?.target?.startsWith('/api/slow'));
    t.equal(slow.length, 4);
    const times = logged
      .filter((line) => line.includes('/api/slow'))
      .map((line) => Number(line.split(' ').at(-1)) * 1e3);
    for (const {side, timings} of slow) {
      const tookMs = (timings?.totalNs ?? 0) / 1e6;
      t.ok(tookMs >= slowMs - 5, `${side}: ${tookMs} ms`);
      t.ok(tookMs <= Math.max(...times) + 100, `${side}: ${tookMs} ms, of ${times}`);
      t.ok((timings?.waitNs ?? 0) / 1e6 >= slowMs - 5);
    }
  });

  t.test('has its bodies, uncompressed', async (t) => {
    const pages = messages.filter(({request}) => /^\/page\.txt(?:\?again)?$/.test(request?.target ?? ''));
    t.equal(pages.length, 8);
    for (const {response} of pages) t.match(response?.body, {encoding: 'gzip', decoded: true, text: page});
    const items = messages.filter(({request}) => request?.target === '/api/items');
    t.strictSame(
      items.map(({request}) => request?.body?.text),
      [posted, posted, posted, posted],
    );
    const heads = messages.filter(({request}) => request?.method === 'HEAD');
    t.strictSame(
      heads.map(({response}) => response?.body),
      [undefined, undefined, undefined, undefined],
    );
  });

  t.test('has no secrets by default', async (t) => {
    const text = gunzipSync(readFileSync(masked)).toString();
    const shown = eventsIn(text);
    t.strictSame(linesOf(messagesOf(shown)).sort(), linesOf(messages).map(maskedLine(shown)).sort());
    const payloads = shown.flatMap((event) =>
      event.type === 'data' ? [Buffer.from(event.payload, 'base64').toString('latin1')] : [],
    );
    const outputs = [
      ...[text, ...payloads],
      ...[tracers[2].output, await tlsKit(['replay', masked, '--show', 'headers,body,calls'])],
      ...(await Promise.all([
        ...['har', 'curl', 'pcapng'].map((format) => tlsKit(['export', format, masked])),
        tlsKit(['report', masked]),
        // Redacted when it is read.
        tlsKit(['replay', whole, '--show', 'headers,body,calls']),
        tlsKit(['export', 'har', whole]),
      ])),
    ];
    t.strictSame(
      outputs.filter((output) => output.includes(secret)),
      [],
    );
    t.match(shown.at(-1), {redaction: {uninspectedBytes: 0}});
  });

  t.test('is filtered, live and later', async (t) => {
    const broken = tracers[2].output.split('\n').filter((line) => /^\d\d:/.test(line));
    t.equal(broken.length, 4, tracers[2].output);
    t.ok(
      broken.every((line) => / 503 +\S+ \w+ \S+ (?:->|<-) GET .*\/api\/broken /.test(line)),
      broken.join('\n'),
    );
    const targets = async (...flags: string[]) => {
      const found = messagesOf(
        eventsIn(await tlsKit(['replay', whole, '--no-redact', '--format', 'ndjson', ...flags])),
      );
      return [...new Set(found.map(({request}) => request?.target))].sort();
    };
    t.strictSame(await targets('--status', '5xx'), ['/api/broken']);
    t.strictSame(await targets('--method', 'POST,HEAD'), ['/api/items', '/page.txt?head']);
    t.strictSame(await targets('--path', 'again$'), ['/page.txt?again']);
    t.strictSame(await targets('--slower', `${slowMs - 5}ms`), [`/api/slow?token=${secret}`]);
    t.strictSame(await targets('--match', 'line 499 of the page'), ['/page.txt', '/page.txt?again']);
    t.strictSame(await targets('--match-file', workshop.file('words', `"password":"${secret}"\n`)), ['/api/items']);
  });

  t.test('is reported and exported', async (t) => {
    const report = JSON.parse(await tlsKit(['report', whole, '--json']));
    t.match(report.totals, {
      exchanges: 2 * exchanges,
      seenTwice: exchanges,
      failed: 8,
      byProtocol: {'http/1': 14, 'http/2': 14},
    });
    const har = JSON.parse(await tlsKit(['export', 'har', whole, '--no-redact']));
    t.equal(har.log.entries.length, 2 * exchanges);
    const {response} = har.log.entries.find(({request}: {request: {url: string}}) => request.url.endsWith('/page.txt'));
    t.match(response, {status: 200, content: {text: page}});
  });

  t.test('is read by tshark as HTTP, without a warning', {skip: noTshark}, async (t) => {
    const path = join(workshop.folder, 'said.pcapng');
    await tlsKit(['export', 'pcapng', whole, '--no-redact', '-w', path]);
    const tshark = async (filter: string, ...fields: string[]) => {
      const words = [...fields.flatMap((field) => ['-e', field]), '-d', `tcp.port==${ports['http/2']},http2`];
      const {stdout} = await execa('tshark', ['-r', path, '-Y', filter, '-T', 'fields', ...words]);
      return stdout.split('\n').filter(Boolean);
    };
    t.strictSame(await tshark('_ws.expert.severity >= 0x600000', 'frame.number', '_ws.expert.message'), []);
    const requested = (protocol: MessageEvent['protocol']) =>
      messages
        .filter((message) => message.protocol === protocol)
        .map(({request}) => `${request?.method}\t${request?.target}`)
        .sort();
    t.strictSame((await tshark('http.request', 'http.request.method', 'http.request.uri')).sort(), requested('http/1'));
    t.strictSame(
      (await tshark('http2.headers.method', 'http2.headers.method', 'http2.headers.path')).sort(),
      requested('http/2'),
    );
    t.equal((await tshark('http.response', 'http.response.code')).length, exchanges);
  });

  t.test('is sent again by curl as it was', async (t) => {
    const posts = got.filter(({method}) => method === 'POST');
    t.equal(posts.length, 2);
    const script = await tlsKit(['export', 'curl', whole, '--no-redact']);
    const lines = script.split('\n').filter((line) => line.includes('/api/items') && !line.startsWith('#'));
    t.equal(lines.length, 4);
    workshop.file('.curlrc', 'insecure\nsilent\noutput = /dev/null\n');
    for (const line of lines) await execa('sh', ['-c', line], {env: {CURL_HOME: workshop.folder}});
    const again = got.filter(({method}) => method === 'POST').slice(2);
    t.strictSame(again, [...posts, ...posts]);
  });
});

/** A line with the tag that stands in the place of its secret, which is one for all. */
function maskedLine(events: readonly TraceEvent[]): (line: string) => string {
  const tag = /token=(<redacted 12B #[0-9a-f]{4}>)/.exec(JSON.stringify(events))?.[1] ?? '';
  return (line) => line.replace(secret, tag);
}

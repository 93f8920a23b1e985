/** What programs of many kinds have logged of their exchanges is what tls-kit says of them, one to one. */
import {copyFileSync, readFileSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as wait} from 'node:timers/promises';
import {execaSync} from 'execa';
import t, {type Test} from 'tap';
import type {MessageEvent, TraceEvent} from '../../src/model.js';
import {beside, finish, systemLibrary} from './programs.js';
import {Program, type ProgramName} from './said-programs.js';
import {cannotTrace, firstInvalid, summaryOf, Tracer} from './tracer.js';
import {freePort, listening, Workshop} from './workshop.js';

const reason = cannotTrace();
const missing = ['wrk', 'h2load', 'nghttp'].filter((name) => execaSync('which', [name], {reject: false}).failed);
const megabyte = 1_048_576;

/** An exchange, as a server logs it. */
interface Logged {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly received: number;
  readonly sent: number;
}

/** A call of gRPC as the server logs it: the sizes of the messages that it sent. */
interface GrpcCall {
  readonly method: string;
  readonly status: number;
  readonly sent: readonly number[];
}

/** A message of WebSocket, as the server logs it. */
interface Frame {
  readonly direction: string;
  readonly kind: string;
  readonly length: number;
}

const messagesOf = (events: readonly TraceEvent[], pid: number | undefined) =>
  events.filter((event): event is MessageEvent => event.type === 'message' && event.pid === pid);

/** Of the server at this port. */
const messagesAt = (events: readonly TraceEvent[], port: number) =>
  events.filter(
    (event): event is MessageEvent =>
      event.type === 'message' && event.side === 'server' && event.connection.local?.endsWith(`:${port}`) === true,
  );

function logOf({request, response}: MessageEvent): Logged {
  return {
    method: request?.method ?? '?',
    path: request?.target ?? '?',
    status: response?.status ?? 0,
    received: request?.body?.length ?? 0,
    sent: response?.body?.length ?? 0,
  };
}

const sorted = (lines: readonly unknown[]) => lines.map((line) => JSON.stringify(line)).sort();

/** What a server logged is what was seen of it, and every message is whole, but for what one call moved beyond the snap length. */
function sameAsLogged(t: Test, messages: readonly MessageEvent[], logged: readonly Logged[]): void {
  t.ok(logged.length > 0, `${logged.length} exchanges were logged`);
  t.strictSame(sorted(messages.map(logOf)), sorted(logged));
  t.strictSame(
    messages
      .filter(({complete}) => !complete)
      .map(logOf)
      .filter(({sent}) => sent < megabyte),
    [],
    'each is whole',
  );
}

interface Scene {
  readonly workshop: Workshop;
  readonly node: string;
  readonly own: string;
  readonly pair: readonly [certificate: string, key: string];
}

async function setUp(t: Test): Promise<Scene> {
  const workshop = new Workshop();
  t.teardown(() => workshop.close());
  const libssl = await systemLibrary('libssl');
  const own = workshop.copyLibrary(libssl, beside(libssl));
  const node = join(workshop.folder, 'node');
  copyFileSync(process.execPath, node);
  const {key, certificate} = await workshop.certificate();
  return {workshop, node, own, pair: [certificate, key]};
}

async function startNginx({workshop, pair}: Scene, ports: readonly [number, number]): Promise<string> {
  const {folder} = workshop;
  const log = join(folder, 'access.log');
  workshop.file('www/page.txt', 'line\n'.repeat(200));
  workshop.file('www/large', Buffer.alloc(megabyte, 'L'));
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  const configuration = `
    daemon off; master_process off; pid ${folder}/nginx.pid; error_log ${folder}/error.log; user root;
    events { worker_connections 64; }
    http {
      log_format said '$server_port {"method":"$request_method","path":"$request_uri","status":$status,"received":"$content_length","sent":$body_bytes_sent}';
      access_log ${log} said; client_max_body_size 0; ${temporary.join(' ')}
      server {
        listen 127.0.0.1:${ports[0]} ssl; listen 127.0.0.1:${ports[1]} ssl http2;
        ssl_certificate ${pair[0]}; ssl_certificate_key ${pair[1]}; root ${folder}/www;
        location /up/ { dav_methods PUT; create_full_put_path on; }
      }
    }`;
  workshop.start(['nginx', '-p', folder, '-c', workshop.file('nginx.conf', configuration)]);
  await listening(ports[0]);
  return log;
}

function readLog(path: string, port: number): Logged[] {
  return readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .filter((line) => line.startsWith(`${port} `))
    .map((line) => {
      const logged = JSON.parse(line.slice(line.indexOf('{')));
      return {...logged, received: Number(logged.received) || 0};
    });
}

/** One tracer for all: attaching to a program as large as Node.js takes longest. */
t.test('what programs have said', {skip: reason}, async (t) => {
  const scene = await setUp(t);
  const {workshop, node, own, pair} = scene;
  const ports = await Promise.all(Array.from({length: 6}, () => freePort()));
  const [http1, http2, ofNode, ofPython, ofGrpc, ofWebSocket] = ports as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const start = <Line>(name: ProgramName, port: number, ...words: string[]) =>
    new Program<Line>(workshop, name, [String(port), ...words], node).ready();
  const log = await startNginx(scene, [http1, http2]);
  const [byNode, byPython, byGrpc, byWebSocket] = await Promise.all([
    start<Logged>('httpServer', ofNode, ...pair),
    start<Logged>('pythonServer', ofPython, ...pair),
    start<GrpcCall>('grpcServer', ofGrpc, ...pair),
    start<Frame>('webSocketServer', ofWebSocket, ...pair),
  ]);
  const tracer = await new Tracer(workshop.folder, [
    '--lib',
    own,
    '--lib',
    node,
    '--format',
    'ndjson',
    '-s',
    '65536',
  ]).ready();

  const run = (...words: string[]) => finish(workshop.start(words));
  const curl = (urls: readonly string[], ...words: string[]) =>
    run('curl', '--silent', '--insecure', ...words, ...urls.flatMap((url) => ['--output', '/dev/null', url]));
  const large = join(workshop.folder, 'www', 'large');
  for (const [flag, port] of [
    ['--http1.1', http1],
    ['--http2', http2],
  ] as const) {
    const at = `https://127.0.0.1:${port}`;
    await curl([`${at}/page.txt`, `${at}/large`, `${at}/missing`], flag);
    await curl([`${at}/up/${flag.slice(2)}`], flag, '--header', 'Expect:', '--upload-file', large); // nginx counts an interim answer as body
  }
  for (const port of [ofNode, ofPython]) {
    const at = `https://127.0.0.1:${port}`;
    await curl([`${at}/a`, `${at}/b?bytes=1000`, `${at}/missing`]);
    await curl([`${at}/up`], '--header', 'Expect:', '--data-binary', `@${large}`);
    await curl([`${at}/down?bytes=${megabyte}`]);
    await start('pipeliningClient', port);
  }
  await start('grpcClient', ofGrpc, pair[0]);
  await start('webSocketClient', ofWebSocket);
  if (missing.length === 0) {
    await run('wrk', '-t1', '-c3', '-d1s', `https://127.0.0.1:${http1}/page.txt?wrk`);
    const pages = [1, 2, 3].map((n) => `https://127.0.0.1:${http2}/page.txt?nghttp${n}`);
    await run('nghttp', '--no-verify-peer', '--null-out', ...pages);
    await run('h2load', '-n', '46', '-c', '2', '-m', '23', `https://127.0.0.1:${http2}/page.txt?h2load`);
  }
  await wait(500); // the last records are on their way
  t.equal(await tracer.stop(), 0, tracer.errors);
  const {events} = tracer;
  t.equal(firstInvalid(events), undefined, 'every event is one of the schema');
  t.equal(summaryOf(events).bytes.lost, 0, 'nothing was lost');

  t.test('nginx, by HTTP/1.1 and HTTP/2', async (t) => {
    for (const port of [http1, http2]) {
      // What wrk had under way when its time was over may be logged, or seen, or both.
      const settled = (all: readonly Logged[]) => all.filter(({path}) => !path.endsWith('wrk'));
      const messages = messagesAt(events, port).filter((message) => settled([logOf(message)]).length > 0);
      sameAsLogged(t, messages, settled(readLog(log, port)));
    }
    t.equal(statSync(join(workshop.folder, 'www/up/http2')).size, megabyte);
  });

  t.test('wrk, nghttp and h2load', {skip: missing.length > 0 && `not installed: ${missing}`}, async (t) => {
    const seen = messagesAt(events, http1).filter(({request}) => request?.target?.endsWith('wrk')).length;
    const logged = readLog(log, http1).filter(({path}) => path.endsWith('wrk')).length;
    t.ok(logged > 10 && Math.abs(seen - logged) <= 3, `of wrk ${seen} were seen, ${logged} logged`);
    const targets = (end: RegExp) => messagesAt(events, http2).filter(({request}) => end.test(request?.target ?? ''));
    t.equal(targets(/nghttp\d$/).length, 3);
    const streams = targets(/h2load$/).map(({connection, streamId}) => `${connection.id} ${streamId}`);
    t.equal(new Set(streams).size, 46, '23 streams at a time on each of two connections');
  });

  t.test('a server in Node.js, and one in Python', async (t) => {
    for (const {child, said} of [byNode, byPython]) {
      t.equal(said.length, 8);
      sameAsLogged(t, messagesOf(events, child.pid), said);
    }
  });

  t.test('gRPC, by grpc-js', async (t) => {
    t.equal(byGrpc.said.length, 5);
    const calls = messagesOf(events, byGrpc.child.pid);
    t.strictSame(
      calls.filter(({protocol, complete}) => protocol !== 'grpc' || !complete),
      [],
    );
    t.strictSame(
      sorted(calls.map(({grpc}) => ({method: grpc?.method, status: grpc?.status, sent: grpc?.response.sizes}))),
      sorted(byGrpc.said),
      'methods, statuses and messages',
    );
    t.ok(calls.every(({grpc}) => grpc?.service === 'test.Echo'));
  });

  t.test('WebSocket, by ws', async (t) => {
    t.equal(byWebSocket.said.length, 8);
    const messages = messagesOf(events, byWebSocket.child.pid);
    t.match(messages[0], {request: {target: '/talk'}, response: {status: 101}});
    const frames = messages.flatMap(({webSocket}) => webSocket ?? []);
    const said = frames.filter(({kind}) => kind !== 'close');
    t.strictSame(
      sorted(said.map(({direction, kind, length}) => ({direction, kind, length}))),
      sorted(byWebSocket.said),
    );
    t.strictSame(
      frames
        .filter(({kind}) => kind === 'close')
        .map(({direction}) => direction)
        .sort(),
      ['receive', 'send'],
    );
  });
});

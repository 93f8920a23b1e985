/** Servers and clients that log what they have said, one JSON line for each exchange. */
import type {ChildProcess} from 'node:child_process';
import {createRequire} from 'node:module';
import {createInterface} from 'node:readline';
import {until, type Workshop} from './workshop.js';

const require = createRequire(import.meta.url);

/** Answers by the method and the path; keeps connections; takes bodies of any size. */
const httpServer = `
const {createServer} = require('node:https');
const {readFileSync} = require('node:fs');
const [port, cert, key] = process.argv.slice(2);
const server = createServer({cert: readFileSync(cert), key: readFileSync(key)}, (request, response) => {
  let received = 0;
  request.on('data', (chunk) => { received += chunk.length; });
  request.on('end', () => {
    const status = request.url.startsWith('/missing') ? 404 : request.method === 'POST' ? 201 : 200;
    const sent = status === 404 ? 0 : Number(new URL(request.url, 'https://x').searchParams.get('bytes') ?? 5);
    response.writeHead(status, {'Content-Type': 'text/plain', 'Content-Length': sent});
    response.end('x'.repeat(sent));
    console.log(JSON.stringify({method: request.method, path: request.url, status, received, sent}));
  });
});
server.listen(Number(port), '127.0.0.1', () => console.log('ready'));
`;

/** The same by Python's http.server, which answers in the order of pipelined requests. */
const pythonServer = `
import http.server, json, ssl, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def answer(self):
        received = len(self.rfile.read(int(self.headers.get('Content-Length') or 0)))
        status = 404 if self.path.startswith('/missing') else 201 if self.command == 'POST' else 200
        body = b'' if status == 404 else b'y' * (int(self.path.partition('bytes=')[2] or 5))
        self.send_response(status)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        print(json.dumps({'method': self.command, 'path': self.path, 'status': status, 'received': received, 'sent': len(body)}), flush=True)
    do_GET = do_POST = do_PUT = answer
    def log_message(self, *words): pass
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[2], sys.argv[3])
server = http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True)
print('ready', flush=True)
server.serve_forever()
`;

/** Three requests in one write, and what answers them. */
const pipeliningClient = `
import socket, ssl, sys
peer = ssl._create_unverified_context().wrap_socket(socket.create_connection(('127.0.0.1', int(sys.argv[1]))))
request = lambda path, more: b'GET %s HTTP/1.1\\r\\nHost: localhost\\r\\n%s\\r\\n' % (path, more)
peer.sendall(request(b'/one?bytes=1', b'') + request(b'/missing/two', b'') + request(b'/three?bytes=3000', b'Connection: close\\r\\n'))
while peer.recv(65536): pass
print('ready', flush=True)
`;

/** A gRPC service without a schema: what is called Say is echoed, Count streams so many messages. */
const grpcServer = `
const grpc = require(process.argv[2]);
const {readFileSync} = require('node:fs');
const [port, cert, key] = process.argv.slice(3);
const raw = {requestSerialize: (b) => b, requestDeserialize: (b) => b, responseSerialize: (b) => b, responseDeserialize: (b) => b};
const service = {
  Say: {path: '/test.Echo/Say', requestStream: false, responseStream: false, ...raw},
  Count: {path: '/test.Echo/Count', requestStream: false, responseStream: true, ...raw},
};
const log = (method, status, sent) => console.log(JSON.stringify({method, status, sent}));
const server = new grpc.Server();
server.addService(service, {
  Say(call, answer) {
    if (call.request.length === 0) { log('Say', 3, []); answer({code: 3, details: 'nothing to say'}); return; }
    log('Say', 0, [call.request.length]);
    answer(null, call.request);
  },
  Count(call) {
    const sizes = Array.from({length: call.request[0]}, (_, n) => 10 * (n + 1));
    for (const size of sizes) call.write(Buffer.alloc(size, 'c'));
    log('Count', 0, sizes);
    call.end();
  },
});
const pair = {private_key: readFileSync(key), cert_chain: readFileSync(cert)};
server.bindAsync('127.0.0.1:' + port, grpc.ServerCredentials.createSsl(null, [pair]), () => console.log('ready'));
`;

const grpcClient = `
const grpc = require(process.argv[2]);
const {readFileSync} = require('node:fs');
const [port, cert] = process.argv.slice(3);
const Client = grpc.makeGenericClientConstructor({}, 'Echo');
const client = new Client('localhost:' + port, grpc.credentials.createSsl(readFileSync(cert)));
const same = (b) => b;
const say = (bytes) => new Promise((resolve) => client.makeUnaryRequest('/test.Echo/Say', same, same, bytes, () => resolve()));
(async () => {
  await say(Buffer.from('hello'));
  await say(Buffer.alloc(0));
  await Promise.all([say(Buffer.alloc(1000, 'a')), say(Buffer.alloc(20000, 'b'))]);
  const stream = client.makeServerStreamRequest('/test.Echo/Count', same, same, Buffer.of(5));
  stream.on('data', () => {});
  await new Promise((resolve) => stream.on('end', resolve));
  client.close();
  console.log('ready');
})();
`;

/** Echoes what it is sent; text by text, bytes by bytes. */
const webSocketServer = `
const {WebSocketServer} = require(process.argv[2]);
const {createServer} = require('node:https');
const {readFileSync} = require('node:fs');
const [port, cert, key] = process.argv.slice(3);
const server = createServer({cert: readFileSync(cert), key: readFileSync(key)});
new WebSocketServer({server, perMessageDeflate: false}).on('connection', (peer) => {
  peer.on('message', (data, isBinary) => {
    peer.send(data, {binary: isBinary});
    for (const direction of ['receive', 'send']) console.log(JSON.stringify({direction, kind: isBinary ? 'binary' : 'text', length: data.length}));
  });
});
server.listen(Number(port), '127.0.0.1', () => console.log('ready'));
`;

const webSocketClient = `
const {WebSocket} = require(process.argv[2]);
const peer = new WebSocket('wss://127.0.0.1:' + process.argv[3] + '/talk', {rejectUnauthorized: false, perMessageDeflate: false});
const said = ['hello', Buffer.alloc(300, 7), 'x'.repeat(30000), ''];
let answers = 0;
peer.on('open', () => { for (const each of said) peer.send(each); });
peer.on('message', () => { if (++answers === said.length) peer.close(); });
peer.on('close', () => console.log('ready'));
`;

const programs = {
  httpServer: {source: httpServer, by: 'node'},
  pythonServer: {source: pythonServer, by: 'python'},
  pipeliningClient: {source: pipeliningClient, by: 'python'},
  grpcServer: {source: grpcServer, by: 'node', needs: '@grpc/grpc-js'},
  grpcClient: {source: grpcClient, by: 'node', needs: '@grpc/grpc-js'},
  webSocketServer: {source: webSocketServer, by: 'node', needs: 'ws'},
  webSocketClient: {source: webSocketClient, by: 'node', needs: 'ws'},
} as const;

export type ProgramName = keyof typeof programs;

/** One of them, started. A server is ready when it listens, a client when it has said all. */
export class Program<Line = unknown> {
  readonly child: ChildProcess;
  readonly said: Line[] = [];
  #isReady = false;
  #errors = '';

  /** @param node a copy of it, that others do not share */
  constructor(workshop: Workshop, name: ProgramName, words: readonly string[], node: string) {
    const {source, by, ...more} = programs[name];
    const file = workshop.file(by === 'node' ? `${name}.cjs` : `${name}.py`, source);
    const needs = 'needs' in more ? [require.resolve(more.needs)] : [];
    this.child = workshop.start([by === 'node' ? node : '/usr/bin/python3', file, ...needs, ...words]);
    createInterface({input: this.child.stdout as NodeJS.ReadableStream}).on('line', (line) => {
      if (line === 'ready') this.#isReady = true;
      else this.said.push(JSON.parse(line));
    });
    this.child.stderr?.on('data', (chunk: Buffer) => {
      this.#errors += chunk;
    });
  }

  async ready(): Promise<this> {
    await until(() => this.#isReady || this.child.exitCode !== null, 'a program to be ready');
    if (!this.#isReady) throw new Error(`It ended with ${this.child.exitCode}: ${this.#errors}`);
    return this;
  }
}

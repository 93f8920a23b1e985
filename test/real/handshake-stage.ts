/** Real handshakes that fail, with the private libraries of a workshop. */
import type {ChildProcess} from 'node:child_process';
import {once} from 'node:events';
import {connect, createServer, type Socket} from 'node:net';
import {join} from 'node:path';
import {Bench} from '../connections/failures.js';
import {installations} from '../connections/installations.js';
import {portOf} from './programs.js';
import {until, Workshop} from './workshop.js';

export type Side = 'client' | 'server';

/** The processes of a row that are traced. */
export type Pids = Partial<Record<Side, number>>;

/** The options of a server with a good certificate; `@name` names a file of the bench. */
export const good = '-cert @good.pem -key @good.key';

/** Waits until the other side ends, or for as long as it was told to. */
const impatientPython = `
import socket, ssl, sys
side, port = sys.argv[1], int(sys.argv[2])
if side == 'client':
    context = ssl._create_unverified_context()
    raw = socket.create_connection(('127.0.0.1', port))
else:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[3], sys.argv[4])
    listener = socket.create_server(('127.0.0.1', port))
    raw, _ = listener.accept()
raw.settimeout(0.3)
try:
    context.wrap_socket(raw, server_side=side == 'server')
except OSError:
    pass
`;

/** Where the rows play: certificates, and programs that use the traced libraries. */
export class Stage {
  readonly workshop = new Workshop();
  readonly #bench = new Bench(installations[0] as (typeof installations)[number]);

  /** s_server and s_client with these options; `@name` names a file of the bench. With `input` the client ends after that. */
  async pair(serverOptions: string, clientOptions: string, input?: string): Promise<Pids> {
    const {child: server, port} = await this.#server(serverOptions);
    const client = this.#openssl('s_client', '-connect', `127.0.0.1:${port}`, ...this.#words(clientOptions));
    if (input !== undefined) client.stdin?.end(input);
    await gone(client);
    server.stdin?.end('Q\n');
    await gone(server);
    return {client: client.pid as number, server: server.pid as number};
  }

  /** s_client against something else than a TLS server. */
  async client(serve: (socket: Socket) => void): Promise<Pids> {
    const server = createServer({allowHalfOpen: true}, (socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => serve(socket));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = this.#openssl('s_client', '-connect', `127.0.0.1:${portOf(server as never)}`);
    await gone(client);
    server.close();
    return {client: client.pid as number};
  }

  /** s_server against something else than a TLS client. */
  async server(speak: (socket: Socket) => void): Promise<Pids> {
    const {child, port} = await this.#server(good);
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.resume();
    await once(socket, 'connect');
    speak(socket);
    await once(socket, 'close');
    child.stdin?.end('Q\n');
    await gone(child);
    return {server: child.pid as number};
  }

  /** A Python program that gives up on a peer that says nothing. */
  async impatient(side: Side): Promise<Pids> {
    const silent = createServer(() => undefined);
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const port = portOf(silent as never);
    if (side === 'server') silent.close();
    const file = this.workshop.file('impatient.py', impatientPython);
    const pem = (name: string) => join(this.#bench.inner, name);
    const words = ['/usr/bin/python3', file, side, String(port), pem('good.pem'), pem('good.key')];
    const child = this.workshop.start(words);
    const socket = side === 'server' ? await connected(port) : undefined;
    await gone(child);
    socket?.destroy();
    silent.close();
    return {[side]: child.pid as number};
  }

  async close(): Promise<void> {
    await this.workshop.close();
    this.#bench.close();
  }

  async #server(options: string): Promise<{child: ChildProcess; port: number}> {
    const child = this.#openssl('s_server', '-accept', '127.0.0.1:0', '-naccept', '1', ...this.#words(options));
    let text = '';
    child.stdout?.on('data', (chunk) => {
      text += chunk;
    });
    await until(() => /^ACCEPT \S+:\d+/m.test(text), 's_server to listen');
    return {child, port: Number(/^ACCEPT \S+:(\d+)/m.exec(text)?.[1])};
  }

  #openssl(...words: string[]): ChildProcess {
    const child = this.workshop.start(['openssl', ...words], {stdin: 'pipe'});
    child.stdin?.on('error', () => undefined);
    child.stdout?.resume();
    child.stderr?.resume();
    return child;
  }

  #words(options: string): string[] {
    return options
      .split(' ')
      .filter(Boolean)
      .map((word) => word.replace(/^@/, `${this.#bench.inner}/`));
  }
}

async function gone(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

async function connected(port: number): Promise<Socket> {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const outcome = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    if (outcome) return socket;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Real clients and servers that move the ladder's payloads, with the private copies of a workshop. */
import type {ChildProcess} from 'node:child_process';
import {once} from 'node:events';
import {readFileSync} from 'node:fs';
import {createServer, type Server} from 'node:http';
import {join} from 'node:path';
import {execa} from 'execa';
import {freePort, listening, until, type Workshop} from './workshop.js';

/** A Python program that reads and writes by its ssl module, which calls SSL_read_ex and SSL_write_ex. */
const pythonServer = `
import socket, ssl, struct, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[2], sys.argv[3])
listener = socket.create_server(('127.0.0.1', int(sys.argv[1])))
while True:
    raw, _ = listener.accept()
    try:
        with context.wrap_socket(raw, server_side=True) as peer:
            head = b''
            while len(head) < 4:
                head += peer.recv(4 - len(head))
            left, chunks = struct.unpack('>I', head)[0], []
            while left:
                chunks.append(peer.recv(min(left, 65536)))
                left -= len(chunks[-1])
            peer.sendall(head + b''.join(chunks))
            peer.unwrap()
    except (OSError, struct.error):
        pass
`;

/** Sends a file's bytes behind their length, and reads as many back. */
const pythonClient = `
import socket, ssl, struct, sys
context = ssl._create_unverified_context()
data = open(sys.argv[2], 'rb').read()
with context.wrap_socket(socket.create_connection(('127.0.0.1', int(sys.argv[1])))) as peer:
    peer.sendall(struct.pack('>I', len(data)) + data)
    got = b''
    while len(got) < len(data) + 4:
        got += peer.recv(65536)
    assert got[4:] == data
`;

export async function startPythonServer(workshop: Workshop): Promise<number> {
  const port = await freePort();
  const {key, certificate} = await workshop.certificate();
  workshop.start(['/usr/bin/python3', workshop.file('server.py', pythonServer), String(port), certificate, key]);
  await listening(port);
  return port;
}

/** Sends and receives a file through the Python server. Gives the client's pid. */
export async function runPythonClient(workshop: Workshop, port: number, file: string): Promise<number> {
  return finish(workshop.start(['/usr/bin/python3', workshop.file('client.py', pythonClient), String(port), file]));
}

/** nginx that serves the files of the workshop's folder `www`, and takes uploads for a plain server behind it. */
export async function startNginx(workshop: Workshop, upstream: number): Promise<number> {
  const port = await freePort();
  const {key, certificate} = await workshop.certificate();
  const {folder} = workshop;
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  const configuration = `
    daemon off; master_process off; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
    events { worker_connections 64; }
    http {
      access_log off; ${temporary.join(' ')} client_max_body_size 8m; keepalive_requests 1000;
      server {
        listen 127.0.0.1:${port} ssl; ssl_certificate ${certificate}; ssl_certificate_key ${key};
        root ${folder}/www;
        location /upload { proxy_pass http://127.0.0.1:${upstream}; proxy_request_buffering on; }
      }
    }`;
  workshop.start(['nginx', '-p', folder, '-c', workshop.file('nginx.conf', configuration)]);
  await listening(port);
  return port;
}

/** The plain server behind nginx: takes whatever is uploaded. */
export async function startSink(): Promise<Server> {
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => response.end('taken'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

export const portOf = (server: Server) => (server.address() as {port: number}).port;

/** `openssl s_server -quiet`: what it receives goes to its output, what it reads from its input is sent. One connection. */
export async function startOpensslServer(workshop: Workshop): Promise<{port: number; child: ChildProcess}> {
  const port = await freePort();
  const {key, certificate} = await workshop.certificate();
  const words = [
    'openssl',
    's_server',
    '-quiet',
    '-accept',
    `127.0.0.1:${port}`,
    '-naccept',
    '1',
    '-key',
    key,
    '-cert',
    certificate,
  ];
  const child = workshop.start(words, {stdin: 'pipe'});
  child.stderr?.resume();
  await until(() => isListenedOn(port), `s_server to listen on ${port}`);
  return {port, child};
}

export async function runCurl(workshop: Workshop, words: readonly string[]): Promise<number> {
  return finish(workshop.start(['curl', '--silent', '--show-error', '--insecure', '--fail', ...words]));
}

/** Waits for a program that must succeed, and gives its pid. */
export async function finish(child: ChildProcess): Promise<number> {
  const errors: Buffer[] = [];
  child.stderr?.on('data', (chunk: Buffer) => errors.push(chunk));
  child.stdout?.resume();
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${child.spawnargs.join(' ')} ended with ${code}: ${Buffer.concat(errors)}`);
  return child.pid as number;
}

/** The system's libssl and the libcrypto beside it. */
export async function systemLibrary(name: 'libssl' | 'libgnutls'): Promise<string> {
  const {stdout} = await execa('ldconfig', ['-p']);
  const [path] = librariesIn(stdout, name);
  if (path === undefined) throw new Error(`this machine has no ${name}`);
  return path;
}

/** The paths of a library in what `ldconfig -p` prints. */
export function librariesIn(list: string, name: string): readonly string[] {
  const lines = list.matchAll(new RegExp(`^\\s*${name}\\.so\\.[0-9.]+ .*=> (.+)$`, 'gm'));
  return [...lines].map(([, path]) => path as string);
}

export const beside = (libssl: string) => libssl.replace('libssl', 'libcrypto');

export const wwwFile = (workshop: Workshop, name: string) => join(workshop.folder, 'www', name);

/** Whether a port is listened on, without the connection that asking it would be: state 0A in /proc/net/tcp, see proc(5). */
function isListenedOn(port: number): boolean {
  const wanted = new RegExp(
    `^ *\\d+: [0-9A-F]+:${port.toString(16).toUpperCase().padStart(4, '0')} [0-9A-F:]+ 0A `,
    'm',
  );
  return wanted.test(readFileSync('/proc/net/tcp', 'utf8'));
}

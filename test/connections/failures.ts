/** Real handshakes that fail: s_client and s_server of one installation, a proxy between them that shows the wire, and what each prints. */
import {type ChildProcess, execFile, execFileSync, spawn} from 'node:child_process';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {type AddressInfo, connect, createServer, type Server, type Socket} from 'node:net';
import {join, relative} from 'node:path';
import {
  describeError,
  describeVerify,
  type OpenSslError,
  unpackError,
  type VerifyResult,
} from '../../src/connections/openssl-errors.js';
import {TlsConversation, type WireFacts} from '../../src/connections/tls-records.js';
import {type Installation, inside} from './installations.js';

/** What one end knew of its failure. */
export interface Seen {
  role: 'client' | 'server';
  errors: OpenSslError[];
  verify?: VerifyResult;
  wire: WireFacts;
}

/** The certificates of the gallery, in a folder that the programs of the installation can read. */
export class Bench {
  readonly #folder: string;
  /** The same folder, as the programs name it. */
  readonly inner: string;

  constructor(readonly installation: Installation) {
    this.#folder = mkdtempSync(join(installation.root, 'tmp', 'tls-kit-gallery-'));
    this.inner = join('/', relative(installation.root, this.#folder));
    this.#authority('ca', 'Test CA');
    this.#authority('other', 'Other CA');
    this.#leaf('good', 'ca', 'localhost', '20240101000000Z', '20390101000000Z');
    this.#leaf('expired', 'ca', 'localhost', '20200101000000Z', '20210101000000Z');
    this.#leaf('future', 'ca', 'localhost', '20370101000000Z', '20390101000000Z');
    this.#leaf('wrong', 'ca', 'other.example', '20240101000000Z', '20390101000000Z');
    this.#leaf('revoked', 'ca', 'localhost', '20240101000000Z', '20390101000000Z');
    this.#leaf('untrusted', 'other', 'localhost', '20240101000000Z', '20390101000000Z');
    this.#leaf('self', undefined, 'localhost');
    this.#openssl('ca', '-config', 'ca.cnf', '-revoke', 'revoked.pem');
    this.#openssl('ca', '-config', 'ca.cnf', '-gencrl', '-out', 'crl.pem');
  }

  /** Both ends of a handshake between an s_server and an s_client with these options (`@name` names a file of the bench). */
  async pair(server: string, client: string): Promise<{client: Seen; server: Seen}> {
    const accepting = spawn(
      ...this.#words('s_server', '-accept', '127.0.0.1:0', '-naccept', '1', ...this.#options(server)),
    );
    const serverOutput = collect(accepting);
    const port = Number(await waitFor(serverOutput, /^ACCEPT 127\.0\.0\.1:(\d+)/m));
    const conversation = new TlsConversation();
    const proxy = await listen((socket) => relay(socket, connect(port, '127.0.0.1'), conversation));
    const clientText = await this.#client(proxy, client);
    quit(accepting);
    await serverOutput.closed;
    proxy.close();
    conversation.end();
    const wire = conversation.facts();
    return {
      client: {role: 'client', ...this.#read(clientText), wire},
      server: {role: 'server', ...this.#read(serverOutput.text), wire: turned(wire)},
    };
  }

  /** An s_client that meets something else than a TLS server. */
  async client(serve: (socket: Socket) => void, options = ''): Promise<Seen> {
    const conversation = new TlsConversation();
    const server = await listen((socket) => {
      socket.on('error', () => undefined);
      const write = socket.write.bind(socket);
      socket.write = (bytes: Buffer | string) => {
        conversation.push('receive', Buffer.from(bytes as string));
        return write(bytes);
      };
      socket.once('data', (bytes) => {
        conversation.push('send', bytes);
        serve(socket);
      });
    });
    const text = await this.#client(server, options);
    server.close();
    conversation.end();
    return {role: 'client', ...this.#read(text), wire: conversation.facts()};
  }

  /** An s_server that meets something else than a TLS client. */
  async server(bytes: string): Promise<Seen> {
    const accepting = spawn(
      ...this.#words(
        's_server',
        '-accept',
        '127.0.0.1:0',
        '-naccept',
        '1',
        ...this.#options('-cert @good.pem -key @good.key'),
      ),
    );
    const output = collect(accepting);
    const port = Number(await waitFor(output, /^ACCEPT 127\.0\.0\.1:(\d+)/m));
    const conversation = new TlsConversation();
    const socket = connect(port, '127.0.0.1');
    socket.on('data', (answer) => conversation.push('send', answer));
    socket.on('error', () => undefined);
    conversation.push('receive', Buffer.from(bytes, 'latin1'));
    socket.end(Buffer.from(bytes, 'latin1'));
    await new Promise((resolve) => socket.once('close', resolve));
    quit(accepting);
    await output.closed;
    conversation.end();
    return {role: 'server', ...this.#read(output.text), wire: conversation.facts()};
  }

  close(): void {
    rmSync(this.#folder, {recursive: true});
  }

  async #client(server: Server, options: string): Promise<string> {
    const {port} = server.address() as AddressInfo;
    const [file, words] = this.#words('s_client', '-connect', `127.0.0.1:${port}`, ...this.#options(options));
    return new Promise((resolve) => {
      // Its standard input stays open: a client of TLS 1.3 learns of a refused certificate when it reads.
      execFile(file, words, {timeout: 20_000}, (_error, stdout, stderr) => resolve(stdout + stderr));
    });
  }

  /** The error stack and the verify result, as the programs print them. */
  #read(text: string): {errors: OpenSslError[]; verify?: VerifyResult} {
    const {release} = this.installation;
    const stack = [...text.matchAll(/^[0-9A-F]+:error:([0-9A-F]{8}):[^:]*:([^:]*):[^:]*:([^:]*):(\d+):/gm)];
    const errors = stack.map(([, code = '', name, file, line]) =>
      describeError(
        {...unpackError(Number.parseInt(code, 16), release), function: name, file, line: Number(line)},
        release,
      ),
    );
    const [, code] = /^verify error:num=(\d+):/m.exec(text) ?? [];
    const [, depth] = /^depth=(\d+)[^\n]*\nverify error/m.exec(text) ?? [];
    if (code === undefined) return {errors};
    return {errors, verify: describeVerify(Number(code), depth === undefined ? undefined : Number(depth), release)};
  }

  #words(...words: string[]): [file: string, args: string[]] {
    return inside(this.installation, 'openssl', ...words);
  }

  #options(text: string): string[] {
    return text
      .split(' ')
      .filter(Boolean)
      .map((word) => word.replace(/^@/, `${this.inner}/`));
  }

  #authority(name: string, commonName: string): void {
    this.#openssl(
      'req',
      '-x509',
      ...newKey(name),
      '-out',
      `${name}.pem`,
      '-days',
      '3650',
      '-subj',
      `/CN=${commonName}`,
    );
    writeFileSync(join(this.#folder, `${name}.idx`), '');
    writeFileSync(join(this.#folder, `${name}.srl`), '1000\n');
    writeFileSync(join(this.#folder, `${name}.cnf`), authorityConfiguration(name));
  }

  #leaf(name: string, authority: string | undefined, commonName: string, start = '', end = ''): void {
    const subject = ['-subj', `/CN=${commonName}`];
    if (!authority) {
      this.#openssl('req', '-x509', ...newKey(name), '-out', `${name}.pem`, '-days', '3650', ...subject);
      return;
    }
    writeFileSync(join(this.#folder, `${name}.ext`), `subjectAltName=DNS:${commonName}\n`);
    this.#openssl('req', ...newKey(name), '-out', `${name}.csr`, ...subject);
    const dates = ['-startdate', start, '-enddate', end, '-extfile', `${name}.ext`];
    this.#openssl(
      'ca',
      '-batch',
      '-config',
      `${authority}.cnf`,
      '-in',
      `${name}.csr`,
      '-out',
      `${name}.pem`,
      '-notext',
      ...dates,
    );
  }

  /** This machine's OpenSSL makes the certificates for every release. */
  #openssl(...words: string[]): void {
    execFileSync('openssl', words, {cwd: this.#folder, stdio: 'ignore'});
  }
}

function newKey(name: string): string[] {
  return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${name}.key`];
}

function authorityConfiguration(name: string): string {
  return `[ca]
default_ca=own
[own]
database=${name}.idx
serial=${name}.srl
new_certs_dir=.
certificate=${name}.pem
private_key=${name}.key
default_md=sha256
policy=any
unique_subject=no
default_crl_days=3650
[any]
commonName=supplied
`;
}

interface Output {
  text: string;
  readonly closed: Promise<void>;
}

function collect(child: ChildProcess): Output {
  const output: Output = {text: '', closed: new Promise((resolve) => child.once('close', () => resolve()))};
  child.stdout?.on('data', (bytes) => {
    output.text += bytes;
  });
  child.stderr?.on('data', (bytes) => {
    output.text += bytes;
  });
  return output;
}

/** Most have ended by now, and their standard input with them. */
function quit(child: ChildProcess): void {
  child.stdin?.on('error', () => undefined);
  child.stdin?.end('Q\n');
}

async function waitFor(output: Output, pattern: RegExp): Promise<string> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const found = pattern.exec(output.text)?.[1];
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`waited in vain for ${pattern}: ${output.text}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function listen(serve: (socket: Socket) => void): Promise<Server> {
  const server = createServer({allowHalfOpen: true}, serve);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

function relay(client: Socket, server: Socket, conversation: TlsConversation): void {
  client.on('data', (bytes) => conversation.push('send', bytes));
  server.on('data', (bytes) => conversation.push('receive', bytes));
  client.on('error', () => server.destroy());
  server.on('error', () => client.destroy());
  client.pipe(server).pipe(client);
}

/** The facts of the other end. */
function turned(wire: WireFacts): WireFacts {
  const alerts = wire.alerts.map((alert) => ({
    ...alert,
    direction: alert.direction === 'send' ? ('receive' as const) : ('send' as const),
  }));
  return {...wire, role: 'server', alerts};
}

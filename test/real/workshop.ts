/** What the real tests share: private copies of libraries, a certificate, payloads, and programs that they start and end. */
import {type ChildProcess, spawn} from 'node:child_process';
import {createHash, randomBytes} from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import {connect} from 'node:net';
import {tmpdir} from 'node:os';
import {basename, dirname, join} from 'node:path';
import {setTimeout as wait} from 'node:timers/promises';
import {execa} from 'execa';

/** Payload sizes where tools like this one were seen to go wrong: around pieces, pages and TLS records. */
export const ladder = [
  0, 1, 159, 160, 161, 199, 200, 201, 4095, 4096, 8191, 8192, 8200, 16_383, 16_384, 16_385, 65_536, 1_048_576,
];

/** Bytes that a lossy encoding would change: backslashes, quotes, what looks like an escape, line ends, the record's own signs. */
const hostileText = Buffer.from('\\ " \\x41 \\\\ \\n %s %r | \u0000 \r\n \u00e9 {"type": "printf"} = `$(id)` ');

export type Filling = 'random' | 'text';

export function payloadOf(size: number, filling: Filling): Buffer {
  if (filling === 'random') return randomBytes(size);
  return Buffer.concat(Array.from({length: Math.ceil(size / hostileText.length)}, () => hostileText)).subarray(0, size);
}

export const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** A temporary folder with private copies of a library and a self-signed certificate; `close` ends every program started in it. */
export class Workshop {
  readonly folder = mkdtempSync(join(tmpdir(), 'tls-kit-test-'));
  /** Words before each program that is started: those that take it into another root. */
  protected readonly before: readonly string[] = [];
  readonly #children: ChildProcess[] = [];

  /** Copies a shared library under its own name, with the libraries that must go along, and returns its path. */
  copyLibrary(path: string, ...along: string[]): string {
    const folder = join(this.folder, 'lib');
    mkdirSync(folder, {recursive: true});
    for (const each of [path, ...along]) copyFileSync(realpathSync(each), join(folder, basename(each)));
    return join(folder, basename(path));
  }

  /** Programs started with this use the private copies. */
  environment(): Record<string, string> {
    return {...(process.env as Record<string, string>), LD_LIBRARY_PATH: join(this.folder, 'lib'), LC_ALL: 'C'};
  }

  file(name: string, content: string | Uint8Array = '', mode = 0o666): string {
    const path = join(this.folder, name);
    mkdirSync(dirname(path), {recursive: true});
    writeFileSync(path, content, {mode});
    return path;
  }

  /** Lets other users reach what is in it. */
  openToAll(): void {
    chmodSync(this.folder, 0o711);
  }

  async certificate(): Promise<{key: string; certificate: string}> {
    const key = join(this.folder, 'key.pem');
    const certificate = join(this.folder, 'cert.pem');
    if (!existsSync(key)) {
      const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
      const words = [
        'req',
        '-x509',
        '-newkey',
        'rsa:2048',
        '-nodes',
        '-days',
        '2',
        '-keyout',
        key,
        '-out',
        certificate,
        ...names,
      ];
      await execa('openssl', words);
    }
    return {key, certificate};
  }

  /** Starts a program with the private libraries. It is ended with the workshop. */
  start(
    words: readonly string[],
    options: {stdin?: 'pipe' | 'ignore'; env?: Record<string, string>} = {},
  ): ChildProcess {
    const [file, ...rest] = [...this.before, ...words] as [string, ...string[]];
    const child = spawn(file, rest, {
      cwd: this.folder,
      env: {...this.environment(), ...options.env},
      stdio: [options.stdin ?? 'ignore', 'pipe', 'pipe'],
    });
    this.#children.push(child);
    return child;
  }

  async close(): Promise<void> {
    for (const child of this.#children) await end(child);
    rmSync(this.folder, {recursive: true, force: true});
  }
}

/** Ends a child, by its own pid, and waits until it is gone. */
export async function end(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await gone;
}

/** A port that nobody listens on now. */
export async function freePort(): Promise<number> {
  const {createServer} = await import('node:net');
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

/** Waits until something listens on a port of this machine. */
export async function listening(port: number, limitMs = 60_000): Promise<void> {
  await until(() => canConnect(port), `port ${port} to be listened on`, limitMs);
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('close', () => socket.destroy());
    socket.once('connect', () => socket.destroy());
  });
}

/** Waits for a condition; says what it waited for when it never comes. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  limitMs = 60_000,
): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited ${limitMs} ms in vain for ${what}`);
    await wait(20);
  }
}

export const readIfThere = (path: string) => (existsSync(path) ? readFileSync(path) : Buffer.alloc(0));

/** Whether a process runs. A zombie no longer does: nobody may have waited for it. */
export function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false; // gone, maybe while it was looked at
  }
}

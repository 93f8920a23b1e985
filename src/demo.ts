import {copyFile, mkdtemp, realpath, rm, writeFile} from 'node:fs/promises';
import {connect, createServer} from 'node:net';
import {tmpdir} from 'node:os';
import {basename, join} from 'node:path';
import {setTimeout as wait} from 'node:timers/promises';
import {execa, type ResultPromise} from 'execa';
import {TlsKitError} from './errors.js';

/** A real HTTPS server and real clients on loopback, that use private copies of libssl and libcrypto. */
export interface Stage {
  /** The private libssl: only what uses this one is traced. */
  readonly library: string;
  /** Plays the scene: requests by curl, and by openssl s_client. */
  play(): Promise<void>;
  close(): Promise<void>;
}

const page = 'Hello from a real HTTPS server. Nobody gave tls-kit a key.\n';

/** Sets the stage in a temporary folder. @param libssl the libssl of the system, to copy. Throws CANNOT_TRACE. */
export async function setStage(libssl: string): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'tls-kit-demo-'));
  const own = join(folder, basename(libssl));
  const libcrypto = libssl.replace(/libssl([^/]*)$/, 'libcrypto$1');
  await copyFile(await realpath(libssl), own);
  await copyFile(await realpath(libcrypto), join(folder, basename(libcrypto)));
  const options = {cwd: folder, env: {LD_LIBRARY_PATH: folder}, reject: false, timeout: 20_000} as const;

  const pair = ['-keyout', 'key.pem', '-out', 'certificate.pem'];
  await must(
    execa(
      'openssl',
      ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=localhost', ...pair],
      options,
    ),
  );
  await writeFile(join(folder, 'hello.txt'), page);
  const port = await freePort();
  const serve = [
    's_server',
    '-quiet',
    '-WWW',
    '-accept',
    `127.0.0.1:${port}`,
    '-key',
    'key.pem',
    '-cert',
    'certificate.pem',
  ];
  const server = execa('openssl', serve, {...options, timeout: 0, stdio: 'ignore'});
  const close = async () => {
    server.kill('SIGKILL');
    await server;
    await rm(folder, {recursive: true, force: true});
  };
  try {
    await listening(port);
  } catch (error) {
    await close();
    throw error;
  }

  return {
    library: own,
    close,
    play: async () => {
      const ask = (...words: string[]) => {
        const url = `https://localhost:${port}/hello.txt`;
        const where = ['--resolve', `localhost:${port}:127.0.0.1`];
        return must(execa('curl', ['--silent', '--insecure', ...where, ...words, url], options));
      };
      await ask();
      await ask('--http1.0', '--header', 'Authorization: Bearer not-for-your-eyes');
      const request = 'GET /hello.txt HTTP/1.0\r\n\r\n';
      await must(
        execa('openssl', ['s_client', '-quiet', '-connect', `127.0.0.1:${port}`], {...options, input: request}),
      );
    },
  };
}

async function must(running: ResultPromise): Promise<void> {
  const {failed, command, stderr, code} = await running;
  if (!failed) return;
  throw new TlsKitError(
    'CANNOT_TRACE',
    `The demo needs a program that did not work: ${command}${stderr ? `: ${stderr}` : ` (${code})`}`,
    ['Install openssl and curl: sudo apt-get install openssl curl'],
  );
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

async function listening(port: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      const settle = (value: boolean) => () => {
        socket.destroy();
        resolve(value);
      };
      socket.once('connect', settle(true)).once('error', settle(false));
    });
    if (isOpen) return;
    await wait(25);
  }
  throw new TlsKitError('CANNOT_TRACE', 'The HTTPS server of the demo did not start.', ['Try: openssl version']);
}

/**
 * Programs that talk TLS and say of each connection what they themselves know of it: a JSON line with their pid, the tag that
 * the connection's payload carries, and both ends. They connect first, wait for a line on their input, and then talk.
 */
import type {ChildProcess} from 'node:child_process';
import {createInterface} from 'node:readline';
import type {Workshop} from './workshop.js';
import {until} from './workshop.js';

/** What a program said of one of its connections. */
export interface Said {
  readonly pid: number;
  readonly tag: string;
  readonly local: string;
  readonly remote: string;
}

const shared = `
import asyncio, json, os, socket, ssl, sys, threading
def ends(a):
    if isinstance(a, (str, bytes)): return ''
    return '[%s]:%d' % a[:2] if ':' in a[0] else '%s:%d' % a[:2]
def say(tag, local, remote):
    sys.stdout.write(json.dumps({'pid': os.getpid(), 'tag': tag, 'local': ends(local), 'remote': ends(remote)}) + '\\n')
    sys.stdout.flush()
def listener(where):
    if where.startswith('/'):
        s = socket.socket(socket.AF_UNIX); s.bind(where); s.listen(64); return s
    host, port = where.rsplit(':', 1)
    return socket.create_server((host, int(port)), family=socket.AF_INET6 if ':' in host else socket.AF_INET, backlog=64)
def dial(where):
    if where.startswith('/'):
        s = socket.socket(socket.AF_UNIX); s.connect(where); return s
    host, port = where.rsplit(':', 1)
    return socket.create_connection((host, int(port)))
def context_of(cert, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context
client_context = ssl._create_unverified_context()
`;

const blockingServer = `${shared}
context = context_of(sys.argv[2], sys.argv[3])
def serve(raw):
    try:
        with context.wrap_socket(raw, server_side=True) as peer:
            while True:
                line = peer.recv(1000)
                if not line: break
                say(line.decode().strip(), peer.getsockname(), peer.getpeername())
                peer.sendall(line)
    except OSError: pass
listening = listener(sys.argv[1])
print('ready', flush=True)
while True:
    raw, _ = listening.accept()
    threading.Thread(target=serve, args=(raw,), daemon=True).start()
`;

const blockingClient = `${shared}
where, name, again = sys.argv[1], sys.argv[2], int(sys.argv[3])
def open_one(): return client_context.wrap_socket(dial(where))
def talk(peer, tag):
    say(tag, peer.getsockname(), peer.getpeername())
    peer.sendall((tag + '\\n').encode()); assert peer.recv(1000).decode().strip() == tag
early = [open_one(), open_one()]
print('ready', flush=True)
sys.stdin.readline()
for turn in range(3):
    for index, peer in enumerate(early): talk(peer, '%s-early%d-%d' % (name, index, turn))
for index in range(again):
    with open_one() as peer: talk(peer, '%s-late%d' % (name, index))
print('done', flush=True)
`;

const asyncioServer = `${shared}
async def serve(reader, writer):
    while True:
        line = await reader.readline()
        if not line: break
        say(line.decode().strip(), writer.get_extra_info('sockname'), writer.get_extra_info('peername'))
        writer.write(line); await writer.drain()
    writer.close()
async def main():
    host, port = sys.argv[1].rsplit(':', 1)
    server = await asyncio.start_server(serve, host, int(port), ssl=context_of(sys.argv[2], sys.argv[3]))
    print('ready', flush=True)
    await server.serve_forever()
asyncio.run(main())
`;

const asyncioClient = `${shared}
where, name, again = sys.argv[1], sys.argv[2], int(sys.argv[3])
host, port = where.rsplit(':', 1)
async def open_one(): return await asyncio.open_connection(host, int(port), ssl=client_context)
async def talk(pair, tag):
    reader, writer = pair
    say(tag, writer.get_extra_info('sockname'), writer.get_extra_info('peername'))
    writer.write((tag + '\\n').encode()); await writer.drain()
    assert (await reader.readline()).decode().strip() == tag
async def main():
    early = [await open_one(), await open_one()]
    print('ready', flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    for turn in range(3):
        await asyncio.gather(*(talk(pair, '%s-early%d-%d' % (name, index, turn)) for index, pair in enumerate(early)))
    for index in range(again):
        pair = await open_one()
        await talk(pair, '%s-late%d' % (name, index))
        pair[1].close()
    print('done', flush=True)
asyncio.run(main())
`;

const nodeShared = `
const tls = require('node:tls'); const fs = require('node:fs');
const ends = (address, port) => (address?.includes(':') ? '[' + address + ']:' + port : address + ':' + port);
const say = (tag, s) => console.log(JSON.stringify({pid: process.pid, tag,
  local: ends(s.localAddress, s.localPort), remote: ends(s.remoteAddress, s.remotePort)}));
`;

const nodeServer = `${nodeShared}
const [, , where, cert, key] = process.argv;
const [host, port] = where.split(/:(?=\\d+$)/);
tls.createServer({cert: fs.readFileSync(cert), key: fs.readFileSync(key)}, (s) => {
  s.on('data', (data) => { say(data.toString().trim(), s); s.write(data); });
  s.on('error', () => {});
}).listen(Number(port), host, () => console.log('ready'));
`;

const nodeClient = `${nodeShared}
const [, , where, name, again] = process.argv;
const [host, port] = where.split(/:(?=\\d+$)/);
const open = () => new Promise((resolve) => {
  const s = tls.connect({host, port: Number(port), rejectUnauthorized: false}, () => resolve(s));
});
const talk = (s, tag) => new Promise((resolve) => { say(tag, s); s.once('data', resolve); s.write(tag + '\\n'); });
(async () => {
  const early = [await open(), await open()];
  console.log('ready');
  await new Promise((resolve) => process.stdin.once('data', resolve));
  for (let turn = 0; turn < 3; turn++) await Promise.all(early.map((s, i) => talk(s, name + '-early' + i + '-' + turn)));
  for (let i = 0; i < Number(again); i++) { const s = await open(); await talk(s, name + '-late' + i); s.end(); }
  console.log('done');
  process.exit();
})();
`;

const texts = {blockingServer, blockingClient, asyncioServer, asyncioClient, nodeServer, nodeClient};

/** A running talker: what it has said of its connections, and words like `ready` and `done`. */
export class Talker {
  readonly child: ChildProcess;
  readonly said: Said[] = [];
  readonly #words = new Set<string>();
  #errors = '';

  constructor(
    workshop: Workshop,
    kind: keyof typeof texts,
    args: readonly string[],
    {node = process.execPath, env = {}}: {node?: string; env?: Record<string, string>} = {},
  ) {
    const isNode = kind.startsWith('node');
    const file = workshop.file(`${kind}.${isNode ? 'cjs' : 'py'}`, texts[kind]);
    this.child = workshop.start([isNode ? node : '/usr/bin/python3', file, ...args], {stdin: 'pipe', env});
    this.child.stderr?.on('data', (chunk: Buffer) => {
      this.#errors += chunk;
    });
    createInterface({input: this.child.stdout as NodeJS.ReadableStream}).on('line', (line) => {
      if (line.startsWith('{')) this.said.push(JSON.parse(line) as Said);
      else this.#words.add(line);
    });
  }

  async heard(word: 'ready' | 'done'): Promise<void> {
    const isOver = () => this.child.exitCode !== null && this.child.exitCode !== 0;
    await until(() => this.#words.has(word) || isOver(), `${this.child.spawnargs.join(' ')} to say ${word}`, 40_000);
    if (!this.#words.has(word)) throw new Error(`${this.child.spawnargs.join(' ')}: ${this.#errors}`);
  }

  go(): void {
    this.child.stdin?.write('go\n');
  }
}

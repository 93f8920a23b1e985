/** Programs that do in a handshake, or beside it, what programs seldom do. */
import {createServer, type Server, type Socket} from 'node:net';
import t from 'tap';
import type {HandshakeEvent, SocketEvent, TraceEvent} from '../../src/model.js';
import {portOf} from './programs.js';
import {setUp} from './surroundings.js';
import {cannotTrace, dataOf, firstInvalid, summaryOf, Tracer} from './tracer.js';
import {end, until} from './workshop.js';

const reason = cannotTrace();

/** `memory` and `callback` are both ends of a connection in one thread: the first by turns, the second with something in between. */
const program = `
import ctypes, os, socket, ssl, sys
kind, port, certificate, key = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
def both(callback=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.sni_callback = callback
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl._create_unverified_context().wrap_bio(to_client, to_server, server_hostname='localhost')
    server = context.wrap_bio(to_server, to_client, server_side=True)
    left = [client, server]
    while left:
        for end in list(left):
            try:
                end.do_handshake()
                left.remove(end)
            except ssl.SSLWantReadError:
                pass
    client.write(b'from the client'); assert server.read(100) == b'from the client'
    server.write(b'from the server'); assert client.read(100) == b'from the server'
def fork(*_):
    pid = os.fork()
    if pid == 0: os._exit(0)
    os.waitpid(pid, 0)
if kind == 'two': both()
if kind == 'forks': both(fork)
if kind == 'execs': both(lambda *_: os.execv('/bin/true', ['true']))
if kind == 'dies':
    print('waits', flush=True)
    ssl._create_unverified_context().wrap_socket(socket.create_connection(('127.0.0.1', port)))
if kind == 'plain':
    plain = socket.create_connection(('127.0.0.1', port))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); context.load_cert_chain(certificate, key)
    ours, theirs = socket.socketpair()
    if os.fork() == 0:
        peer = context.wrap_socket(theirs, server_side=True)
        for _ in range(20): assert peer.recv(100)
        os._exit(0)
    secret = ssl._create_unverified_context().wrap_socket(ours)
    for turn in range(20):
        plain.sendall(b'plain %d' % turn)
        secret.sendall(b'secret %d' % turn)
    os.wait()
if kind == 'addresses':
    libc = ctypes.CDLL(None)
    for family, length in ((2, 1), (2, 2), (2, 8), (10, 12), (250, 16), (1, 2), (1, 3)):
        descriptor = libc.socket(10 if family == 10 else 1 if family == 1 else 2, 1, 0)
        address = ctypes.create_string_buffer(family.to_bytes(2, 'little') + b'\\x2f' * 62)
        libc.connect(descriptor, address, length)
        libc.close(descriptor)
print('done', flush=True)
`;

t.test(
  'two sessions of one thread, and a handshake in which its process forks, execs, or dies',
  {skip: reason},
  async (t) => {
    const surroundings = await setUp(t);
    const {workshop, own, env} = surroundings;
    const {key, certificate} = await workshop.certificate();
    const silent = await listen();
    t.teardown(() => silent.close());
    const file = workshop.file('odd.py', program);
    const words = ['openssl', 'handshakes', '--lib', own, '--format', 'ndjson'];
    const tracer = await new Tracer(workshop.folder, words, env).ready();
    const run = (kind: string) =>
      workshop.start(['/usr/bin/python3', file, kind, String(portOf(silent as never)), certificate, key]);

    const pids: Record<string, number> = {};
    for (const kind of ['two', 'forks', 'execs']) {
      const child = run(kind);
      pids[kind] = child.pid as number;
      await until(() => child.exitCode !== null, `${kind} to end`);
      t.equal(child.exitCode, 0, kind);
    }
    const dying = run('dies');
    pids.dies = dying.pid as number;
    await silent.spokenTo;
    await end(dying, 'SIGKILL');
    t.equal(await tracer.stop(), 0, tracer.errors);

    const {events} = tracer;
    t.equal(firstInvalid(events), undefined, 'every event is one of the schema');
    const {bytes, incomplete, malformedLines} = summaryOf(events);
    t.strictSame({incomplete, malformedLines}, {incomplete: false, malformedLines: 0});
    t.equal(bytes.seen, bytes.captured);
    const told = (kind: string) =>
      events
        .filter((event): event is HandshakeEvent => event.type === 'handshake' && event.pid === pids[kind])
        .map(({role, result, serverName}) => [role, result, serverName].join(' '))
        .sort();
    for (const kind of ['two', 'forks']) {
      t.strictSame(told(kind), ['client ok localhost', 'server ok localhost'], kind);
      const texts = dataOf(events).flatMap(({pid, payload, direction}) =>
        pid === pids[kind] ? [`${direction} ${Buffer.from(payload, 'base64')}`] : [],
      );
      t.strictSame(
        texts,
        ['send from the client', 'receive from the client', 'send from the server', 'receive from the server'],
        kind,
      );
      const connections = new Set(
        dataOf(events).flatMap(({pid, connection}) => (pid === pids[kind] ? [connection.id] : [])),
      );
      t.equal(connections.size, 2, `${kind}: two connections`);
    }
    t.strictSame(told('dies'), ['client abandoned '], 'dies');
    t.strictSame(told('execs'), ['client abandoned localhost', 'server abandoned localhost'], 'execs');
  },
);

t.test(
  'a thread that writes in plain to one socket and in TLS to another; addresses that are none',
  {skip: reason},
  async (t) => {
    const surroundings = await setUp(t);
    const {workshop, own, env} = surroundings;
    const {key, certificate} = await workshop.certificate();
    const server = await listen();
    t.teardown(() => server.close());
    const file = workshop.file('odd.py', program);
    const trace = async (kind: string) => {
      const before = ['openssl', 'sockets', '--lib', own, '--format', 'ndjson', '--'];
      const command = [
        'env',
        `LD_LIBRARY_PATH=${workshop.environment().LD_LIBRARY_PATH}`,
        '/usr/bin/python3',
        file,
        kind,
      ];
      const words = [...before, ...command, String(portOf(server as never)), certificate, key];
      const tracer = new Tracer(workshop.folder, words, env);
      t.equal(await tracer.ended(), 0, tracer.errors);
      t.equal(firstInvalid(tracer.events), undefined, 'every event is one of the schema');
      return tracer.events;
    };
    const events = await trace('plain');
    const sent = (event: TraceEvent) =>
      Buffer.from(event.type === 'socket' ? (event.payload ?? '') : '', 'base64').toString('latin1');
    const plain = events.filter((event): event is SocketEvent => sent(event).startsWith('plain '));
    t.equal(plain.length, 20);
    t.ok(
      plain.every(
        ({connection, remote}) => connection === undefined && remote === `127.0.0.1:${portOf(server as never)}`,
      ),
    );
    const secret = dataOf(events).filter(({direction}) => direction === 'send');
    t.strictSame(
      secret.map(({payload}) => Buffer.from(payload, 'base64').toString()),
      plain.map((event) => sent(event).replace('plain', 'secret')),
    );
    t.ok(
      secret.every(({connection}) => connection.remote === undefined),
      'no address of the plain socket is taken for theirs',
    );

    const connects = (await trace('addresses')).filter(
      (event): event is SocketEvent => event.type === 'socket' && event.syscall === 'connect',
    );
    t.strictSame(
      connects.map(({errno, remote}) => [errno, remote]),
      [
        ...Array(4).fill(['EINVAL', undefined]),
        ['EAFNOSUPPORT', undefined],
        ['EINVAL', undefined],
        ['ECONNREFUSED', '/'], // of one byte, and whole
      ],
    );
  },
);

/** A server that says nothing: `spokenTo` when somebody has. */
async function listen(): Promise<Server & {readonly spokenTo: Promise<void>}> {
  let hear: () => void = () => {};
  const spokenTo = new Promise<void>((resolve) => {
    hear = resolve;
  });
  const server = createServer((socket: Socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => hear());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(server, {spokenTo});
}

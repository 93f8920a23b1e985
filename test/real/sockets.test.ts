import {execFileSync} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import t from 'tap';
import type {SocketEvent} from '../../src/model.js';
import {cannotTrace, firstInvalid, summaryOf, Tracer} from './tracer.js';
import {Workshop} from './workshop.js';

/** One thread that makes every socket call, some in vain, over IPv4, IPv6 and Unix sockets, by streams and datagrams. */
const program = `
import os, socket, struct, sys
def quietly(call):
    try: return call()
    except OSError: pass
def talk(client, peer):
    client.send(b'one'); peer.recv(100)
    client.sendmsg([b'two ', b'buffers ', b'x' * 5000]); peer.recvmsg(4)
    peer.recvmsg_into([bytearray(8), bytearray(8000)])
    os.write(peer.fileno(), b'written'); os.read(client.fileno(), 100)
    os.writev(peer.fileno(), [b'a', b'bc']); os.readv(client.fileno(), [bytearray(1), bytearray(9)])
    client.setblocking(False)
    quietly(lambda: client.recv(10))
    client.shutdown(socket.SHUT_WR)
    quietly(lambda: client.send(b'no more'))
    peer.recv(10); peer.close(); client.close()
def stream(family, address):
    server = socket.socket(family)
    server.bind(address); server.listen(5)
    client = socket.socket(family)
    client.connect(server.getsockname())
    talk(client, server.accept()[0])
    later = socket.socket(family)
    later.setblocking(False)
    quietly(lambda: later.connect(server.getsockname()))
    peer = server.accept()[0]
    later.setblocking(True)
    talk(later, peer)
    gone = server.getsockname()
    server.close()
    refused = socket.socket(family)
    quietly(lambda: refused.connect(gone))
    refused.close()
stream(socket.AF_INET, ('127.0.0.1', 0))
stream(socket.AF_INET6, ('::1', 0))
stream(socket.AF_UNIX, sys.argv[1])
query = struct.pack('>6H', 0x1234, 0x100, 1, 0, 0, 0) + b'\\7example\\4test\\0' + struct.pack('>2H', 1, 1)
for family, host in ((socket.AF_INET, '127.0.0.1'), (socket.AF_INET6, '::1')):
    server = socket.socket(family, socket.SOCK_DGRAM)
    server.bind((host, 0))
    client = socket.socket(family, socket.SOCK_DGRAM)
    client.sendto(query, server.getsockname())
    asked, who = server.recvfrom(512)
    server.sendmsg([asked[:2], b'\\x81\\x83' + asked[4:]], [], 0, who)
    client.recvmsg(512)
    # A socket of its own: strace remembers of one that was bound what it was before connect.
    other = socket.socket(family, socket.SOCK_DGRAM)
    other.connect(server.getsockname())
    other.send(b'again'); server.recv(512)
    other.close(); client.close(); server.close()
`;

const calls =
  'socket,connect,accept,accept4,bind,listen,sendto,recvfrom,sendmsg,recvmsg,shutdown,close,read,write,readv,writev';

const reason = cannotTrace() || cannotRunStrace();

t.test('socket calls are those that strace sees of the same process', {skip: reason}, async (t) => {
  const workshop = new Workshop();
  t.teardown(() => workshop.close());
  const seen = join(workshop.folder, 'strace.txt');
  const unix = join(workshop.folder, 'calls.sock');
  const strace = ['strace', '-f', '-yy', '-s', '0', '-e', `trace=${calls}`, '-o', seen];
  const command = [...strace, '/usr/bin/python3', workshop.file('calls.py', program), unix];
  const tracer = new Tracer(workshop.folder, ['sockets', '--format', 'ndjson', '--', ...command]);
  t.equal(await tracer.ended(), 0, tracer.errors);
  t.equal(firstInvalid(tracer.events), undefined, 'every event is one of the schema');

  const lines = readFileSync(seen, 'utf8').split('\n').filter(isOfSocket);
  const expected = lines.map(readCall);
  const pid = expected[0]?.pid;
  const all = tracer.events.filter((event) => event.type === 'socket' && event.pid === pid) as SocketEvent[];
  const isEnd = ({detail}: SocketEvent) => detail?.startsWith('EINPROGRESS before') ?? false;
  const events = all.filter((event) => !isEnd(event));
  t.ok(expected.length > 100, `strace saw ${expected.length} calls`);
  t.strictSame(
    events.map(({syscall, fd, result, errno}) => [syscall, fd, result, errno]),
    expected.map(({syscall, fd, result, errno}) => [syscall, fd, result, errno]),
    'the same calls on the same descriptors, with the same results, in the same order',
  );
  const wrong = events.flatMap((event, index) => {
    const {local, remote} = expected[index] as Call;
    const isWrong = (local !== undefined && local !== event.local) || (remote !== undefined && remote !== event.remote);
    return isWrong ? [{line: lines[index], local: event.local, remote: event.remote}] : [];
  });
  t.strictSame(wrong, [], 'every address that strace shows');
  t.strictSame(invented(events, expected), [], 'and none that the descriptor does not have when it is shown next');

  const ends = all.filter(isEnd);
  const waiting = events.filter(({errno}) => errno === 'EINPROGRESS');
  t.strictSame(
    ends.map(({fd, result, local, remote}) => [fd, result, local, remote]),
    waiting.map(({fd, local, remote}) => [fd, 0, local, remote]),
    'a connect that does not wait is followed to its end',
  );
  t.ok(waiting.length >= 2, 'there were such');

  const payloads = (name: string) =>
    events
      .filter(({syscall}) => syscall === name)
      .map(({payload}) => Buffer.from(payload ?? '', 'base64').toString('latin1'));
  t.equal(
    payloads('sendto').filter((text) => text.includes('\x07example\x04test\0')).length,
    2,
    'a DNS query is readable',
  );
  t.equal(
    payloads('recvfrom').filter((text) => text.includes('\x07example\x04test\0')).length,
    2,
    'where it arrives too',
  );
  const gathered = events.find(({syscall}) => syscall === 'sendmsg');
  t.match(gathered, {length: 5012, captured: 4}, 'of several buffers the first is kept, and all is counted');
  const {sockets} = summaryOf(tracer.events);
  t.equal(sockets?.lostCalls, 0);
  t.equal(sockets?.bytes.lost, 0);
});

interface Call {
  readonly pid: number;
  readonly syscall: string;
  readonly fd: number | undefined;
  readonly result: number;
  readonly errno: string | undefined;
  readonly local?: string | undefined;
  readonly remote?: string | undefined;
}

/** With -yy, strace says of each descriptor what it is. */
function isOfSocket(line: string): boolean {
  return /^\d+ +(?:socket\(|\w+\(\d+<(?:TCP|UDP|UNIX|socket))/.test(line);
}

function readCall(line: string): Call {
  const match = /^(\d+) +(\w+)\((.*)\) += (-?\d+)(.*)$/.exec(line);
  const [, pid, syscall = '', given = '', result, outcome = ''] = match ?? [];
  const hasNewEnd = syscall.startsWith('accept');
  const ends = endsIn(hasNewEnd ? outcome : given);
  const named = sockaddrIn(given);
  const isRemote = /^(?:connect|send|recv)/.test(syscall);
  return {
    pid: Number(pid),
    syscall,
    fd: syscall === 'socket' ? undefined : Number.parseInt(given, 10),
    result: Number(result),
    errno: /^ (E\w+)/.exec(outcome)?.[1],
    local: ends.local ?? (syscall === 'bind' && !named?.endsWith(':0') ? named : undefined),
    remote: ends.remote ?? (isRemote ? named : undefined),
  };
}

/** Both ends in what stands behind a descriptor: `<TCP:[127.0.0.1:1->127.0.0.1:2]>`, or one: `<UDP:[127.0.0.1:1]>`. */
function endsIn(text: string): {local?: string | undefined; remote?: string | undefined} {
  const inside = /<(?:TCP|UDP)(?:v6)?:\[(.*?\d)\]>/.exec(text)?.[1] ?? '';
  const [local, remote] = inside.split('->');
  return local?.includes(':') ? {local, remote} : {};
}

function sockaddrIn(text: string): string | undefined {
  const port = /sin6?_port=htons\((\d+)\)/.exec(text)?.[1];
  const four = /sin_addr=inet_addr\("(.*?)"\)/.exec(text)?.[1];
  const six = /inet_pton\(AF_INET6, "(.*?)"/.exec(text)?.[1];
  if (four) return `${four}:${port}`;
  return six ? `[${six}]:${port}` : /sun_path="(.*?)"/.exec(text)?.[1];
}

/** Local addresses shown that strace does not show of the same descriptor either at its next call. */
function invented(events: readonly SocketEvent[], expected: readonly Call[]): readonly SocketEvent[] {
  return events.filter((event, index) => {
    if (event.local === undefined || expected[index]?.local !== undefined || event.family === 'AF_UNIX') return false;
    const next = expected.slice(index + 1).find(({fd}) => fd === event.fd);
    return next?.local !== event.local;
  });
}

function cannotRunStrace(): string | false {
  try {
    execFileSync('strace', ['-e', 'trace=socket', 'true'], {stdio: 'pipe'});
    return false;
  } catch {
    return 'strace cannot run here';
  }
}

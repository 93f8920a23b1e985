/** What stays in the maps of a script when very many connections have come and gone, and their processes were killed. */
import {execFileSync} from 'node:child_process';
import {once} from 'node:events';
import {readdirSync, readFileSync} from 'node:fs';
import {setTimeout as wait} from 'node:timers/promises';
import t from 'tap';
import {dialectOf} from '../../src/scripts/dialects.js';
import {bpftraceOf, setUp, watchRemains} from '../real/surroundings.js';
import {cannotTrace, summaryOf, Tracer} from '../real/tracer.js';
import {end} from '../real/workshop.js';

const reason = cannotTrace();
const processes = 200;
const connectionsEach = 500;

/** Opens connections whose peer answers with something else, frees them, and then waits in one whose peer says nothing. */
const opener = `
import ctypes, os, socket, sys
ssl = ctypes.CDLL(sys.argv[1])
for name in ('TLS_client_method', 'SSL_CTX_new', 'SSL_new'):
    getattr(ssl, name).restype = ctypes.c_void_p
context = ctypes.c_void_p(ssl.SSL_CTX_new(ctypes.c_void_p(ssl.TLS_client_method())))
def open_one(answer):
    ours, theirs = socket.socketpair()
    theirs.sendall(answer)
    session = ctypes.c_void_p(ssl.SSL_new(context))
    ssl.SSL_set_fd(session, ours.fileno())
    ssl.SSL_connect(session)
    ssl.SSL_free(session)
for _ in range(int(sys.argv[2])):
    open_one(b'This is no TLS record.')
print('waits', flush=True)
open_one(b'')
`;

t.test(
  '100,000 connections and 200 killed processes leave little behind, and never more',
  {skip: reason},
  async (t) => {
    const surroundings = await setUp(t);
    const {workshop, own, env} = surroundings;
    const program = workshop.file('opener.py', opener);
    const words = ['openssl', 'handshakes', '--lib', own, '--format', 'ndjson'];
    const tracer = await new Tracer(workshop.folder, words, env).ready();
    const leavesNothing = await watchRemains(t, surroundings, tracer);
    const bpftrace = await bpftraceOf(tracer);

    const openMany = async () => {
      const child = workshop.start(['/usr/bin/python3', program, own, String(connectionsEach)]);
      const [said] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
      t.match(said.toString(), /^waits/);
      await wait(30); // until it does
      await end(child, 'SIGKILL');
    };
    let left = processes;
    const takeTurns = async () => {
      while (left-- > 0) await openMany();
    };
    await Promise.all([takeTurns(), takeTurns()]);

    const keys = keysOf(bpftrace);
    t.comment(JSON.stringify(keys));
    const {canIterate} = dialectOf(execFileSync('bpftrace', ['--version'], {encoding: 'utf8'}));
    // One key is what maps without any have. Before bpftrace 0.22 no script can go through its keys: what processes never closed stays.
    const most = canIterate ? 1 : processes;
    for (const [map, count] of Object.entries(keys)) {
      t.ok(count <= (isOfConnections.test(map) ? most : 1), `${map} has ${count} keys`);
    }
    t.equal(await tracer.stop(), 0, tracer.errors);
    const {incomplete, handshakes} = summaryOf(tracer.events);
    t.equal(incomplete, false);
    t.comment(JSON.stringify(handshakes));
    await leavesNothing();
  },
);

/** A map with the connections of each process, as bpftrace names it for the kernel. */
const isOfConnections = /^AT_(?:connection|declared|session_at|socket|carri|moved)/;

/** The keys in each hash map (type 1, linux/bpf.h: BPF_MAP_TYPE_HASH) that a bpftrace has open, where there are any. */
function keysOf(pid: number): Readonly<Record<string, number>> {
  const maps = readdirSync(`/proc/${pid}/fdinfo`).flatMap((fd) => {
    const text = readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8');
    return /^map_type:\s+1$/m.test(text) ? [/^map_id:\s+(\d+)$/m.exec(text)?.[1] as string] : [];
  });
  const counts = [...new Set(maps)].map((id) => {
    const ask = (what: string) =>
      JSON.parse(execFileSync('bpftool', ['-j', 'map', what, 'id', id], {encoding: 'utf8', maxBuffer: 1e8}));
    return [`${ask('show').name} (${id})`, ask('dump').length] as const;
  });
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}

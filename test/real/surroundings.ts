/** What tests of faults share: a server and a traced library, the processes of a tracer, and what must not be left behind. */
import {type ChildProcess, execFileSync} from 'node:child_process';
import {mkdirSync, readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import type {Test} from 'tap';
import type {TraceEvent} from '../../src/model.js';
import {dialectOf} from '../../src/scripts/dialects.js';
import {descendantsOf} from '../../src/targets/index.js';
import {beside, portOf, startNginx, startSink, systemLibrary} from './programs.js';
import {dataOf, summaryOf, type Tracer} from './tracer.js';
import {isRunning, until, Workshop} from './workshop.js';

export interface Surroundings {
  readonly workshop: Workshop;
  /** The private libssl. */
  readonly own: string;
  readonly port: number;
  /** For tls-kit: a folder of its own for temporary files. */
  readonly env: Readonly<Record<string, string>>;
}

export async function setUp(t: Test): Promise<Surroundings> {
  const workshop = new Workshop();
  t.teardown(() => workshop.close());
  const libssl = await systemLibrary('libssl');
  const own = workshop.copyLibrary(libssl, beside(libssl));
  const sink = await startSink();
  t.teardown(() => sink.close());
  const temporary = join(workshop.folder, 'tmp');
  mkdirSync(temporary);
  return {workshop, own, port: await startNginx(workshop, portOf(sink)), env: {TMPDIR: temporary, NODE_OPTIONS: ''}};
}

/** Why the bpftrace at hand cannot do without the kernel's types, or false: see dialects.ts. */
export function needsTypes(): string | false {
  const {name} = dialectOf(execFileSync('bpftrace', ['--version'], {encoding: 'utf8'}));
  return name === '0.23' && 'this bpftrace refuses tracepoints without BTF';
}

/** Words that run a program where a folder of the kernel is hidden, in a mount namespace of its own. */
export const without = (folder: string) => {
  const script = 'mount -t tmpfs tmpfs "$0" && exec "$@"';
  return ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script, folder];
};

/** A Python program that has the library mapped, asks when it is told to, and then waits in a read that never returns. */
const asker = `
import socket, ssl, sys
context = ssl._create_unverified_context()
print('up', flush=True)
sys.stdin.readline()
peer = context.wrap_socket(socket.create_connection(('127.0.0.1', int(sys.argv[1]))))
peer.sendall(b'GET /%s HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n' % sys.argv[2].encode())
answer = b''
while not answer.endswith(b'that is all'):
    answer += peer.recv(65536)
print('asked', flush=True)
peer.recv(1)
`;
export const answer = 'that is all';

export interface Asker {
  readonly child: ChildProcess;
  /** Lets it ask, and waits until it has the answer. */
  ask(): Promise<void>;
}

/** @param before words before the program's */
export async function startAsker(
  {workshop, port}: Surroundings,
  name: string,
  before: readonly string[] = [],
): Promise<Asker> {
  workshop.file(`www/${name}`, answer);
  const words = ['/usr/bin/python3', '-c', asker, String(port), name];
  const child = workshop.start([...before, ...words], {stdin: 'pipe'});
  let output = '';
  let errors = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk;
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    errors += chunk;
  });
  const says = async (word: string) => {
    await until(() => output.includes(word) || child.exitCode !== null, `the asker to be ${word}`);
    if (!output.includes(word)) throw new Error(`the asker ended: ${errors}`);
  };
  await says('up');
  return {
    child,
    ask: () => {
      child.stdin?.write('ask\n');
      return says('asked');
    },
  };
}

export const nameOf = (pid: number) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim();

/** The pid of a tracer's bpftrace. */
export async function bpftraceOf(tracer: Tracer): Promise<number> {
  const descendants = await descendantsOf(tracer.child.pid as number);
  return descendants.find((pid) => nameOf(pid) === 'bpftrace') as number;
}

/** What a process sent, as text. */
export const sentBy = (events: readonly TraceEvent[], pid: number | undefined) =>
  dataOf(events)
    .filter((event) => event.pid === pid && event.direction === 'send')
    .map(({payload}) => Buffer.from(payload, 'base64').toString('latin1'))
    .join('');

/** The totals came, and every byte is accounted for. */
export function addsUp(t: Test, events: readonly TraceEvent[]): void {
  const {bytes, incomplete, malformedLines} = summaryOf(events);
  t.strictSame({incomplete, malformedLines}, {incomplete: false, malformedLines: 0});
  t.equal(bytes.seen, bytes.captured + (bytes.cut ?? 0) + (bytes.lost ?? 0));
  t.equal(bytes.lost, bytes.lostByGaps);
  t.equal(
    dataOf(events).reduce((sum, {captured}) => sum + captured, 0),
    bytes.captured,
  );
}

const mounts = () => readFileSync('/proc/self/mounts', 'utf8');

/** Takes note of what is there; the function that it gives checks that a tracer's processes, files and mounts are gone. */
export async function watchRemains(t: Test, {env}: Surroundings, tracer: Tracer): Promise<() => Promise<void>> {
  const mountedBefore = mounts();
  const processes = await descendantsOf(tracer.child.pid as number);
  t.ok(processes.length >= 2, 'a keeper and bpftrace are there');
  return async () => {
    await until(() => !processes.some(isRunning), 'the keeper and bpftrace to end', 60_000);
    t.strictSame(readdirSync(env.TMPDIR as string), [], 'no temporary file is left');
    t.equal(mounts(), mountedBefore, 'no mount is left');
  };
}

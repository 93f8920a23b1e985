/** The ladder of payloads, moved by real OpenSSL clients and servers under a trace: the same on every version of bpftrace and OpenSSL. */
import type {Test} from 'tap';
import type {TraceEvent} from '../../src/model.js';
import {
  beside,
  finish,
  portOf,
  runCurl,
  runPythonClient,
  startNginx,
  startOpensslServer,
  startPythonServer,
  startSink,
} from './programs.js';
import {dataOf, endsWith, firstInvalid, isExactly, type Stream, streamsOf, summaryOf, Tracer} from './tracer.js';
import {end, type Filling, ladder, payloadOf, until, type Workshop} from './workshop.js';

const fillings: readonly Filling[] = ['random', 'text'];

/** A payload that went over the wire, and the pid of the client that moved it. */
interface Transfer {
  readonly name: string;
  readonly pid: number;
  readonly bytes: Buffer;
}

/** Where the programs run, and what traces them. */
export interface Climb {
  readonly workshop: Workshop;
  /** The library that the programs get a private copy of. */
  readonly libssl: string;
  /** What Python's ssl module calls: the `_ex` forms since 3.10. */
  readonly pythonCalls: readonly [send: string, receive: string];
  /** Bytes kept of a call: what this bpftrace can. curl and Python send more in one. */
  readonly snaplen: number;
  /** The environment of tls-kit, to name another bpftrace. */
  readonly env?: Record<string, string>;
}

/** How many payloads were exact, of how many, and the events that carried them. */
export interface Climbed {
  readonly payloads: number;
  readonly exact: number;
  readonly events: number;
}

/** Every payload of the ladder, both ways, by curl, Python and s_client, to nginx, Python and s_server: nothing is lost or wrong. */
export async function climb(t: Test, {workshop, libssl, pythonCalls, snaplen, env}: Climb): Promise<Climbed> {
  const own = workshop.copyLibrary(libssl, beside(libssl));
  const payloads = ladder.flatMap((size) =>
    fillings.map((filling) => ({name: `${size}-${filling}`, bytes: payloadOf(size, filling)})),
  );
  for (const {name, bytes} of payloads) workshop.file(`www/${name}`, bytes);
  const sink = await startSink();
  t.teardown(() => sink.close());
  const nginx = await startNginx(workshop, portOf(sink));
  const python = await startPythonServer(workshop);
  const words = ['openssl', '--lib', own, '--format', 'ndjson', '--snaplen', String(snaplen)];
  const tracer = await new Tracer(workshop.folder, words, env).ready();

  const downloads: Transfer[] = [];
  const uploads: Transfer[] = [];
  const echoes: Transfer[] = [];
  const pipes: {up: Transfer; down: Transfer}[] = [];
  let moved = 0;
  /** Every transfer is seen at both its ends. After a large one, bpftrace gets the time to empty its rings. */
  const seen = async (bytes: number) => {
    moved += 2 * bytes;
    if (bytes > 50_000) await tracer.shows(moved);
  };
  for (const {name, bytes} of payloads) {
    const file = `${workshop.folder}/www/${name}`;
    const get = ['--output', `${workshop.folder}/got`, `https://127.0.0.1:${nginx}/${name}`];
    downloads.push({name, bytes, pid: await runCurl(workshop, get)});
    await seen(bytes.length);
    const put = ['--data-binary', `@${file}`, '--header', 'Expect:', `https://127.0.0.1:${nginx}/upload`];
    uploads.push({name, bytes, pid: await runCurl(workshop, put)});
    await seen(bytes.length);
    echoes.push({name, bytes, pid: await runPythonClient(workshop, python, file)});
    await seen(2 * bytes.length);
    if (bytes.length === 0) continue;
    pipes.push(await pipe(workshop, name, bytes));
    await seen(2 * bytes.length);
  }
  t.equal(await tracer.stop(), 0, tracer.errors);

  const {events} = tracer;
  t.equal(firstInvalid(events), undefined, 'every event is one of the schema');
  const {bytes: account} = summaryOf(events);
  t.equal(
    account.cut,
    dataOf(events).reduce((sum, {length, captured}) => sum + length - captured, 0),
  );
  t.equal(account.lost, 0);
  checkAccount(t, events);

  const streams = streamsOf(events);
  const results: boolean[] = [];
  const exact = (isExact: boolean, what: string) => results.push(t.ok(isExact, what));
  const of = (pid: number | undefined, direction: Stream['direction']) =>
    streams.filter((one) => (pid === undefined || one.pid === pid) && one.direction === direction);
  /** The one stream of a client. */
  const only = (pid: number, direction: Stream['direction']) => {
    const [stream, ...others] = of(pid, direction);
    return others.length === 0 ? stream : undefined;
  };
  const clients = new Set([...downloads, ...uploads].map(({pid}) => pid));
  /** A client of HTTP moved these bytes behind a head, and its server as much the other way. */
  const isSeenTwice = (stream: Stream | undefined, direction: Stream['direction'], bytes: Buffer) =>
    stream !== undefined &&
    endsWith(stream, bytes, snaplen) &&
    of(undefined, direction).some(
      (one) => !clients.has(one.pid) && one.length === stream.length && endsWith(one, bytes, snaplen),
    );

  for (const {name, pid, bytes} of downloads)
    exact(isSeenTwice(only(pid, 'receive'), 'send', bytes), `nginx sent and curl received ${name}`);
  for (const {name, pid, bytes} of uploads)
    exact(isSeenTwice(only(pid, 'send'), 'receive', bytes), `curl sent and nginx received ${name}`);
  for (const {name, pid, bytes} of echoes) {
    const wanted = Buffer.concat([lengthOf(bytes), bytes]);
    exact(isExactly(only(pid, 'send'), wanted, snaplen), `Python sent ${name}`);
    exact(isExactly(only(pid, 'receive'), wanted, snaplen), `Python received ${name}`);
    const calls = [...of(pid, 'send'), ...of(pid, 'receive')].flatMap(({functions}) => [...functions]);
    t.strictSame(calls, pythonCalls, 'by the calls of its ssl module');
  }
  for (const {up, down} of pipes) {
    exact(isExactly(only(up.pid, 'send'), up.bytes, snaplen), `s_client sent ${up.name}`);
    exact(isExactly(only(down.pid, 'receive'), up.bytes, snaplen), `s_server received ${up.name}`);
    exact(isExactly(only(down.pid, 'send'), down.bytes, snaplen), `s_server sent ${down.name}`);
    exact(isExactly(only(up.pid, 'receive'), down.bytes, snaplen), `s_client received ${down.name}`);
  }
  return {payloads: results.length, exact: results.filter(Boolean).length, events: dataOf(events).length};
}

/** A snap length cuts exactly what the events say, and 23 requests are 23. */
export async function cutShort(t: Test, {workshop, libssl, env}: Climb): Promise<void> {
  const own = workshop.copyLibrary(libssl, beside(libssl));
  const bytes = payloadOf(8200, 'random');
  workshop.file('www/page', bytes);
  const sink = await startSink();
  t.teardown(() => sink.close());
  const nginx = await startNginx(workshop, portOf(sink));
  const words = ['--lib', own, '--format', 'ndjson', '--snaplen', '512'];
  const tracer = await new Tracer(workshop.folder, words, env).ready();
  const urls = Array.from({length: 23}, () => ['--output', '/dev/null', `https://127.0.0.1:${nginx}/page`]).flat();
  const pid = await runCurl(workshop, urls);
  t.equal(await tracer.stop(), 0);

  const {events} = tracer;
  for (const event of dataOf(events)) {
    t.equal(event.captured, Math.min(event.length, 512));
    t.equal(Buffer.from(event.payload, 'base64').length, event.captured);
  }
  const requests = (one: Stream) => one.bytes.toString('latin1').split('GET /page ').length - 1;
  const streams = streamsOf(events);
  t.strictSame(streams.filter((one) => one.pid === pid && one.direction === 'send').map(requests), [23]);
  t.strictSame(streams.filter((one) => one.pid !== pid && one.direction === 'receive').map(requests), [23]);
  const {bytes: account} = summaryOf(events);
  const total = dataOf(events).reduce((sum, {length}) => sum + length, 0);
  t.equal(account.seen, total);
  t.equal(account.cut, total - account.captured);
  checkAccount(t, events);
}

/** seen = captured + cut + lost, lost measured twice is the same, and nothing else is amiss. */
function checkAccount(t: Test, events: readonly TraceEvent[]): void {
  const {bytes, incomplete, malformedLines, lostEvents} = summaryOf(events);
  t.strictSame({incomplete, malformedLines, lostEvents}, {incomplete: false, malformedLines: 0, lostEvents: 0});
  t.equal(bytes.seen, bytes.captured + (bytes.cut ?? 0) + (bytes.lost ?? 0));
  t.equal(bytes.lost, bytes.lostByGaps);
}

/** s_client and s_server send each other a payload and its reverse. */
async function pipe(workshop: Workshop, name: string, bytes: Buffer): Promise<{up: Transfer; down: Transfer}> {
  const back = Buffer.from(bytes).reverse();
  const {port, child: server} = await startOpensslServer(workshop);
  const client = workshop.start(['openssl', 's_client', '-quiet', '-connect', `127.0.0.1:${port}`], {stdin: 'pipe'});
  const clientEnded = finish(client).catch(() => undefined); // the server goes first, which s_client calls a failure
  let atServer = 0;
  let atClient = 0;
  server.stdout?.on('data', (chunk: Buffer) => {
    atServer += chunk.length;
  });
  client.stdout?.on('data', (chunk: Buffer) => {
    atClient += chunk.length;
  });
  client.stdin?.write(bytes);
  await until(() => atServer === bytes.length, `s_server to receive ${name}`);
  server.stdin?.write(back);
  await until(() => atClient === back.length, `s_client to receive ${name}`);
  await end(server, 'SIGTERM');
  client.stdin?.end();
  await clientEnded;
  return {
    up: {name, bytes, pid: client.pid as number},
    down: {name, bytes: back, pid: server.pid as number},
  };
}

function lengthOf(bytes: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(bytes.length);
  return head;
}

import {setTimeout as wait} from 'node:timers/promises';
import t, {type Test} from 'tap';
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
  systemLibrary,
} from './programs.js';
import {cannotTrace, dataOf, firstInvalid, isExactly, type Stream, streamsOf, summaryOf, Tracer} from './tracer.js';
import {end, type Filling, ladder, payloadOf, until, Workshop} from './workshop.js';

const reason = cannotTrace();
/** The largest of every dialect that is not the oldest. */
const snaplen = 65_536;
const fillings: readonly Filling[] = ['random', 'text'];

/** A payload that went over the wire, and the pid of the client that moved it. */
interface Transfer {
  readonly name: string;
  readonly pid: number;
  readonly bytes: Buffer;
}

t.test('every byte of the ladder is captured, by every client and server', {skip: reason}, async (t) => {
  const workshop = new Workshop();
  t.teardown(() => workshop.close());
  const libssl = await systemLibrary('libssl');
  const own = workshop.copyLibrary(libssl, beside(libssl));
  const payloads = ladder.flatMap((size) =>
    fillings.map((filling) => ({name: `${size}-${filling}`, bytes: payloadOf(size, filling)})),
  );
  for (const {name, bytes} of payloads) workshop.file(`www/${name}`, bytes);
  const sink = await startSink();
  t.teardown(() => sink.close());
  const nginx = await startNginx(workshop, portOf(sink));
  const python = await startPythonServer(workshop);
  const tracer = await new Tracer(workshop.folder, [
    'openssl',
    '--lib',
    own,
    '--format',
    'ndjson',
    '--snaplen',
    '65536',
  ]).ready();

  const downloads: Transfer[] = [];
  const uploads: Transfer[] = [];
  const echoes: Transfer[] = [];
  const pipes: {up: Transfer; down: Transfer}[] = [];
  for (const {name, bytes} of payloads) {
    // Several megabytes at once are more than the kernel's ring holds: bpftrace gets the time to empty it.
    const settle = () => (bytes.length > 100_000 ? wait(2000) : undefined);
    const file = `${workshop.folder}/www/${name}`;
    downloads.push({
      name,
      bytes,
      pid: await runCurl(workshop, ['--output', `${workshop.folder}/got`, `https://127.0.0.1:${nginx}/${name}`]),
    });
    await settle();
    uploads.push({
      name,
      bytes,
      pid: await runCurl(workshop, [
        '--data-binary',
        `@${file}`,
        '--header',
        'Expect:',
        `https://127.0.0.1:${nginx}/upload`,
      ]),
    });
    await settle();
    echoes.push({name, bytes, pid: await runPythonClient(workshop, python, file)});
    await settle();
    if (bytes.length > 0) pipes.push(await pipe(workshop, name, bytes));
    await settle();
  }
  t.equal(await tracer.stop(), 0, tracer.errors);

  const {events} = tracer;
  t.equal(firstInvalid(events), undefined, 'every event is one of the schema');
  const streams = streamsOf(events);
  const of = (pid: number, direction: Stream['direction']) =>
    streams.filter((one) => one.pid === pid && one.direction === direction);

  for (const {name, pid, bytes} of downloads) {
    const [got] = of(pid, 'receive') as [Stream];
    t.ok(endsWith(got.bytes, bytes), `curl received ${name}`);
    t.ok(
      streams.some((one) => one.comm === 'nginx' && one.direction === 'send' && one.bytes.equals(got.bytes)),
      `nginx sent ${name}`,
    );
  }
  for (const {name, pid, bytes} of uploads) {
    const [sent] = of(pid, 'send') as [Stream];
    t.ok(endsWith(sent.bytes, bytes), `curl sent ${name}`);
    t.ok(
      streams.some((one) => one.comm === 'nginx' && one.direction === 'receive' && one.bytes.equals(sent.bytes)),
      `nginx received ${name}`,
    );
  }
  for (const {name, pid, bytes} of echoes) {
    const wanted = Buffer.concat([lengthOf(bytes), bytes]);
    const [sent] = of(pid, 'send') as [Stream];
    const [got] = of(pid, 'receive') as [Stream];
    t.ok(isExactly(sent, wanted, snaplen), `Python sent ${name}`);
    t.ok(isExactly(got, wanted, snaplen), `Python received ${name}`);
    t.strictSame(
      [...sent.functions, ...got.functions],
      ['SSL_write_ex', 'SSL_read_ex'],
      'by the calls of its ssl module',
    );
  }
  for (const {up, down} of pipes) {
    t.ok(isExactly(of(up.pid, 'send')[0], up.bytes, snaplen), `s_client sent ${up.name}`);
    t.ok(isExactly(of(down.pid, 'receive')[0], up.bytes, snaplen), `s_server received ${up.name}`);
    t.ok(isExactly(of(down.pid, 'send')[0], down.bytes, snaplen), `s_server sent ${down.name}`);
    t.ok(isExactly(of(up.pid, 'receive')[0], down.bytes, snaplen), `s_client received ${down.name}`);
  }
  checkAccount(t, events);
  const cut = dataOf(events).reduce((sum, {length}) => sum + Math.max(0, length - snaplen), 0);
  t.equal(summaryOf(events).bytes.cut, cut, 'what was cut is what the calls say');
  t.equal(summaryOf(events).bytes.lost, 0);
});

t.test('a snap length cuts exactly what the events say, and 23 requests are 23', {skip: reason}, async (t) => {
  const workshop = new Workshop();
  t.teardown(() => workshop.close());
  const libssl = await systemLibrary('libssl');
  const own = workshop.copyLibrary(libssl, beside(libssl));
  const bytes = payloadOf(8200, 'random');
  workshop.file('www/page', bytes);
  const sink = await startSink();
  t.teardown(() => sink.close());
  const nginx = await startNginx(workshop, portOf(sink));
  const tracer = await new Tracer(workshop.folder, ['--lib', own, '--format', 'ndjson', '--snaplen', '512']).ready();
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
  t.strictSame(streams.filter((one) => one.comm === 'nginx' && one.direction === 'receive').map(requests), [23]);
  const {bytes: account} = summaryOf(events);
  const total = dataOf(events).reduce((sum, {length}) => sum + length, 0);
  t.equal(account.seen, total);
  t.equal(account.cut, total - account.captured);
  checkAccount(t, events);
});

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

function endsWith(all: Buffer, tail: Buffer): boolean {
  return all.subarray(all.length - tail.length).equals(tail);
}

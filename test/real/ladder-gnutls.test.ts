import {readFileSync} from 'node:fs';
import t from 'tap';
import {finish, portOf, startNginx, startPythonServer, startSink, systemLibrary} from './programs.js';
import {cannotTrace, dataOf, endsWith, firstInvalid, isExactly, streamsOf, summaryOf, Tracer} from './tracer.js';
import {type Filling, ladder, payloadOf, Workshop} from './workshop.js';

const reason = cannotTrace();
const fillings: readonly Filling[] = ['random', 'text'];
const snaplen = 65_536;

t.test('every byte of the ladder is captured, by gnutls-cli and wget', {skip: reason}, async (t) => {
  const workshop = new Workshop();
  t.teardown(() => workshop.close());
  const own = workshop.copyLibrary(await systemLibrary('libgnutls'));
  const sink = await startSink();
  t.teardown(() => sink.close());
  const nginx = await startNginx(workshop, portOf(sink));
  const echo = await startPythonServer(workshop);
  const words = ['gnutls', '--lib', own, '--format', 'ndjson', '--snaplen', String(snaplen), '--show', 'calls'];
  const tracer = await new Tracer(workshop.folder, words).ready();

  const payloads = ladder.flatMap((size) =>
    fillings.map((filling) => ({name: `${size}-${filling}`, bytes: payloadOf(size, filling)})),
  );
  let moved = 0;
  const seen = async (bytes: number) => {
    moved += bytes;
    if (bytes > 50_000) await tracer.shows(moved);
  };
  const wget = (...more: readonly string[]) =>
    finish(
      workshop.start([
        'wget',
        '--quiet',
        '--no-check-certificate',
        '--output-document',
        `${workshop.folder}/got`,
        ...more,
      ]),
    );
  const transfers: {name: string; bytes: Buffer; down: number; up: number; both: number}[] = [];
  for (const {name, bytes} of payloads) {
    const file = workshop.file(`www/${name}`, bytes);
    const down = await wget(`https://127.0.0.1:${nginx}/${name}`);
    t.ok(readFileSync(`${workshop.folder}/got`).equals(bytes), `wget got ${name}`);
    const up = await wget('--post-file', file, `https://127.0.0.1:${nginx}/upload`);
    await seen(2 * bytes.length);
    const head = Buffer.alloc(4);
    head.writeUInt32BE(bytes.length);
    const framed = workshop.file('framed', Buffer.concat([head, bytes]));
    const client = ['gnutls-cli', '--insecure', '--logfile', '/dev/null', '--port', String(echo), '127.0.0.1'];
    const both = await finish(workshop.start(['sh', '-c', 'exec "$@" <"$0"', framed, ...client]));
    await seen(2 * bytes.length);
    transfers.push({name, bytes: readFileSync(framed), down, up, both});
  }
  t.equal(await tracer.stop(), 0, tracer.errors);

  const {events} = tracer;
  t.equal(firstInvalid(events), undefined, 'every event is one of the schema');
  const {bytes: account, incomplete, malformedLines, lostEvents} = summaryOf(events);
  t.strictSame({incomplete, malformedLines, lostEvents}, {incomplete: false, malformedLines: 0, lostEvents: 0});
  t.equal(account.seen, account.captured + (account.cut ?? 0));
  t.equal(account.lostByGaps, 0);
  t.equal(
    dataOf(events).reduce((sum, {length, captured}) => sum + length - captured, 0),
    account.cut,
  );
  const streams = streamsOf(events);
  const only = (pid: number, direction: 'send' | 'receive') => {
    const [stream, ...others] = streams.filter((one) => one.pid === pid && one.direction === direction);
    return others.length === 0 ? stream : undefined;
  };
  for (const {name, bytes, down, up, both} of transfers) {
    const payload = bytes.subarray(4);
    const received = only(down, 'receive');
    t.ok(received && endsWith(received, payload, snaplen), `wget received ${name}`);
    const sent = only(up, 'send');
    t.ok(sent && endsWith(sent, payload, snaplen), `wget sent ${name}`);
    t.ok(isExactly(only(both, 'send'), bytes, snaplen), `gnutls-cli sent ${name}`);
    t.ok(isExactly(only(both, 'receive'), bytes, snaplen), `gnutls-cli received ${name}`);
  }
  const called = new Set(dataOf(events).map((event) => event.function));
  t.ok(called.has('gnutls_record_send') || called.has('gnutls_record_send2'), [...called].join());
  t.ok(called.has('gnutls_record_recv'));
});

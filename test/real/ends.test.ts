import {once} from 'node:events';
import {existsSync, readFileSync, statSync} from 'node:fs';
import {join} from 'node:path';
import t from 'tap';
import {descendantsOf} from '../../src/targets/index.js';
import {startSender} from './senders.js';
import {flagsOf, setUp, textOf} from './trace-setting.js';
import {cannotTrace, cli, dataOf, summaryOf, Tracer} from './tracer.js';
import {freePort, listening, payloadOf, until} from './workshop.js';

const reason = cannotTrace();

t.test('--duration ends a trace by itself', {skip: reason}, async (t) => {
  const setting = await setUp(t);
  const tracer = await new Tracer(setting.workshop.folder, flagsOf(setting, '--duration', '8s')).ready();
  const startedAt = Date.now();
  const pid = await setting.get(1);
  t.equal(await tracer.ended(), 0, tracer.errors);
  const took = Date.now() - startedAt;
  t.ok(took > 6000 && took < 60_000, `after ${took} ms`);
  t.match(textOf(pid, tracer.output), /^GET \/page /);
  t.equal(summaryOf(tracer.events).incomplete, false);
});

t.test('--max-events shows so many calls and ends', {skip: reason}, async (t) => {
  const setting = await setUp(t);
  const tracer = await new Tracer(setting.workshop.folder, flagsOf(setting, '--max-events', '7')).ready();
  await setting.get(20);
  t.equal(await tracer.ended(), 0, tracer.errors);
  t.equal(dataOf(tracer.events).length, 7);
  t.equal(summaryOf(tracer.events).type, 'summary');
});

t.test('a load above --max-overhead ends a trace, with all that came before', {skip: reason}, async (t) => {
  const setting = await setUp(t);
  const sender = await startSender(setting.workshop, 0, 1e9);
  const tracer = await new Tracer(setting.workshop.folder, flagsOf(setting, '--max-overhead', '5')).ready();
  sender.begin();
  t.equal(await tracer.ended(), 0, tracer.errors);
  sender.halt();
  await sender.moved;
  t.match(tracer.errors, /The probes take \d+ % of a processor .* more than --max-overhead 5: stopped/);
  t.match(
    tracer.events.find(({type}) => type === 'warning'),
    {code: 'overhead', message: /more than --max-overhead 5/},
  );
  t.equal(summaryOf(tracer.events).incomplete, false);
});

t.test('the ready file is for its owner, and is never one that was there', {skip: reason}, async (t) => {
  const setting = await setUp(t);
  const ready = join(setting.workshop.folder, 'ready');
  const words = flagsOf(setting, '--ready-file', ready);
  const start = () => {
    const child = setting.workshop.start([process.execPath, cli, 'trace', ...words]);
    child.stdout?.resume();
    return child;
  };
  const first = start();
  first.stderr?.resume();
  await until(() => existsSync(ready), 'the ready file');
  t.equal(statSync(ready).mode & 0o777, 0o600);
  first.kill('SIGINT');
  t.equal((await once(first, 'close'))[0], 0);
  const second = start();
  const errors: Buffer[] = [];
  second.stderr?.on('data', (chunk: Buffer) => errors.push(chunk));
  t.equal((await once(second, 'close'))[0], 1);
  t.match(Buffer.concat(errors).toString(), ready);
});

t.test('--fail-on nothing fails where nothing was captured, and only there', {skip: reason}, async (t) => {
  const setting = await setUp(t);
  const flags = flagsOf(setting, '--fail-on', 'lost,nothing');
  const idle = await new Tracer(setting.workshop.folder, flags).ready();
  t.equal(await idle.stop(), 6);
  const busy = await new Tracer(setting.workshop.folder, flags).ready();
  await setting.get(1);
  t.equal(await busy.stop(), 0, busy.errors);
});

t.test('--fail-on failed and old-tls fail for such handshakes, and only for these', {skip: reason}, async (t) => {
  const setting = await setUp(t);
  const {workshop, url} = setting;
  const {key, certificate} = await workshop.certificate();
  const port = await freePort();
  const oldest = ['-tls1_1', '-cipher', 'ALL:@SECLEVEL=0'];
  const server = ['openssl', 's_server', '-accept', `127.0.0.1:${port}`, '-cert', certificate, '-key', key, '-www'];
  workshop.start([...server, ...oldest], {env: {OPENSSL_CONF: '/dev/null'}});
  await listening(port);
  const curl = ['curl', '--silent', '--output', '/dev/null'];
  const toOld = [
    ...curl,
    '--insecure',
    '--tls-max',
    '1.1',
    '--ciphers',
    'ALL:@SECLEVEL=0',
    `https://127.0.0.1:${port}/`,
  ];
  const rows = [
    {failOn: 'failed,old-tls', command: [...curl, '--insecure', `${url}/page`], status: 0},
    {failOn: 'failed', command: [...curl, `${url}/page`], status: 6},
    {failOn: 'old-tls', command: toOld, status: 6},
    {failOn: 'failed', command: toOld, status: 0},
  ];
  await Promise.all(
    rows.map(async ({failOn, command, status}) => {
      const words = flagsOf(setting, '--fail-on', failOn, '--', ...command);
      const tracer = new Tracer(workshop.folder, words, {...workshop.environment(), OPENSSL_CONF: '/dev/null'});
      t.equal(await tracer.ended(), status, `${failOn}: ${tracer.errors}`);
    }),
  );
});

t.test('--side shows the connections of one side', {skip: reason}, async (t) => {
  const setting = await setUp(t);
  const tracers = await Promise.all(
    ['client', 'server'].map((side) => new Tracer(setting.workshop.folder, flagsOf(setting, '--side', side)).ready()),
  );
  const client = await setting.get(2);
  for (const tracer of tracers) t.equal(await tracer.stop(), 0, tracer.errors);
  const [ofClient = [], ofServer = []] = tracers.map(({events}) => dataOf(events).map(({pid}) => pid));
  t.ok(ofClient.length >= 4 && ofClient.every((pid) => pid === client), `the client's: ${ofClient}`);
  t.ok(ofServer.length >= 4 && ofServer.every((pid) => pid !== client), `the server's: ${ofServer}`);
});

t.test('--fail-on lost fails when bpftrace could not keep up', {skip: reason}, async (t) => {
  const setting = await setUp(t);
  setting.workshop.file('www/large', payloadOf(1_048_576, 'random'));
  const tracer = await new Tracer(setting.workshop.folder, flagsOf(setting, '--fail-on', 'lost')).ready();
  const descendants = await descendantsOf(tracer.child.pid as number);
  const bpftrace = descendants.find((pid) => nameOf(pid) === 'bpftrace') as number;
  process.kill(bpftrace, 'SIGSTOP');
  await setting.get(24, 'large'); // more than the rings of two processors hold
  process.kill(bpftrace, 'SIGCONT');
  t.equal(await tracer.stop(), 6, tracer.errors);
  const {bytes, incomplete} = summaryOf(tracer.events);
  t.equal(incomplete, false);
  t.ok((bytes.lost ?? 0) > 0);
  t.equal(bytes.seen, bytes.captured + (bytes.cut ?? 0) + (bytes.lost ?? 0));
  // Absent where the record of a connection's end was lost as well.
  t.ok(bytes.lostByGaps === undefined || bytes.lostByGaps === bytes.lost, `by gaps ${bytes.lostByGaps}`);
});

const nameOf = (pid: number) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim();

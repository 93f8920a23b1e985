import {copyFileSync} from 'node:fs';
import {join} from 'node:path';
import t from 'tap';
import type {HandshakeEvent} from '../../src/model.js';
import {beside, systemLibrary} from './programs.js';
import {type Said, Talker} from './talkers.js';
import {cannotTrace, dataOf, firstInvalid, Tracer} from './tracer.js';
import {freePort, Workshop} from './workshop.js';

const reason = cannotTrace();
/** Connections that each client makes one after the other: descriptors and SSL objects are used again. */
const again = 40;

t.test('an address shown is the one that the program itself reports', {skip: reason}, async (t) => {
  const workshop = new Workshop();
  t.teardown(() => workshop.close());
  const libssl = await systemLibrary('libssl');
  const own = workshop.copyLibrary(libssl, beside(libssl));
  const node = join(workshop.folder, 'node');
  copyFileSync(process.execPath, node);
  const {key, certificate} = await workshop.certificate();
  const ports = await Promise.all(Array.from({length: 4}, () => freePort()));
  const unix = join(workshop.folder, 'tls.sock');
  const rows = [
    {name: 'Python, blocking', server: 'blockingServer', client: 'blockingClient', where: `127.0.0.1:${ports[0]}`},
    {name: 'Python, blocking, IPv6', server: 'blockingServer', client: 'blockingClient', where: `::1:${ports[1]}`},
    {name: 'Python, blocking, Unix', server: 'blockingServer', client: 'blockingClient', where: unix},
    {name: 'Python, asyncio', server: 'asyncioServer', client: 'asyncioClient', where: `127.0.0.1:${ports[2]}`},
    {name: 'Node.js', server: 'nodeServer', client: 'nodeClient', where: `127.0.0.1:${ports[3]}`},
  ] as const;

  const servers = rows.map(({server, where}) => new Talker(workshop, server, [where, certificate, key], node));
  await Promise.all(servers.map((one) => one.heard('ready')));
  const clients = rows.map(
    ({client, where}, index) => new Talker(workshop, client, [where, `row${index}`, String(again)], node),
  );
  await Promise.all(clients.map((one) => one.heard('ready')));
  // Two connections of each client are there before the tracer is, on one thread; the others come after it.
  const words = ['openssl', 'handshakes', '--lib', own, '--lib', node, '--format', 'ndjson'];
  const tracer = await new Tracer(workshop.folder, words).ready();
  for (const client of clients) {
    client.go();
    await client.heard('done');
  }
  t.equal(await tracer.stop(), 0, tracer.errors);

  const {events} = tracer;
  t.equal(firstInvalid(events), undefined, 'every event is one of the schema');
  const said = new Map<string, Said>(
    [...servers, ...clients].flatMap((one) => one.said).map((each) => [keyOf(each), each]),
  );
  for (const [index, {name, where}] of rows.entries()) {
    const tagged = dataOf(events).flatMap((event) => {
      const tag = Buffer.from(event.payload, 'base64').toString('latin1').trim();
      const truth = said.get(keyOf({pid: event.pid, tag}));
      return truth && tag.startsWith(`row${index}-`) ? [{event, truth}] : [];
    });
    // A server's two first reads were under way when the probes came. Node.js waits in no call; it writes in callbacks of SSL_read.
    const expected = 4 * (2 * 3 + again) - (name === 'Node.js' ? 0 : 2);
    t.ok(tagged.length >= expected, `${name}: both programs' calls were seen`);
    const wrong = tagged.filter(({event: {connection}, truth}) => {
      const {local, remote, attribution} = connection;
      if (local === undefined && remote === undefined) return false;
      return local !== truth.local || remote !== truth.remote || attribution === undefined;
    });
    t.strictSame(
      wrong.map(({event, truth}) => [event.connection, truth]),
      [],
      `${name}: none is wrong`,
    );
    const unknown = tagged.filter(({event}) => event.connection.remote === undefined);
    const absent = unknown.length;
    const kinds = [...new Set(tagged.map(({event}) => event.connection.attribution ?? 'absent'))].sort();
    t.comment(`${name}: ${kinds.join(', ')}; ${((100 * absent) / tagged.length).toFixed(1)} % without an address`);
    if (where.startsWith('/')) continue;
    if (name.startsWith('Python, blocking')) t.equal(absent, 0, `${name}: each is known`);
    // With memory BIOs the first record sent tells: of the connections made before, that may come after what they receive.
    const late = unknown.filter(({truth}) => truth.tag.includes('-late'));
    t.equal(late.length, 0, `${name}: each connection made later is known`);
    t.ok(absent <= 8, `${name}: so is each earlier one once it has sent`);
  }

  for (const [index, {name}] of rows.entries()) {
    for (const [side, {child}] of [
      ['client', clients[index] as Talker],
      ['server', servers[index] as Talker],
    ] as const) {
      const seen = events.filter(
        (event): event is HandshakeEvent => event.type === 'handshake' && event.pid === child.pid,
      );
      t.equal(seen.length, again, `${name}: each later handshake of the ${side} is told`);
      const told = seen.map(({result, role, version, cipher, resumed}) => ({result, role, version, cipher, resumed}));
      const best = {result: 'ok', role: side, version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', resumed: false};
      t.strictSame(told, Array(again).fill(best), `${name}: and each is right on the ${side}'s side`);
    }
  }
});

const keyOf = ({pid, tag}: Pick<Said, 'pid' | 'tag'>) => `${pid} ${tag}`;

import {copyFileSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import t, {type Test} from 'tap';
import type {DataEvent, HandshakeEvent, TraceEvent} from '../../src/model.js';
import {beside, systemLibrary} from './programs.js';
import {needsTypes, without} from './surroundings.js';
import {type Said, Talker} from './talkers.js';
import {cannotTrace, dataOf, firstInvalid, Tracer} from './tracer.js';
import {freePort, Workshop} from './workshop.js';

/**
 * Each address that is shown against what the program itself reports of its socket. How many are known is recorded in
 * docs/attribution.md: `npm run attribution` writes it anew, and here it must be equal.
 */
const page = join(import.meta.dirname, '..', '..', 'docs', 'attribution.md');
const reason = cannotTrace();
/** Connections that each client makes one after the other: descriptors and SSL objects are used again. */
const again = 40;

const kernels = [
  {title: 'with BTF', via: [], skip: reason},
  {title: 'without', via: without('/sys/kernel/btf'), skip: reason || needsTypes()},
] as const;

const programs = [
  {name: 'Python, blocking', server: 'blockingServer', client: 'blockingClient', host: '127.0.0.1'},
  {name: 'Python, blocking, IPv6', server: 'blockingServer', client: 'blockingClient', host: '::1'},
  {name: 'Python, blocking, Unix socket', server: 'blockingServer', client: 'blockingClient', host: undefined},
  {name: 'Python, asyncio', server: 'asyncioServer', client: 'asyncioClient', host: '127.0.0.1'},
  {name: 'Node.js', server: 'nodeServer', client: 'nodeClient', host: '127.0.0.1'},
] as const;

type Program = (typeof programs)[number];

/** A pair of programs that talk, and what the trace showed of them. */
interface Talk {
  readonly program: Program;
  readonly server: Talker;
  readonly client: Talker;
}

/** A call whose payload says which connection it is of, and what its program says of that. */
interface Tagged {
  readonly event: DataEvent;
  readonly truth: Said;
}

const about = `# How often an address is known

Made by test/real/attribution.test.ts; \`npm run attribution\` writes it anew. Programs connect to each other on the loopback
network, twice before tls-kit comes and ${again} times after it, with descriptors and sessions used again. Each call that they make is
compared with what the program itself says of its socket: a wrong address fails the test. Counted are the calls whose
other end is known, of the client and of the server: those of connections made before tls-kit came, and after. Without BTF
this end is never known.
What the words mean, and why some stay unknown: [connections.md](connections.md).

| program | kernel | known by | client, before | server, before | client, after | server, after |
| --- | --- | --- | --- | --- | --- | --- |
`;

const lines: string[] = [];

for (const {title, via, skip} of kernels) {
  t.test(`an address shown is the one that the program itself reports: ${title}`, {skip}, async (t) => {
    const {events, talks} = await traceTalks(t, via);
    for (const talk of talks) {
      const {name} = talk.program;
      const tagged = taggedBy(talk, events);
      // A server's two first reads were under way when the probes came. Node.js waits in no call; it writes in callbacks of SSL_read.
      const expected = 4 * (2 * 3 + again) - (name === 'Node.js' ? 0 : 2);
      t.ok(tagged.length >= expected, `${name}: both programs' calls were seen`);
      const wrong = tagged.filter(isWrong).map(({event, truth}) => [event.connection, truth]);
      t.strictSame(wrong, [], `${name}: none is wrong`);
      lines.push(lineOf(talk, title, tagged));
      checkHandshakes(t, talk, events);
    }
  });
}

t.test('how many are known is as docs/attribution.md says', {skip: reason || needsTypes()}, async (t) => {
  const text = `${about}${lines.join('\n')}\n`;
  if (process.env.TLS_KIT_GOLDEN) writeFileSync(page, text);
  t.equal(text, readFileSync(page, 'utf8'));
});

/** Lets every program talk under one trace: two connections of each are there before the tracer is, the others come after it. */
async function traceTalks(t: Test, via: readonly string[]): Promise<{events: TraceEvent[]; talks: Talk[]}> {
  const workshop = new Workshop();
  t.teardown(() => workshop.close());
  const libssl = await systemLibrary('libssl');
  const own = workshop.copyLibrary(libssl, beside(libssl));
  const node = join(workshop.folder, 'node');
  copyFileSync(process.execPath, node);
  const {key, certificate} = await workshop.certificate();
  const talks: Talk[] = [];
  for (const [index, program] of programs.entries()) {
    const {host} = program;
    const where = host === undefined ? join(workshop.folder, 'tls.sock') : `${host}:${await freePort()}`;
    const server = new Talker(workshop, program.server, [where, certificate, key], {node});
    await server.heard('ready');
    const client = new Talker(workshop, program.client, [where, `row${index}`, String(again)], {node});
    await client.heard('ready');
    talks.push({program, server, client});
  }
  const words = ['openssl', 'handshakes', '--lib', own, '--lib', node, '--format', 'ndjson'];
  const tracer = await new Tracer(workshop.folder, words, {}, via).ready();
  for (const {client} of talks) {
    client.go();
    await client.heard('done');
  }
  t.equal(await tracer.stop(), 0, tracer.errors);
  t.equal(firstInvalid(tracer.events), undefined, 'every event is one of the schema');
  return {events: tracer.events, talks};
}

function taggedBy({program, server, client}: Talk, events: readonly TraceEvent[]): Tagged[] {
  const row = `row${programs.indexOf(program)}-`;
  const said = new Map([...server.said, ...client.said].map((each) => [keyOf(each), each]));
  return dataOf(events).flatMap((event) => {
    const tag = Buffer.from(event.payload, 'base64').toString('latin1').trim();
    const truth = said.get(keyOf({pid: event.pid, tag}));
    return truth && tag.startsWith(row) ? [{event, truth}] : [];
  });
}

const keyOf = ({pid, tag}: Pick<Said, 'pid' | 'tag'>) => `${pid} ${tag}`;

/** An address is absent, or the program's, with how that is known. */
function isWrong({event: {connection}, truth}: Tagged): boolean {
  const {local = truth.local, remote = truth.remote, attribution} = connection;
  const isTold = connection.local !== undefined || connection.remote !== undefined;
  return local !== truth.local || remote !== truth.remote || (isTold && attribution === undefined);
}

/** A Unix socket has no address: there, it is the descriptor that is known or not. */
function lineOf({program, server, client}: Talk, kernel: string, tagged: readonly Tagged[]): string {
  const isKnown = ({event: {connection}}: Tagged) =>
    (program.host === undefined ? connection.fd : connection.remote) !== undefined;
  const share = ({child}: Talker, when: string) => {
    const calls = tagged.filter(({event, truth}) => event.pid === child.pid && truth.tag.includes(when));
    return `${calls.filter(isKnown).length} of ${calls.length}`;
  };
  const kinds = [...new Set(tagged.flatMap(({event}) => event.connection.attribution ?? []))].sort();
  const shares = ['-early', '-late'].flatMap((when) => [share(client, when), share(server, when)]);
  return `| ${[program.name, kernel, kinds.map((kind) => `\`${kind}\``).join(', '), ...shares].join(' | ')} |`;
}

function checkHandshakes(t: Test, {program, server, client}: Talk, events: readonly TraceEvent[]): void {
  const best = {result: 'ok', version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', resumed: false};
  for (const [side, {child}] of Object.entries({client, server})) {
    const seen = events.filter(
      (event): event is HandshakeEvent => event.type === 'handshake' && event.pid === child.pid,
    );
    t.equal(seen.length, again, `${program.name}: each later handshake of the ${side} is told`);
    const told = seen.map(({result, role, version, cipher, resumed}) => ({result, role, version, cipher, resumed}));
    t.strictSame(
      told,
      Array(again).fill({...best, role: side}),
      `${program.name}: and each is right on the ${side}'s side`,
    );
  }
}

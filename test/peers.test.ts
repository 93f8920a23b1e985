import fc from 'fast-check';
import t from 'tap';
import type {PeerWords, TraceEvent} from '../src/model.js';
import {inetText} from '../src/parsers/addresses.js';
import {createPeerTest, peerWords} from '../src/peers.js';

const to = (remote?: string) =>
  ({
    type: 'connection',
    event: 'open',
    time: '',
    pid: 1,
    connection: {id: '1.1', ...(remote !== undefined && {remote})},
  }) as TraceEvent;

for (const [peer, yes, no] of [
  ['127.0.0.1', ['127.0.0.1:1', '[::ffff:127.0.0.1]:1'], ['127.0.0.2:1', '[::1]:1', '/run/a.sock', undefined]],
  ['10.0.0.0/8', ['10.255.0.1:443'], ['11.0.0.1:443']],
  ['10.0.0.0/8:443', ['10.1.2.3:443'], ['10.1.2.3:444', '11.0.0.1:443']],
  ['::1', ['[::1]:5'], ['[::2]:5', '127.0.0.1:5']],
  ['2001:db8::/32', ['[2001:db8:1::5]:443'], ['[2001:db9::5]:443']],
  ['[2001:db8::/32]:443', ['[2001:db8:1::5]:443'], ['[2001:db8:1::5]:80']],
  ['[::1]:443', ['[::1]:443'], ['[::1]:444']],
  [':443', ['10.0.0.1:443', '[::1]:443'], ['10.0.0.1:4433', undefined]],
] as const) {
  t.test(`the peer ${peer}`, async (t) => {
    const test = createPeerTest([peer]);
    for (const remote of yes) t.ok(test(to(remote)), `is ${remote}`);
    for (const remote of no) t.notOk(test(to(remote)), `is not ${remote}`);
  });
}

t.test('one of several is enough, and what has no connection passes', async (t) => {
  const test = createPeerTest(['10.0.0.1', ':80']);
  t.ok(test(to('10.0.0.1:443')));
  t.ok(test(to('10.0.0.2:80')));
  t.notOk(test(to('10.0.0.2:443')));
  t.ok(test({type: 'warning', code: 'a', message: 'b'}));
});

for (const text of [
  '',
  'localhost',
  '10.0.0.1/33',
  '10.0.0',
  ':0',
  ':65536',
  '[::1',
  '::1/129',
  '10.0.0.1:443:1',
  '1.2.3.4/',
]) {
  t.test(`${JSON.stringify(text)} is no peer`, async (t) => t.throws(() => createPeerTest([text]), {code: 'USAGE'}));
}

/** As a script compares them: templates/partials/nested.hbs. */
function passes({family, mask, address, port}: PeerWords, bytes: Buffer, remotePort: number): boolean {
  const whole = Buffer.concat([bytes, Buffer.alloc(16 - bytes.length)]);
  const words = [whole.readBigUInt64LE(0), whole.readBigUInt64LE(8)] as const;
  const isFamily = family === (bytes.length === 4 ? 2 : 10);
  return (
    isFamily &&
    (words[0] & mask[0]) === address[0] &&
    (words[1] & mask[1]) === address[1] &&
    (port === undefined || port === remotePort)
  );
}

t.test('a script and the events agree on who is a peer', async (t) => {
  // Few values a byte, so that they meet.
  const byte = fc.constantFrom(0, 1, 0x0a, 0xff);
  const four = fc.array(byte, {minLength: 4, maxLength: 4}).map((bytes) => Buffer.from(bytes));
  const sixteen = fc.array(byte, {minLength: 16, maxLength: 16}).map((bytes) => Buffer.from(bytes));
  const mapped = four.map((bytes) => Buffer.concat([Buffer.from('00000000000000000000ffff', 'hex'), bytes]));
  const addresses = fc.oneof(four, mapped, sixteen);
  const ports = fc.constantFrom(443, 8443);
  const text = (bytes: Buffer) => /^\[?(.+?)\]?:\d+$/.exec(inetText(bytes, 1))?.[1] as string;
  const network = fc
    .tuple(fc.oneof(four, sixteen), fc.integer({min: 0, max: 128}))
    .map(([bytes, bits]) => `${text(bytes)}/${Math.min(bits, 8 * bytes.length)}`);
  const peer = fc.oneof(
    network,
    fc.tuple(network, ports).map(([one, port]) => (one.includes(':') ? `[${one}]:${port}` : `${one}:${port}`)),
    ports.map((port) => `:${port}`),
  );
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(fc.array(peer, {minLength: 1, maxLength: 3}), addresses, ports, (peers, bytes, port) => {
        const inKernel = peerWords(peers).some((words) => passes(words, bytes, port));
        return inKernel === createPeerTest(peers)(to(inetText(bytes, port)));
      }),
      {numRuns: 2000},
    ),
  );
});

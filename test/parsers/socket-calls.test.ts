import fc from 'fast-check';
import t from 'tap';
import {readRecord} from '../../src/parsers/read-record.js';
import {eventsOf, Kernel, only} from './support/kernel.js';
import {validate} from './support/validate.js';

const hex = (value: number | bigint) => value.toString(16);
const spaced = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
const halves = (upper: number, lower: number) => hex((BigInt(upper) << 32n) | BigInt(lower >>> 0));
/** As the kernel's memory holds eight bytes. */
const word = (bytes: Uint8Array) => hex(Buffer.from(bytes).readBigUInt64LE(0));
const swapped = (port: number) => ((port & 0xff) << 8) | (port >>> 8);

/** 127.0.0.1:40256 to 127.0.0.1:8443 over TCP, at descriptor 5 of process 7. */
const told = `T|5|7|5|${hex(0xabc)}|200010006|${halves(0, (40256 << 16) | swapped(8443))}|100007f0100007f|0|0|0|0`;

t.test('reads each record of socket calls', (t) => {
  t.same(readRecord(told), {
    kind: 'socket',
    time: 5n,
    pid: 7,
    fd: 5,
    mark: 'abc',
    socket: {family: 2, type: 1, protocol: 6, local: '127.0.0.1:40256', remote: '127.0.0.1:8443'},
  });
  t.same(readRecord('I|5|700000008|55ef|3'), {
    kind: 'inside',
    time: 5n,
    pid: 7,
    tid: 8,
    session: '55ef',
    since: '3',
  });
  t.same(readRecord('U|5|700000008|5|2f 61 2e 73 00'), {kind: 'name', time: 5n, pid: 7, tid: 8, name: '/a.s'});
  t.match(readRecord('U|5|700000008|3|00 61 62'), {name: '@ab'}, 'an abstract name');
  t.match(readRecord('Q|5|6|700000008|38900000005|3|abc|2|0|0|0|2|61 62'), {
    kind: 'syscall',
    time: 5n,
    thread: '8',
    clock: '5',
    latencyNs: 6,
    pid: 7,
    tid: 8,
    functionId: 905,
    fd: 5,
    result: 3,
    mark: 'abc',
    detail: [0, 0],
    carried: 2,
    payload: Buffer.from('ab'),
  });
  t.match(readRecord('Q|5|6|700000008|386ffffffff|ffffffffffffff91|0|0|0|0|0|0|'), {fd: -1, result: -111});
  t.same(readRecord('J|5|6|700000008|5|abc|70000006f'), {
    kind: 'connect-end',
    time: 5n,
    latencyNs: 6,
    pid: 7,
    tid: 8,
    fd: 5,
    mark: 'abc',
    isConnected: false,
    error: 111,
  });
  t.match(readRecord('J|5|6|700000008|5|abc|100000000'), {isConnected: true, error: 0});
  t.end();
});

t.test('refuses what is not exactly a record of a socket call', (t) => {
  for (const line of [
    `${told}|`,
    told.slice(0, -2),
    told.replace('|7|', '|07|'),
    'I|5|700000008|55ef',
    'I|5|700000008|55ef|3|',
    'U|5|700000008|5|2f 6',
    'U|5|700000008|2f',
    'Q|5|6|700000008|38900000005|3|abc|2|0|0|0|2|61 62 63',
    'Q|5|6|700000008|38900000005|1|abc|2|0|0|0|2|61 62',
    'Q|5|6|700000008|38900000005|ffffffffffffff91|abc|2|0|0|0|1|61',
    'Q|5|6|700000008|6500000005|3|abc|2|0|0|0|2|61 62',
    'J|5|6|700000008|5|abc',
  ]) {
    t.equal(readRecord(line), undefined, line);
  }
  t.end();
});

const port = fc.integer({min: 1, max: 65_535});
const bytes = (length: number) => fc.uint8Array({minLength: length, maxLength: length});

t.test('both ends of a socket are those that the kernel holds', (t) => {
  const four = fc.property(bytes(4), port, bytes(4), port, (local, localPort, remote, remotePort) => {
    const ports = halves(0, (localPort << 16) | swapped(remotePort));
    const pair = word(Buffer.concat([remote, local]));
    const record = readRecord(`T|5|7|5|1|200010006|${ports}|${pair}|0|0|0|0`);
    t.match(record, {
      socket: {local: `${local.join('.')}:${localPort}`, remote: `${remote.join('.')}:${remotePort}`},
    });
  });
  const six = fc.property(bytes(16), port, bytes(16), port, (local, localPort, remote, remotePort) => {
    const ports = halves(0, (localPort << 16) | swapped(remotePort));
    const words = [local, remote].flatMap((each) => [word(each.subarray(0, 8)), word(each.subarray(8))]);
    const record = readRecord(`T|5|7|5|1|a00020011|${ports}|0|${words.join('|')}`);
    if (record?.kind !== 'socket') throw new Error('no socket');
    // A URL writes an IPv6 address as RFC 5952 does; without the dots that an IPv4 address inside keeps here.
    const isMapped = (each: Uint8Array) =>
      Buffer.from(each)
        .subarray(0, 12)
        .equals(Buffer.from(`${'00'.repeat(10)}ffff`, 'hex'));
    for (const [text, address, number] of [
      [record.socket.local, local, localPort],
      [record.socket.remote, remote, remotePort],
    ] as const) {
      if (isMapped(address)) continue;
      const groups = Buffer.from(address).toString('hex').match(/.{4}/g) ?? [];
      t.equal(text, `${new URL(`http://[${groups.join(':')}]`).hostname}:${number}`);
    }
  });
  fc.assert(four, {numRuns: 50});
  fc.assert(six, {numRuns: 50});
  t.end();
});

t.test('a call has its result, its error by name, its payload and the ends of its socket', (t) => {
  const {head} = new Kernel('whole', 64);
  const names = ['F|386|kernel|syscall|connect', 'F|38d|kernel|syscall|sendto', 'F|38e|kernel|syscall|recvfrom'];
  const at = (time: number) => hex(1_000_000_000 + time);
  fc.assert(
    fc.property(fc.uint8Array({minLength: 1, maxLength: 60}), (payload) => {
      const length = hex(payload.length);
      const events = eventsOf([
        ...head,
        ...names,
        told.replace('T|5|', `T|${at(1)}|`),
        `Q|${at(2)}|1|700000008|38d00000005|${length}|abc|0|0|0|0|${length}|${spaced(payload)}`,
        `Q|${at(3)}|1|700000008|38e00000005|ffffffffffffff98|abc|0|0|0|0|0|`,
        // Another mark: the record of its socket was lost, and nothing is said of its ends but what connect was given.
        `Q|${at(4)}|1|700000008|38600000005|ffffffffffffff91|def|${word(Buffer.from('020020fb7f000001', 'hex'))}|0|0|0|0|`,
      ]);
      for (const event of events) t.ok(validate(event), JSON.stringify(validate.errors));
      const ends = {local: '127.0.0.1:40256', remote: '127.0.0.1:8443', protocol: 'tcp', family: 'AF_INET'};
      t.match(only(events, 'socket'), [
        {
          syscall: 'sendto',
          fd: 5,
          result: payload.length,
          length: payload.length,
          payload: Buffer.from(payload).toString('base64'),
          errno: undefined,
          ...ends,
        },
        {syscall: 'recvfrom', result: -1, errno: 'ECONNRESET', payload: undefined, ...ends},
        {syscall: 'connect', result: -1, errno: 'ECONNREFUSED', local: undefined, remote: '127.0.0.1:8443'},
      ]);
    }),
    {numRuns: 30},
  );
  t.end();
});

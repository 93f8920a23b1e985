import fc from 'fast-check';
import t from 'tap';
import {hexBytes, wordBytes} from '../../src/parsers/payload.js';
import {readRecord} from '../../src/parsers/read-record.js';

t.test('reads each kind of record', (t) => {
  t.same(readRecord('TK|1|4e157cb54d2|1795403456.442432'), {
    kind: 'anchor',
    version: 1,
    nsecs: 0x4e157cb54d2n,
    epochNs: 1795403456442432000n,
  });
  t.match(readRecord('TK|1|4e157cb54d2|1795403456'), {epochNs: 1795403456000000000n});
  t.same(readRecord('S|what|openssl sockets'), {kind: 'setting', key: 'what', value: 'openssl sockets'});
  t.same(readRecord('L|12|0|openssl|/a=20=c3=a9=7C=3D'), {
    kind: 'library',
    target: 12,
    part: 0,
    library: 'openssl',
    path: '/a \xc3\xa9|=',
  });
  t.same(readRecord('F|65|openssl|receive|SSL_read'), {
    kind: 'function',
    id: 101,
    library: 'openssl',
    name: 'SSL_read',
  });
  t.same(readRecord('P|5|5dd5|5d69|3e8|63 75 72 6c 00 00 41'), {
    kind: 'process',
    time: 5n,
    pid: 0x5dd5,
    ppid: 0x5d69,
    uid: 1000,
    comm: 'curl',
  });
  t.same(readRecord('P|5|5dd5||0|'), {kind: 'process', time: 5n, pid: 0x5dd5, uid: 0});
  t.match(readRecord('P|5|1||0|c3 a9'), {comm: 'é'});
  t.match(readRecord('P|5|1||0|e9'), {comm: 'é'}, 'a name that is not UTF-8');
  t.match(readRecord('D|ffffffffffffffff|5|5e2100005e22|55ef|4e39|10000|6500000003|2|61 62'), {
    kind: 'call',
    time: 0xffffffffffffffffn,
    thread: '5e22',
    clock: 'ffffffffffffffff',
    latencyNs: 5,
    pid: 0x5e21,
    tid: 0x5e22,
    session: '55ef',
    since: '4e39',
    offset: 0x10000,
    functionId: 101,
    deed: 'receive',
    length: 3,
    carried: 2,
  });
  t.match(readRecord('C|5e22|4e39|c8|3|61 62 63'), {
    kind: 'piece',
    thread: '5e22',
    clock: '4e39',
    position: 200,
    carried: 3,
    payload: Buffer.from('abc'),
  });
  const inWords = 'G|5|5|100000001|2|3|0|65000000';
  t.match(readRecord(`${inWords}0b|b|6867666564636261 0 6b6a696867666564`), {payload: Buffer.from('abcdefghijk')});
  t.match(readRecord(`${inWords}20|20|6867666564636261 0`), {
    carried: 32,
    payload: Buffer.from('abcdefgh\0\0\0\0\0\0\0\0'),
  });
  t.match(readRecord(`${inWords}03|3|636261`), {payload: Buffer.from('abc')});
  t.match(readRecord('M|5e22|4e39|100|9|6867666564636261 0 6968676665646362'), {
    position: 256,
    carried: 9,
    payload: Buffer.from('abcdefghi'),
  });
  t.match(readRecord('W|5e22|4e39|0|6867666564636261 1'), {
    carried: 16,
    payload: Buffer.from('abcdefgh\x01\0\0\0\0\0\0\0'),
  });
  t.match(readRecord('B|5e22|4e39|3|a'), {position: 3, carried: 1, payload: Buffer.from('\n')});
  t.same(readRecord('X|5|1|2|3|10|20'), {
    kind: 'end',
    time: 5n,
    pid: 1,
    session: '2',
    since: '3',
    received: 16,
    sent: 32,
  });
  t.same(readRecord('E|5|10'), {kind: 'exit', time: 5n, pid: 16});
  t.same(readRecord('Z|1'), {kind: 'gate', processor: 1});
  t.end();
});

t.test('refuses what is not exactly a record', (t) => {
  const call = 'D|5|5|100000001|2|3|0|6500000003|3|';
  t.ok(readRecord(call));
  for (const line of [
    '',
    'D',
    'D|',
    'Q|1',
    'constructor|1',
    'd|5|5|100000001|2|3|0|6500000003|3|',
    `${call}6`,
    `${call}61 6`,
    `${call}61  62`,
    `${call}61 62 `,
    `${call}6A`,
    `${call}61 62 63 64`,
    `${call}61 62\u{fffd}`,
    'D|05|5|100000001|2|3|0|6500000003|3|',
    'D|5|5|100000001|2|3|0|6500000003|4|',
    'D|5|5|100000001|2|3|0|6500000000|0|',
    'D|5|5|100000001|2|3|0|c00000003|3|',
    'D|5|5|100000001|2|3|0|19100000003|3|',
    'D|5|5|100000001|2|3|ffffffffffffffff|6500000003|3|',
    'D|5|5|100000001|2|3|0|6500000003',
    'C|1|2|0|3|',
    'G|5|5|100000001|2|3|0|6500000003|3|',
    'G|5|5|100000001|2|3|0|6500000003|3|1  2',
    'M|1|2|0|8|',
    'M|1|2|0|0|1',
    'M|1|2|0|8|01',
    'C|1|2|0|1|61 62',
    'W|1|2|0|',
    'W|1|2|0|1  2',
    'W|1|2|0|01',
    'W|1|2|0|12345678901234567',
    'W|1|2|0|1 2\u{fffd}',
    'B|1|2|0|100',
    'B|1|2|0|0a',
    'P|5|1||0|61 62 63 64 65 66 67 68 69 6a 6b 6c 6d 6e 6f 70 71',
    'X|5|1|2|3|10',
    'E|5|10|',
    'E|5|10\u{fffd}',
    'F|65|openssl|send|SSL_read',
    'L|1|0|openssl|/a|b',
    'L|1|0|openssl|/a=2',
    'TK|1|5|',
    'TK|1|5|12.5',
  ]) {
    t.equal(readRecord(line), undefined, JSON.stringify(line));
  }
  t.end();
});

t.test('decodes bytes and words as bpftrace prints them', (t) => {
  const spaced = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(fc.uint8Array({maxLength: 6000}), (bytes) => {
        const line = `C|1|${spaced(bytes)}`;
        return hexBytes(line, 4)?.equals(bytes) ?? false;
      }),
    ),
  );
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(fc.array(fc.bigInt({min: 0n, max: 0xffffffffffffffffn}), {minLength: 1}), (words) => {
        const bytes = Buffer.alloc(words.length * 8);
        words.forEach((word, index) => {
          bytes.writeBigUInt64LE(word, index * 8);
        });
        return wordBytes(`W|${words.map((word) => word.toString(16)).join(' ')}`, 2)?.equals(bytes) ?? false;
      }),
    ),
  );
  t.end();
});

t.test('never throws', (t) => {
  const field = fc.oneof(
    fc.constantFrom(
      'D',
      'G',
      'M',
      'C',
      'W',
      'P',
      'TK',
      'L',
      'T',
      'I',
      'U',
      'Q',
      'J',
      '',
      '0',
      'ffffffffffffffff',
      '61 62',
    ),
    fc.string(),
  );
  const line = fc.array(field, {maxLength: 13}).map((fields) => fields.join('|'));
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(line, (text) => void readRecord(text)),
      {numRuns: 3000},
    ),
  );
  t.end();
});

import t from 'tap';
import {readRecord} from '../../src/parsers/read-record.js';
import {eventsOf, Kernel, only} from './support/kernel.js';
import {validate} from './support/validate.js';

/** 127.0.0.1:40256 to 127.0.0.1:8443, on descriptor 5, as a script prints it. */
const loopback = '100000005|29d4020fb|100007f|0|100007f|0';

/** The time of the first record, which is that of its connection. */
const clockOf = ({records}: Kernel) => records[0]?.text.split('|')[1] ?? '';

t.test('reads which socket a session uses', async (t) => {
  t.same(readRecord(`N|5|7|1|3|c9|${loopback}`), {
    kind: 'address',
    time: 5n,
    pid: 7,
    session: '1',
    since: '3',
    functionId: 201,
    place: {fd: 5, local: '127.0.0.1:40256', remote: '127.0.0.1:8443', attribution: 'nested'},
  });
  t.match(readRecord('N|5|7|1|3|c9|200000000|ab646c1ae|0|100000000000000|0|200000000000000'), {
    place: {fd: 0, local: '[::1]:46662', remote: '[::2]:49582', attribution: 'declared'},
  });
  t.match(readRecord('N|5|7|1|3|c9|300000005|100000000|0|0|0|0'), {
    place: {fd: 5, local: undefined, remote: undefined, attribution: 'matched'},
  });
  t.same(readRecord('N|5|7|1|3|c9|100000005|2000020fb|0|0|100007f|0'), {
    ...{kind: 'address', time: 5n, pid: 7, session: '1', since: '3', functionId: 201},
    place: {fd: 5, remote: '127.0.0.1:8443', attribution: 'nested'},
  });
  for (const line of [
    `N|5|7|1|3|c9|${loopback}|`,
    `N|5|7|1|3|${loopback}`,
    'N|5|7|1|3|c9|5|29d4020fb|100007f|0|100007f|0',
    'N|5|7|1|3|c9|400000005|29d4020fb|100007f|0|100007f|0',
  ]) {
    t.equal(readRecord(line), undefined, line);
  }
});

t.test('every event of a connection has its address once it is known, and none of the one before', async (t) => {
  const kernel = new Kernel('whole', 64);
  const abc = Buffer.from('abc');
  kernel.call({pid: 7, session: 1, deed: 'send', bytes: abc});
  const clock = clockOf(kernel);
  const learned = `N|${(Number.parseInt(clock, 16) - 100).toString(16)}|7|1|${clock}|c9|${loopback}`;
  kernel.call({pid: 7, session: 1, deed: 'receive', bytes: abc});
  kernel.end(7, 1);
  kernel.call({pid: 7, session: 1, deed: 'send', bytes: abc});
  const events = eventsOf([...kernel.head, ...kernel.records.map(({text}) => text), learned]);
  for (const event of events) t.ok(validate(event), JSON.stringify(validate.errors));
  const place = {fd: 5, local: '127.0.0.1:40256', remote: '127.0.0.1:8443', attribution: 'nested'};
  t.same(
    only(events, 'data').map(({connection}) => connection),
    [{id: '7.1', ...place}, {id: '7.1', ...place}, {id: '7.2'}],
  );
  t.same(
    only(events, 'connection').map(({event, connection, library}) => [event, connection.remote, library]),
    [
      ['open', '127.0.0.1:8443', 'openssl'],
      ['close', '127.0.0.1:8443', undefined],
      ['open', undefined, 'openssl'],
    ],
  );
});

t.test('a session that is given another socket has that from then on', async (t) => {
  const kernel = new Kernel('whole', 64);
  kernel.call({pid: 7, session: 1, deed: 'send', bytes: Buffer.from('a')});
  const clock = clockOf(kernel);
  const at = (after: number) => (Number.parseInt(clock, 16) + after).toString(16);
  kernel.call({pid: 7, session: 1, deed: 'send', bytes: Buffer.from('b')});
  const lines = [`N|${at(-1)}|7|1|${clock}|c9|${loopback}`, `N|${at(1)}|7|1|${clock}|c9|100000006|0|0|0|0|0`];
  const events = eventsOf([...kernel.head, ...kernel.records.map(({text}) => text), ...lines]);
  t.same(
    only(events, 'data').map(({connection: {fd, remote}}) => [fd, remote]),
    [
      [5, '127.0.0.1:8443'],
      [6, undefined],
    ],
  );
});

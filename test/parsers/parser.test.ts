import {readFileSync} from 'node:fs';
import t from 'tap';
import type {SessionEvent, SummaryEvent} from '../../src/events.js';
import {createParser} from '../../src/parsers/index.js';
import {eventsOf, Kernel, only, printed} from './support/kernel.js';
import {validate} from './support/validate.js';

const recordings = new URL('../fixtures/recordings/', import.meta.url);

/** What the server of the recordings answers to the second request; 1,024 bytes of it were kept. */
const servedText = `HTTP/1.0 200 ok\r\nContent-type: text/plain\r\n\r\n${Array.from({length: 170}, (_, line) => `line ${String(line).padStart(4, '0')} of a text`).join('\n')}`;

for (const version of ['0.11', '0.17', '0.23', '0.27']) {
  for (const format of ['json', 'text']) {
    t.test(`reads an exchange that bpftrace ${version} recorded as ${format}, to the byte`, (t) => {
      const lines = readFileSync(new URL(`exchange-${version}.${format}`, recordings), 'latin1').split('\n');
      const events = eventsOf(lines);
      for (const event of events) t.ok(validate(event), JSON.stringify(validate.errors));
      const session = events[0] as SessionEvent;
      t.match(session, {type: 'session', tlsKit: '0.1.0', what: ['openssl'], snaplen: 1024});
      t.same(session.targets, [{library: 'openssl', path: '/usr/lib/x86_64-linux-gnu/libssl.so.3'}]);
      t.match(session.startedAt, /^2026-11-23T03:3\d:\d\d\.\d{9}Z$/);
      t.same(
        only(events, 'connection').map(({event, bytesSent, bytesReceived}) => [event, bytesSent, bytesReceived]),
        [
          ['open', undefined, undefined],
          ['close', 83, 745],
          ['open', undefined, undefined],
          ['close', 82, 3444],
        ],
      );
      const data = only(events, 'data');
      t.same(
        data.map(({function: name, direction, length, captured}) => [name, direction, length, captured]),
        [
          ['SSL_write', 'send', 83, 83],
          ['SSL_read', 'receive', 745, 745],
          ['SSL_write', 'send', 82, 82],
          ['SSL_read', 'receive', 3444, 1024],
        ],
      );
      const payloads = data.map(({payload}) => Buffer.from(payload, 'base64').toString('latin1'));
      t.match(payloads[0], /^GET \/f700 HTTP\/1\.1\r\n.*\r\n\r\n$/s);
      t.equal(payloads[3], servedText.slice(0, 1024));
      t.ok(data.every(({comm, uid}) => comm === (version === '0.11' ? undefined : 'curl') && uid === 0));
      t.match(events.at(-1), {
        type: 'summary',
        events: 4,
        bytes: {seen: 4354, captured: 1934, cut: 2420, lost: 0, lostByGaps: 0},
        malformedLines: 0,
        incomplete: false,
      });
      t.end();
    });
  }
}

const abc = Buffer.from('abc');

t.test('the session that the caller knows comes first, and at once', (t) => {
  const session: SessionEvent = {type: 'session', schema: 1, tlsKit: '9', what: ['openssl'], targets: []};
  const parser = createParser({session});
  t.same(parser.push('Attaching 8 probes...'), [session]);
  t.same(parser.flush(), []);
  t.same(
    parser.end().map(({type}) => type),
    ['summary'],
  );
  t.end();
});

t.test('tells the caller what the lines say of the state of bpftrace', (t) => {
  const signals: unknown[] = [];
  const parser = createParser({onSignal: (signal) => signals.push(signal)});
  for (const line of ['Attaching 8 probes...', '__BPFTRACE_NOTIFY_PROBES_ATTACHED', printed('Z|1')]) parser.push(line);
  t.same(signals, [{kind: 'attached', probes: 8}, {kind: 'ready'}, {kind: 'gate', processor: 1}]);
  t.end();
});

t.test('a process is named before its first event, even when its record comes later in time', (t) => {
  const kernel = new Kernel('whole', 64);
  kernel.call({pid: 7, session: 1, deed: 'send', bytes: abc});
  kernel.process(7, 'early');
  const events = eventsOf([...kernel.head, ...kernel.records.map(({text}) => text)]);
  t.same(
    events.map(({type}) => type),
    ['session', 'process', 'connection', 'data', 'summary'],
  );
  t.match(events[1], {pid: 7, ppid: 1, uid: 1000, comm: 'early'});
  t.match(events[3], {comm: 'early', uid: 1000});
  t.end();
});

t.test('ids are unique when pids and pointers are used again', (t) => {
  const kernel = new Kernel('whole', 64);
  kernel.process(7, 'one');
  kernel.call({pid: 7, session: 1, deed: 'send', bytes: abc});
  kernel.call({pid: 7, session: 2, deed: 'send', bytes: abc});
  kernel.end(7, 1);
  kernel.call({pid: 7, session: 1, deed: 'send', bytes: abc});
  kernel.exit(7);
  kernel.process(7, 'two');
  kernel.call({pid: 7, session: 2, deed: 'send', bytes: abc});
  const events = eventsOf([...kernel.head, ...kernel.records.map(({text}) => text), ...kernel.totals]);
  t.same(
    only(events, 'connection').map(({event, comm, connection, bytesSent}) => [event, comm, connection.id, bytesSent]),
    [
      ['open', 'one', '7.1', undefined],
      ['open', 'one', '7.2', undefined],
      ['close', 'one', '7.1', 3],
      ['open', 'one', '7.3', undefined],
      ['close', 'one', '7.2', 3],
      ['close', 'one', '7.3', 3],
      ['open', 'two', '7.4', undefined],
    ],
  );
  t.same(
    only(events, 'data').map(({offset, comm}) => [offset, comm]),
    [
      [0, 'one'],
      [0, 'one'],
      [0, 'one'],
      [0, 'two'],
    ],
  );
  const {bytes, byProcess} = events.at(-1) as SummaryEvent;
  t.match(bytes, {seen: 12, captured: 12, lost: 0, lostByGaps: 0}, 'what a dead process left in the maps is not lost');
  t.same(
    byProcess.map(({comm, events, bytesSent}) => [comm, events, bytesSent]),
    [
      ['one', 3, 9],
      ['two', 1, 3],
    ],
  );
  t.end();
});

t.test('a pointer that is used again has closed the connection before it, when its end was lost', (t) => {
  const kernel = new Kernel('whole', 64);
  kernel.call({pid: 7, session: 1, deed: 'send', bytes: abc});
  kernel.end(7, 1);
  kernel.records.pop();
  kernel.call({pid: 7, session: 1, deed: 'receive', bytes: abc});
  const events = eventsOf([...kernel.head, ...kernel.records.map(({text}) => text)]);
  t.same(
    only(events, 'connection').map(({event, connection}) => `${event} ${connection.id}`),
    ['open 7.1', 'close 7.1', 'open 7.2'],
  );
  t.end();
});

t.test('peeks are shown and move no offset', (t) => {
  const kernel = new Kernel('whole', 64);
  kernel.call({pid: 7, session: 1, deed: 'peek', bytes: abc});
  kernel.call({pid: 7, session: 1, deed: 'receive', bytes: abc});
  const events = eventsOf([...kernel.head, ...kernel.records.map(({text}) => text), ...kernel.totals]);
  t.same(
    only(events, 'data').map(({peek, offset, direction}) => [peek, offset, direction]),
    [
      [true, 0, 'receive'],
      [undefined, 0, 'receive'],
    ],
  );
  t.match(events.at(-1), {events: 2, bytes: {seen: 3, captured: 3, lost: 0, lostByGaps: 0, peeked: 3}});
  t.end();
});

t.test('a function whose name was lost is shown by its number', (t) => {
  const kernel = new Kernel('whole', 64);
  kernel.call({pid: 7, session: 1, deed: 'send', bytes: abc});
  const events = eventsOf(
    kernel.records.map(({text}) => text),
    {anchor: {nsecs: 0n, epochNs: 0n}},
  );
  t.match(only(events, 'data'), [{function: 'unknown(201)', library: 'unknown', direction: 'send'}]);
  t.match(events[0], {type: 'session', tlsKit: 'unknown', what: [], targets: []});
  t.end();
});

t.test('without an anchor, times count from the start of the machine, and a warning says so', (t) => {
  const kernel = new Kernel('whole', 64);
  kernel.call({pid: 7, session: 1, deed: 'send', bytes: abc});
  const events = eventsOf(kernel.records.map(({text}) => text));
  t.match(only(events, 'warning'), [{code: 'no-clock'}]);
  t.equal(only(events, 'data')[0]?.time, '1970-01-01T00:00:01.001000000Z');
  const parser = createParser();
  parser.push(kernel.records[0]?.text ?? '');
  const flushed = Array.from({length: 60}, () => parser.flush()).flat();
  t.same(
    flushed.map(({type}) => type),
    ['session', 'warning', 'connection', 'data'],
    'live input does not wait for ever',
  );
  t.end();
});

t.test('times beyond 2^53 nanoseconds are exact', (t) => {
  const now = 9007199254740993n.toString(16);
  const lines = [`TK|1|${now}|1700000000.123456`, `D|${now}|1|100000001|2|${now}|0|6500000001|1|61`];
  t.equal(only(eventsOf(lines), 'data')[0]?.time, '2023-11-14T22:13:20.123456000Z');
  t.end();
});

t.test('the anchor of an old bpftrace comes in two parts, with other records between them', (t) => {
  const kernel = new Kernel('whole', 64);
  kernel.call({pid: 7, session: 1, deed: 'send', bytes: abc});
  const lines = [
    '{"type": "printf", "data": "TK|1|3b9aca00|"}',
    printed(kernel.records[0]?.text ?? ''),
    '{"type": "time", "data": "1700000000\\n"}',
  ];
  const events = eventsOf(lines);
  t.equal(only(events, 'data')[0]?.time, '2023-11-14T22:13:20.001000000Z');
  t.match(events.at(-1), {malformedLines: 0});
  t.end();
});

t.test('losses are folded, and all of them are in the summary', (t) => {
  const kernel = new Kernel('whole', 64);
  for (let index = 0; index < 30; index++) kernel.call({pid: 7, session: 1, deed: 'send', bytes: abc});
  const parser = createParser({session: {type: 'session', schema: 1, tlsKit: '9', what: [], targets: []}});
  const lines = kernel.records.flatMap(({text}) => [text, 'Lost 2 events']);
  const events = [...kernel.head, ...lines].flatMap((line) => parser.push(line));
  t.same(only(events, 'loss'), [{type: 'loss', events: 2, cause: 'ring'}], 'once a second');
  t.equal(parser.status.lostEvents, 60);
  const later = Array.from({length: 10}, () => parser.flush()).flat();
  t.same(only(later, 'loss'), [{type: 'loss', events: 58, cause: 'ring'}]);
  t.match(parser.end().at(-1), {lostEvents: 60});
  t.end();
});

t.test('bytes that bpftrace cut count as cut, and a warning names the setting once', (t) => {
  const lines = [
    'TK|1|1|1700000000',
    'D|5|1|100000001|2|5|0|650000000a|a|61 62 63',
    'D|6|1|100000001|2|5|a|650000000a|a|61 62 63',
    '@bytes_seen: 20',
    '@bytes_cut: 0',
    '@record_version: 1',
  ];
  const events = eventsOf(lines);
  const [warning, ...others] = only(events, 'warning');
  t.match(warning, {code: 'strlen-too-small', message: /BPFTRACE_STRLEN/});
  t.same(others, []);
  t.match(events.at(-1), {incomplete: false, bytes: {seen: 20, captured: 6, cut: 14, lost: 0, lostByGaps: 0}});
  t.end();
});

t.test('a line that cannot be read is counted; the first is shown without payload or control characters', (t) => {
  const events = eventsOf(['D|5|1|secret|61 62 63', 'what\x1b[2Jis \x9bthis', printed('E|1|x')]);
  const warnings = only(events, 'warning');
  t.equal(warnings.length, 1);
  t.match(warnings[0]?.message, /"D\|5\|1\|secret\|…"/);
  t.match(events.at(-1), {malformedLines: 3});
  t.match(only(eventsOf(['a\x1b[2J\x9b']), 'warning')[0]?.message, /"a\\x1b\[2J\\x9b"/);
  t.end();
});

t.test('what bpftrace says is passed on, each message once', (t) => {
  const message = '{"type": "runtime_error", "msg": "divide by 0"}';
  t.same(only(eventsOf([message, message]), 'warning'), [
    {type: 'warning', code: 'bpftrace', message: 'bpftrace says (error): divide by 0'},
  ]);
  t.end();
});

t.test('without the last maps, the totals are not final, and nothing is claimed', (t) => {
  const kernel = new Kernel('whole', 64);
  kernel.call({pid: 7, session: 1, deed: 'send', bytes: abc});
  const lines = [...kernel.head, ...kernel.records.map(({text}) => text), '@bytes_seen: 3'];
  const killed = eventsOf(lines).at(-1) as SummaryEvent;
  t.equal(killed.incomplete, true);
  t.same(killed.bytes, {captured: 3, lostByGaps: 0});
  t.notOk('calls' in killed);
  const ended = (incomplete: boolean) => {
    const parser = createParser();
    for (const line of [...lines, ...kernel.totals]) parser.push(line);
    t.equal(parser.status.bytesSeen, 3);
    return parser.end({incomplete, durationNs: 5, command: {exitCode: 1}}).at(-1) as SummaryEvent;
  };
  t.match(ended(true), {incomplete: true, durationNs: 5, command: {exitCode: 1}});
  t.match(ended(false), {incomplete: false, bytes: {seen: 3, lost: 0}});
  const foreign = eventsOf([...lines, '@bytes_seen: 2', '@record_version: 1']).at(-1);
  t.match(foreign, {incomplete: true}, 'totals smaller than what was shown are those of something else');
  t.end();
});

t.test('records of another version are read with a warning', (t) => {
  t.match(only(eventsOf(['TK|2|5|1700000000']), 'warning'), [{code: 'record-version'}]);
  t.end();
});

t.test('a summary names at most a thousand connections and processes, the biggest', (t) => {
  const kernel = new Kernel('whole', 0);
  for (let pid = 1; pid <= 3000; pid++) {
    kernel.call({pid, session: 1, deed: 'send', bytes: Buffer.alloc(pid)});
    if (pid % 2 === 0) kernel.end(pid, 1);
    if (pid % 3 === 0) kernel.exit(pid);
  }
  const events = eventsOf([...kernel.head, ...kernel.records.map(({text}) => text), ...kernel.totals]);
  const {byProcess, byConnection, bytes} = events.at(-1) as SummaryEvent;
  t.same([byProcess.length, byConnection.length], [1000, 1000]);
  t.same([byProcess[0]?.bytesSent, byProcess.at(-1)?.bytesSent], [3000, 2001]);
  t.same([byConnection[0]?.connection, byConnection.at(-1)?.connection], ['3000.1', '2001.1']);
  t.match(bytes, {seen: 4501500, captured: 0, cut: 4501500, lost: 0, lostByGaps: 0});
  t.end();
});

t.test('what it keeps is bounded: the oldest is forgotten, ids stay unique, and gaps are not claimed any more', (t) => {
  const kernel = new Kernel('whole', 0);
  for (let pid = 1; pid <= 90_000; pid++) kernel.call({pid, session: 1, deed: 'send', bytes: abc});
  kernel.call({pid: 1, session: 2, deed: 'send', bytes: abc});
  const events = eventsOf([...kernel.head, ...kernel.records.map(({text}) => text), ...kernel.totals]);
  const ids = only(events, 'connection').map(({connection}) => connection.id);
  t.equal(new Set(ids).size, 90_001);
  const {bytes} = events.at(-1) as SummaryEvent;
  t.match(bytes, {seen: 270_003, cut: 270_003, lost: 0});
  t.notOk('lostByGaps' in bytes);
  t.end();
});

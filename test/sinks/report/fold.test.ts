import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import type {TraceEvent} from '../../../src/model.js';
import {Groups, Sample, Top} from '../../../src/sinks/report/bounded.js';
import {ReportFold} from '../../../src/sinks/report/fold.js';
import {Latencies} from '../../../src/sinks/report/latencies.js';
import type {Report} from '../../../src/sinks/report/report.js';
import {routeOf} from '../../../src/sinks/report/routes.js';
import {reportText} from '../../../src/sinks/report/text.js';
import {TimeBins} from '../../../src/sinks/report/time-bins.js';
import {dataEvent} from '../events.js';
import {message} from '../messages.js';
import {failedHandshake, hostileRecording, recording, timeAt} from './events.js';

function reportOf(events: readonly TraceEvent[]): Report {
  const fold = new ReportFold();
  for (const event of events) fold.add(event);
  return fold.report();
}

t.test('a report counts what was recorded', async (t) => {
  const report = reportOf(recording());
  t.match(report.totals, {
    exchanges: 101,
    answered: 100,
    failed: 21,
    unpaired: 0,
    byProtocol: {'http/1': 101},
    byStatus: {2: 80, 4: 10, 5: 10},
    handshakes: {ok: 1, failed: 2},
    bytesSent: 1000,
    bytesReceived: 2000,
  });
  t.equal(report.latency.count, 100);
  t.equal(report.latency.maxNs, 100_000_000);
  for (const [share, ns = 0] of [
    [50, report.latency.p50Ns],
    [90, report.latency.p90Ns],
    [99, report.latency.p99Ns],
  ] as const) {
    t.ok(Math.abs(ns - share * 1e6) <= share * 1e4, `${share} % within ${ns}`);
  }
  t.match(report.routes.rows, [
    {host: 'api.example', method: 'GET', route: '/users/:id', side: 'client', exchanges: 100, failed: 20},
    {host: 'api.example', method: 'POST', route: '/hang', exchanges: 1, failed: 1},
  ]);
  t.match(report.hosts.rows, [{host: 'api.example', exchanges: 101, failed: 21}]);
  t.match(report.slowest[0], {
    totalNs: 100_000_000,
    target: '/users/99?page=2',
    process: 'shop[8834]',
    why: '503 Said',
  });
  t.match(report.failed.at(-1), {target: '/hang', why: 'no answer was seen'});
  t.match(report.failures.rows, [{count: 2, peer: '203.0.113.90:443', serverName: 'old.example', kind: 'handshake'}]);
  t.match(report.connections, {total: 3, every: 1});
  t.match(report.connections.rows[0], {
    peer: '203.0.113.20:443',
    exchanges: 101,
    isClosed: true,
    handshake: {result: 'ok'},
  });
  t.match(report.processes.rows[0], {pid: 8834, command: 'node shop.js', calls: 200, exchanges: 101});
  t.match(report.peers.rows[0], {peer: '203.0.113.20:443', connections: 1, bytesSent: 1000, bytesReceived: 2000});
  const {bins} = report.overTime;
  t.equal(
    bins.reduce(
      (sum, {ok, clientErrors, serverErrors, unanswered}) => sum + ok + clientErrors + serverErrors + unanswered,
      0,
    ),
    101,
  );
  t.equal(
    bins.reduce((sum, {bytesReceived}) => sum + bytesReceived, 0),
    2000,
  );
});

t.test('a connection is counted for its peer, also where that comes to light after it was opened', async (t) => {
  const {time, pid} = dataEvent('');
  const open = (id: string): TraceEvent => ({type: 'connection', event: 'open', time, pid, connection: {id}});
  const call = dataEvent('x', {connection: {id: 'a', remote: '192.0.2.1:443'}});
  const {rows} = reportOf([open('a'), call, call, open('b')]).peers;
  t.match(rows, [
    {peer: '192.0.2.1:443', connections: 1},
    {peer: 'unknown', connections: 1},
  ]);
});

t.test('an exchange that is seen from both ends is counted as seen twice, whichever end comes first', async (t) => {
  const at = (id: string, otherEnd?: string) => message({connection: {id, ...(otherEnd && {otherEnd})}});
  const events = [at('s'), at('c', 's'), at('c', 's'), at('s', 'c'), at('alone'), at('s', 'c')];
  t.match(reportOf(events).totals, {exchanges: 6, seenTwice: 2});
  t.match(reportText(reportOf(events), false), /\n2 of them seen twice: both ends were traced\n/);
});

t.test('without a summary, nothing is said to be known of loss', async (t) => {
  const report = reportOf(recording().slice(0, -1));
  t.match(report.account.balance, /what was lost is unknown/);
  t.equal(report.summary, undefined);
});

t.test('the text of a report is as recorded', async (t) => {
  const path = join(import.meta.dirname, '../../golden/text/report.txt');
  const text = reportText(reportOf(recording()), false);
  if (process.env.TLS_KIT_GOLDEN) writeFileSync(path, text);
  t.equal(text, readFileSync(path, 'utf8'));
});

t.test('the text of what was not redacted says so', async (t) => {
  const [session, ...rest] = recording();
  const text = reportText(reportOf([{...session, redaction: 'off'} as TraceEvent, ...rest]), false);
  t.match(text, /secrets may stand below/);
  t.notMatch(text, /masked; /);
});

t.test('nothing that a terminal obeys is in the text', async (t) => {
  t.notMatch(reportText(reportOf(hostileRecording()), false), /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
});

t.test('a report of nothing is a report', async (t) => {
  t.match(reportText(reportOf([]), false), /nothing was seen/);
});

t.test('ids in paths are folded, words are not', async (t) => {
  const folded: Record<string, string> = {
    '/users/123?x=1': '/users/:id',
    '/users/123/orders/7#top': '/users/:id/orders/:id',
    '/f/550e8400-e29b-41d4-a716-446655440000': '/f/:id',
    '/blob/deadbeef01': '/blob/:id',
    '/blob/deadbeef': '/blob/deadbeef',
    '/v1/facade/added': '/v1/facade/added',
    '/t/eyJhbGciOiJIUzI1NiJ9.e30': '/t/:id',
    'http://a.example/users/1': '/users/:id',
    'http://a.example': '/',
    '*': '*',
    '/': '/',
    '/a/b/c/d/e/f/g/h/i/j': '/a/b/c/d/e/f/g/h/…',
    '': '/',
  };
  for (const [target, route] of Object.entries(folded)) t.equal(routeOf(target), route, target);
});

t.test('a route is short, whatever the target is', async () => {
  fc.assert(
    fc.property(
      fc.string({unit: 'binary', maxLength: 5000}),
      (target) => routeOf(target).length < 600 && routeOf(`/${target}`).length < 600,
    ),
  );
});

t.test('percentiles are those of the sorted list, to two digits', async () => {
  const durations = fc.array(fc.integer({min: 100_000, max: 3_000_000_000}), {minLength: 1, maxLength: 300});
  fc.assert(
    fc.property(durations, durations, (first, second) => {
      const [one, other] = [new Latencies(), new Latencies()];
      for (const ns of first) one.record(ns);
      for (const ns of second) other.record(ns);
      one.add(other);
      const sorted = [...first, ...second].sort((a, b) => a - b);
      const figures = one.figures();
      const at = (share: number) => sorted[Math.max(1, Math.floor((share / 100) * sorted.length + 0.5)) - 1] as number;
      const isNear = (ns: number | undefined, share: number) =>
        Math.abs((ns ?? 0) - at(share)) <= at(share) * 0.01 + 1000;
      return (
        figures.count === sorted.length &&
        figures.maxNs === sorted.at(-1) &&
        isNear(figures.p50Ns, 50) &&
        isNear(figures.p90Ns, 90) &&
        isNear(figures.p99Ns, 99) &&
        figures.distribution.reduce((sum, value) => sum + value, 0) === sorted.length
      );
    }),
  );
});

t.test('bins keep every count, however long it lasts', async () => {
  fc.assert(
    fc.property(fc.array(fc.double({min: 0, max: 1e9, noNaN: true}), {minLength: 1, maxLength: 500}), (times) => {
      const bins = new TimeBins();
      for (const ms of times) bins.addExchange(1e12 + ms, 'ok', 1000);
      const {bins: rows, widthMs} = bins.overTime();
      const span = Math.max(...times) - (times[0] as number);
      return (
        rows.length <= 240 && rows.length * widthMs > span && rows.reduce((sum, {ok}) => sum + ok, 0) === times.length
      );
    }),
  );
});

t.test('the top is the top of the sorted list', async () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), (values) => {
      const top = new Top<number>(5, (value) => value);
      for (const value of values) top.add(value);
      return JSON.stringify(top.highest()) === JSON.stringify([...values].sort((a, b) => b - a).slice(0, 5));
    }),
  );
});

t.test('a sample is spread evenly, and says how many there were', async (t) => {
  const sample = new Sample<number>(10);
  for (let index = 0; index < 1000; index++) sample.add(index);
  t.equal(sample.total, 1000);
  t.strictSame(
    sample.items,
    sample.items.map((_, index) => index * sample.every),
  );
  t.ok(sample.items.length > 5 && sample.items.length <= 10);
});

t.test('groups past the limit share one, and no count is lost', async (t) => {
  const groups = new Groups<{count: number}>(3, () => ({count: 0}));
  for (let index = 0; index < 100; index++) groups.of(String(index % 10), () => ({count: 0})).count++;
  const {rows, others, late} = groups.rows(
    (group) => group.count,
    (value) => value,
  );
  t.strictSame({rows, others, late}, {rows: [10, 10, 10], others: 70, late: 70});
});

t.test('a report stays small, whatever is recorded', async (t) => {
  const fold = new ReportFold();
  for (let index = 0; index < 30_000; index++) {
    const name = `${index}-${'x'.repeat(1000)}`;
    const connection = {id: name, remote: `${name}:1`};
    fold.add({...dataEvent('a'), pid: index, comm: name, time: timeAt(index * 1000), connection});
    fold.add({...failedHandshake(index), comm: name, explanation: name, serverName: name, connection});
    const request = {method: name, target: `/${name}`, version: '1.1', authority: name, headers: []};
    fold.add(
      message({
        pid: index,
        comm: name,
        time: timeAt(index * 1000),
        connection,
        request,
        timings: {startedAt: timeAt(index * 1000), totalNs: index},
      }),
    );
    fold.add({type: 'warning', code: 'x', message: name});
  }
  const report = fold.report();
  t.ok(JSON.stringify(report).length < 3_000_000, `${JSON.stringify(report).length} characters`);
  t.equal(report.totals.exchanges, 30_000);
  t.equal(report.connections.total, 30_000);
  t.equal(report.routes.rows.length, 500);
  t.equal(report.routes.others?.exchanges, 29_500);
  t.ok(report.overTime.bins.length <= 240);
});

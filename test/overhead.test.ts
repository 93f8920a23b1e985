import t from 'tap';
import {createOverhead, type Overhead, tooMuch} from '../src/overhead.js';

/** What it says after these counts of calls, one a second. */
function after(calls: readonly number[], shortestCallNs: number): Overhead | undefined {
  const overhead = createOverhead();
  return calls.map((each) => overhead({calls: each, shortestCallNs})).at(-1);
}

t.test('it is calls a second, times two hits, times the shortest call', (t) => {
  t.match(after([0, 10_000, 20_000, 30_000], 5000), {callsPerSecond: 10_000, hitNs: 5000, percent: 10});
  t.equal(after([0, 0, 0, 30_000], 5000)?.callsPerSecond, 10_000, 'a burst is spread over three seconds');
  t.equal(after([90_000, 90_000, 90_000, 90_000, 90_000], 5000)?.percent, 0, 'what was before does not count');
  t.end();
});

t.test('it tells nothing before it can', (t) => {
  t.equal(after([0, 1000, 2000], 5000), undefined);
  t.equal(after([0, 1000, 2000, 3000], 0), undefined);
  t.end();
});

t.test('calls that wait say nothing of probes', (t) => {
  t.match(after([0, 1000, 2000, 3000], 1e9), {hitNs: 20_000, percent: 4});
  t.end();
});

t.test('the message says what was measured, and what to do', (t) => {
  t.equal(
    tooMuch({callsPerSecond: 13_386.4, hitNs: 12_100, percent: 32.4}, 25),
    'The probes take 32 % of a processor (13,386 calls a second, two hits each, up to 12.1 us a hit), more than --max-overhead 25: stopped. Trace fewer processes (-p), or for a few seconds with a higher --max-overhead.',
  );
  t.end();
});

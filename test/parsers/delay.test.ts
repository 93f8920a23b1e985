import t from 'tap';
import {Delay} from '../../src/parsers/delay.js';

const ms = 1_000_000n;
/** The kernel's clock began at the wall clock's 5000 ms. */
const anchor = {nsecs: 0n, epochNs: 5000n * ms};

t.test('waits longer while bpftrace lags, and shorter again when it has caught up', (t) => {
  let now = 5000;
  const delay = new Delay(() => now);
  delay.anchor = anchor;
  delay.note(0n);
  t.equal(delay.windowNs, 200n * ms, 'what comes at once waits the shortest time');
  now = 5400;
  delay.note(0n);
  t.equal(delay.windowNs, 1000n * ms);
  t.equal(delay.flushes, 10);
  now = 60_000;
  delay.note(0n);
  t.equal(delay.windowNs, 3000n * ms, 'there is a longest time');
  for (let flush = 0; flush < 20; flush++) delay.flush();
  t.equal(delay.windowNs, 200n * ms);
  t.end();
});

t.test('waits longer while lines come without a pause, for a ring that is not looked at meanwhile', (t) => {
  let now = 5000;
  const delay = new Delay(() => now);
  delay.anchor = anchor;
  const come = () => {
    delay.hear();
    delay.note(BigInt(now - 5000) * ms);
  };
  for (; now < 5500; now += 10) come();
  t.equal(delay.windowNs, 690n * ms);
  for (; now < 8000; now += 10) come();
  t.equal(delay.windowNs, 1200n * ms, 'a second more at most');
  for (let flush = 0; flush < 20; flush++) {
    now += 100;
    delay.flush();
    come();
  }
  t.equal(delay.windowNs, 200n * ms, 'with pauses, the shortest time again');
  t.end();
});

t.test('a recording waits the longest time, whatever its times', (t) => {
  const delay = new Delay(undefined);
  delay.anchor = anchor;
  delay.note(0n);
  t.equal(delay.windowNs, 3000n * ms);
  t.equal(delay.flushes, 30);
  t.end();
});

t.test('a clock that is set back is no lag', (t) => {
  const delay = new Delay(() => 0);
  delay.anchor = anchor;
  delay.note(1n);
  t.equal(delay.windowNs, 200n * ms);
  t.end();
});

import fc from 'fast-check';
import t from 'tap';
import {HoldBack} from '../../src/parsers/hold-back.js';

interface Item {
  readonly time: bigint;
  readonly weight: number;
  readonly name: string;
  readonly isReady?: boolean;
}

const item = (time: number, name = String(time), isReady = true): Item => ({
  time: BigInt(time),
  weight: 10,
  name,
  isReady,
});
const names = (items: readonly Item[]) => items.map(({name}) => name);

function holdBack(limits: {maxCount?: number; maxWeight?: number} = {}): HoldBack<Item> {
  return new HoldBack({maxCount: 1000, maxWeight: 100_000, ...limits}, (each) => each.isReady ?? true);
}

t.test('lets out in order of time what is a window older than the newest', (t) => {
  const held = holdBack();
  for (const time of [20, 10, 30, 119]) held.add(item(time));
  t.same(names(held.release(100n)), ['10']);
  held.add(item(130));
  t.same(names(held.release(100n)), ['20', '30']);
  t.same(names(held.drain()), ['119', '130']);
  t.end();
});

t.test('keeps the order of arrival where times are equal', (t) => {
  const held = holdBack();
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) held.add(item(5, name));
  t.same(names(held.drain()).join(''), 'abcdefg');
  t.end();
});

t.test('lets out at once what comes later than the window', (t) => {
  const held = holdBack();
  held.add(item(1000));
  held.add(item(1));
  t.same(names(held.release(100n)), ['1']);
  t.end();
});

t.test('waits for what is still being put together, until a flush', (t) => {
  const held = holdBack();
  held.add(item(1, 'unready', false));
  held.add(item(2));
  held.add(item(500));
  t.same(held.release(100n), []);
  t.same(held.flush(1), [], 'it has waited for no flush yet');
  t.same(names(held.flush(1)), ['unready', '2', '500']);
  t.end();
});

t.test('a flush lets out only what has waited as long, and what belongs before it', (t) => {
  const held = holdBack();
  held.add(item(100));
  held.flush(1);
  held.add(item(50));
  held.add(item(150));
  t.same(names(held.flush(1)), ['50', '100']);
  t.same(names(held.flush(1)), ['150']);
  t.end();
});

t.test('holds no more than its limits', (t) => {
  const few = holdBack({maxCount: 3});
  for (let time = 1; time <= 5; time++) few.add(item(time, String(time), false));
  t.same(names(few.release(100n)), ['1', '2']);
  const light = holdBack({maxWeight: 25});
  for (let time = 1; time <= 5; time++) light.add(item(time));
  t.same(names(light.release(100n)), ['1', '2', '3']);
  t.equal(light.count, 2);
  t.end();
});

t.test('sorts whatever comes, and loses nothing', (t) => {
  const property = fc.property(fc.array(fc.integer({min: 0, max: 300}), {maxLength: 200}), (times) => {
    const held = holdBack();
    for (const [index, time] of times.entries()) held.add(item(time, `${time}.${index}`));
    const expected = times.map((time, index) => ({time, index})).sort((a, b) => a.time - b.time || a.index - b.index);
    return names(held.drain()).join() === expected.map(({time, index}) => `${time}.${index}`).join();
  });
  t.doesNotThrow(() => fc.assert(property));
  t.end();
});

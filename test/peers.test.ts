import t from 'tap';
import type {TraceEvent} from '../src/model.js';
import {createPeerTest} from '../src/peers.js';

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

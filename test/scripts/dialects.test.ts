import t from 'tap';
import {dialectOf, dialects} from '../../src/scripts/dialects.js';

for (const [version, name] of [
  ['bpftrace v0.11.3', '0.11'],
  ['0.13.1', '0.12'],
  ['0.14.0', '0.14'],
  ['0.16.0', '0.16'],
  ['v0.17.0', '0.17'],
  ['0.18.1', '0.17'],
  ['0.19.1', '0.19'],
  ['0.21.3', '0.20'],
  ['0.22.1', '0.22'],
  ['bpftrace v0.23.2-12-gd95a', '0.23'],
  ['0.27.1', '0.23'],
  ['1.2.0', '0.23'],
] as const) {
  t.test(`${version} speaks the dialect ${name}`, async (t) => t.equal(dialectOf(version).name, name));
}

t.test('a bpftrace that is too old, and what is no version, are refused', async (t) => {
  t.throws(() => dialectOf('0.9.4'), {code: 'BPFTRACE_TOO_OLD'});
  t.throws(() => dialectOf('latest'), {code: 'BAD_VALUE'});
});

t.test('the dialects follow one another without a gap', async (t) => {
  for (const [index, {to}] of dialects.slice(0, -1).entries()) t.same(dialects[index + 1]?.from, [to[0], to[1] + 1]);
});

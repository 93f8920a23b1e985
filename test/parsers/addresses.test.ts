import {isIPv6} from 'node:net';
import fc from 'fast-check';
import t from 'tap';
import {inetText, unixText} from '../../src/parsers/addresses.js';

t.test('IPv4', async (t) => t.equal(inetText(Buffer.of(127, 0, 0, 1), 8443), '127.0.0.1:8443'));

for (const [hex, text] of [
  ['00000000000000000000000000000001', '::1'],
  ['00000000000000000000000000000000', '::'],
  ['20010db8000000000000000000000001', '2001:db8::1'],
  ['20010db8000000010000000000000001', '2001:db8:0:1::1'],
  ['00010000000200000000000000030004', '1:0:2::3:4'],
  ['fe800000000000000000000000000000', 'fe80::'],
  ['00010002000300040005000600070008', '1:2:3:4:5:6:7:8'],
  ['00010000000300040005000600070008', '1:0:3:4:5:6:7:8'],
  ['00000000000000000000ffff7f000001', '::ffff:127.0.0.1'],
  ['10000000000000000000000000000a00', '1000::a00'],
] as const) {
  t.test(`the address ${text}`, async (t) => t.equal(inetText(Buffer.from(hex, 'hex'), 443), `[${text}]:443`));
}

t.test('every address is written as the URL standard writes it, and is one', async () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.constant(0), fc.nat(65_535)), {minLength: 8, maxLength: 8}), (groups) => {
      const bytes = Buffer.alloc(16);
      for (const [index, group] of groups.entries()) bytes.writeUInt16BE(group, 2 * index);
      const text = inetText(bytes, 1);
      const {hostname} = new URL(`http://[${groups.map((group) => group.toString(16)).join(':')}]`);
      const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
      if (!isIPv6(text.slice(1, -3))) throw new Error(text);
      if (!isMapped && text !== `${hostname}:1`) throw new Error(`${text} is not ${hostname}`);
    }),
    {numRuns: 2000},
  );
});

t.test('Unix sockets have a path, an abstract name, or none', async (t) => {
  t.equal(unixText(Buffer.from('/run/a.sock\0')), '/run/a.sock');
  t.equal(unixText(Buffer.from('\0abstract')), '@abstract');
  t.equal(unixText(Buffer.alloc(0)), '');
});

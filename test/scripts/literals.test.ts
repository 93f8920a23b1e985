import fc from 'fast-check';
import t from 'tap';
import {
  commentLiteral,
  commLiteral,
  isAttachable,
  numberLiteral,
  pathLiteral,
  printedLiteral,
  symbolLiteral,
} from '../../src/scripts/literals.js';

t.test('a path with spaces, quotes of one kind, braces, percent and dollar signs may stand in a script', async (t) => {
  t.equal(pathLiteral("/opt/a b/it's {x} 100%d $1 @+,;(.so").toString(), `"/opt/a b/it's {x} 100%d $1 @+,;(.so"`);
});

for (const path of ['/a*b', '/a?b', '/a[b', '/a]b', '/a"b', '/a\\b', '/a:b', '/a\nb', '/a\u00e9', 'relative', '']) {
  t.test(`the path ${JSON.stringify(path)} is refused, with a link as the way out`, async (t) => {
    t.throws(() => pathLiteral(path), {
      code: 'UNSAFE_NAME',
      suggestions: [/^Give the file a plain name as well, and trace that: ln /],
    });
  });
}

t.test('whatever path is taken is one quoted token', async () => {
  fc.assert(
    fc.property(fc.string({unit: 'binary'}), (tail) => {
      const path = `/${tail}`;
      if (!isAttachable(path)) return;
      const text = pathLiteral(path).toString();
      if (!/^"[^"\\\n]*"$/.test(text)) throw new Error(text);
    }),
    {numRuns: 2000},
  );
});

t.test('whatever process name is taken is one quoted token that means that name', async () => {
  fc.assert(
    fc.property(fc.string({unit: 'grapheme-ascii', minLength: 1, maxLength: 15}), (comm) => {
      const text = commLiteral(comm).toString();
      if (JSON.parse(text) !== comm) throw new Error(text);
    }),
  );
});

t.test('a process name longer than the kernel keeps, or with a newline, is refused', async (t) => {
  t.throws(() => commLiteral('a-name-of-16-byt'), {code: 'UNSAFE_NAME', message: /15 characters/});
  t.throws(() => commLiteral('a\nb'), {code: 'UNSAFE_NAME'});
});

t.test('a symbol is an identifier or nothing', async (t) => {
  t.equal(symbolLiteral('SSL_read').toString(), 'SSL_read');
  for (const name of ['SSL read', 'a;b', 'a{', '', '1a', 'a"'])
    t.throws(() => symbolLiteral(name), {code: 'UNSAFE_NAME'});
});

t.test('a number is digits or nothing', async (t) => {
  t.equal(numberLiteral(2n ** 64n - 1n).toString(), '18446744073709551615');
  for (const value of [-1, 1.5, Number.NaN, '1 || 1']) t.throws(() => numberLiteral(value), {code: 'BAD_VALUE'});
});

t.test('printed and commented text stays on its line and in its string', async () => {
  fc.assert(
    fc.property(fc.string({unit: 'binary'}), (text) => {
      if (!/^[^"%\\|\n]*$/.test(printedLiteral(text).toString())) throw new Error(text);
      if (!/^[\x20-\x7e]*$/.test(commentLiteral(text).toString())) throw new Error(text);
    }),
    {numRuns: 2000},
  );
});

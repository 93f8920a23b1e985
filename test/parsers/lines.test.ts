import {Readable} from 'node:stream';
import fc from 'fast-check';
import t from 'tap';
import {cutMark, maxLineLength, toLines} from '../../src/parsers/lines.js';

async function linesOf(chunks: readonly (Buffer | string)[]): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of toLines(Readable.from(chunks.map((chunk) => Buffer.from(chunk as string, 'latin1')))))
    lines.push(line);
  return lines;
}

t.test('splits lines wherever the chunks end', async (t) => {
  t.same(await linesOf(['one\ntw', 'o\n\nthr', 'ee', '\n']), ['one', 'two', '', 'three']);
});

t.test('loses no byte, whatever the bytes are and however they are cut', async (t) => {
  const property = fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({maxLength: 40}), {maxLength: 20}), async (chunks) => {
      const whole = Buffer.concat([...chunks.map((chunk) => Buffer.from(chunk)), Buffer.from('\n')]);
      const lines = await linesOf([...chunks.map((chunk) => Buffer.from(chunk).toString('latin1')), '\n']);
      return Buffer.from(`${lines.join('\n')}\n`, 'latin1').equals(whole);
    }),
  );
  await t.resolves(property);
});

t.test('marks a last line that has no end', async (t) => {
  t.same(await linesOf(['E|1|2\nE|1']), ['E|1|2', `E|1${cutMark}`]);
  t.same(await linesOf(['{"type": "summary"}']), ['{"type": "summary"}'], 'a closed object is whole');
  t.same(await linesOf(['{"type": "sum']), [`{"type": "sum${cutMark}`]);
});

t.test('cuts and marks a line that is too long, in one chunk or in many, and goes on with the next', async (t) => {
  const long = 'a'.repeat(maxLineLength + 1);
  const cut = long.slice(1) + cutMark;
  t.ok((await linesOf([`x\n${long}\ny\n`]))[1] === cut);
  const chunks = ['x\n', ...Array(70).fill('a'.repeat(65_536)), '\ny\n'];
  const lines = await linesOf(chunks);
  t.ok(lines[1] === cut);
  t.same([lines[0], lines[2], lines.length], ['x', 'y', 3]);
});

t.test('leaves a line of just the greatest length alone', async (t) => {
  const line = 'a'.repeat(maxLineLength);
  t.same(
    (await linesOf([`${line}\n${line}\n`])).map(({length}) => length),
    [maxLineLength, maxLineLength],
  );
});

t.test('throws the error of the stream itself', async (t) => {
  const broken = new Readable({
    read() {
      this.destroy(new Error('the disk has gone'));
    },
  });
  await t.rejects(
    async () => {
      for await (const line of toLines(broken)) t.fail(line);
    },
    {message: 'the disk has gone'},
  );
});

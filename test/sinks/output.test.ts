import {PassThrough, Writable} from 'node:stream';
import t from 'tap';
import {createOutput} from '../../src/sinks/output.js';

t.test('a slow reader is waited for, and gets all in order', async (t) => {
  let taken = '';
  const slow = new Writable({
    highWaterMark: 10,
    write: (chunk, _, done) => {
      taken += chunk;
      setTimeout(done, 1);
    },
  });
  const output = createOutput(slow);
  const all = Array.from({length: 50}, (_, index) => `${index}:${'x'.repeat(3000)}\n`);
  for (const text of all) await output.write(text);
  await output.flush();
  t.equal(taken, all.join(''));
});

t.test('a reader that has gone is known, and nothing is thrown', async (t) => {
  const stream = new PassThrough();
  const output = createOutput(stream);
  await output.write('a');
  stream.destroy(Object.assign(new Error('gone'), {code: 'EPIPE'}));
  await new Promise((resolve) => setImmediate(resolve));
  t.ok(output.closed.aborted);
  await output.write('b');
  await output.flush();
});

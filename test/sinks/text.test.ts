import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import type {TraceEvent} from '../../src/model.js';
import {createTextSink, type TextOptions} from '../../src/sinks/text.js';
import {dataEvent, exchange} from './events.js';

/** Whole outputs as files; `TLS_KIT_GOLDEN=1` writes them anew. */
const golden = join(import.meta.dirname, '..', 'golden', 'text');

async function shown(options: Partial<TextOptions>, events = exchange): Promise<string> {
  const written: string[] = [];
  const write = (text: string) => void written.push(text);
  const sink = createTextSink({out: write, err: write, colour: false, time: 'utc', payload: 'text', ...options});
  for (const event of events) await sink.write(event);
  await sink.close();
  return written.join('');
}

for (const [name, options] of [
  ['80-columns', {width: 80}],
  ['200-columns', {width: 200}],
  ['no-terminal', {}],
  ['coloured', {width: 80, colour: true}],
  ['hex', {payload: 'hex'}],
  ['relative', {time: 'relative'}],
] as const) {
  t.test(`an exchange in text, ${name}, is as recorded`, async (t) => {
    const text = await shown(options);
    const path = join(golden, `exchange.${name}.txt`);
    if (process.env.TLS_KIT_GOLDEN) writeFileSync(path, text);
    t.equal(text, readFileSync(path, 'utf8'));
  });
}

t.test('a process is named before the first that is shown of it, and not without', async (t) => {
  const named = (pid: number) => ({type: 'process', pid, comm: 'curl'}) as TraceEvent;
  const call = dataEvent('x');
  const text = await shown({}, [named(call.pid + 1), named(call.pid), call, call]);
  t.match(text, new RegExp(`^process ${call.pid} curl\\n[^]*x\\n[^]*x\\n$`));
  t.equal(text.split('process').length, 2);
});

t.test(
  'ciphertext, inside of a call whose plaintext is shown, is left out unless all calls are asked for',
  async (t) => {
    const {time, pid, tid, connection} = dataEvent('x');
    const plain = {
      type: 'socket',
      time,
      pid,
      tid,
      syscall: 'write',
      fd: 3,
      result: 10,
      payload: 'Y2lwaGVydGV4dA==',
    } as TraceEvent;
    const inside = {...plain, connection} as TraceEvent;
    t.match(await shown({}, [plain]), 'ciphertext');
    t.notMatch(await shown({}, [inside]), 'ciphertext');
    t.match(await shown({}, [inside]), 'inside #');
    t.match(await shown({show: {headers: false, body: false, calls: true}}, [inside]), 'ciphertext');
    t.match(await shown({payload: 'hex'}, [inside]), '63 69 70 68');
  },
);

t.test('payload lines fit the width of the terminal', async (t) => {
  const text = await shown({width: 80}, [dataEvent('x'.repeat(500))]);
  for (const line of text.split('\n').slice(1)) t.ok(line.length <= 80, line);
});

t.test('whatever the payload and the names are, nothing that a terminal obeys is written', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({maxLength: 300}), fc.string({unit: 'binary'}), async (payload, name) => {
      const events: TraceEvent[] = [
        {type: 'process', pid: 1, comm: name, argv: [name]},
        dataEvent(payload, {comm: name, function: name, connection: {id: name, remote: name}}),
        {type: 'warning', code: 'x', message: name},
      ];
      const text = await shown({width: 80}, events);
      if (/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/.test(text))
        throw new Error(JSON.stringify(text));
    }),
    {numRuns: 300},
  );
});

t.test('text payload that is all printable is shown as it is, line for line', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.stringMatching(/^[ -~]{1,60}$/), {minLength: 1}), async (lines) => {
      const text = await shown({}, [dataEvent(lines.join('\n'))]);
      const got = text
        .split('\n')
        .slice(1, -1)
        .map((line) => line.slice(4));
      const wanted = lines.map((line) => line.trimEnd());
      if (JSON.stringify(got) !== JSON.stringify(wanted)) throw new Error(JSON.stringify({got, wanted}));
    }),
    {numRuns: 200},
  );
});

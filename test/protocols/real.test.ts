import {execFile} from 'node:child_process';
import {existsSync} from 'node:fs';
import * as http2 from 'node:http2';
import type {Server} from 'node:net';
import {promisify} from 'node:util';
import t from 'tap';
import {createDecoder, type MessageEvent} from '../../src/protocols/index.js';
import {listen, record} from './support/recording.js';
import {http1Server, http2Server, type Logged} from './support/servers.js';

const run = promisify(execFile);

/** Runs a client through the recorder, and returns what the server logged and what was decoded, in the same terms. */
async function compare(makeServer: (log: Logged[]) => Server, client: (url: string) => Promise<unknown>) {
  const log: Logged[] = [];
  const server = makeServer(log);
  const recorder = await record(await listen(server));
  try {
    await client(`http://127.0.0.1:${recorder.port}`);
  } finally {
    await recorder.stop();
    server.close();
  }
  const decoder = createDecoder();
  const messages = [...recorder.events.flatMap((event) => decoder.push(event)), ...decoder.end()];
  return {logged: sorted(log), decoded: sorted(messages.map(logLine)), messages};
}

function logLine({request, response}: MessageEvent): Logged {
  return {
    method: request?.method ?? '',
    path: request?.target ?? '',
    status: response?.status ?? 0,
    requestBytes: request?.body?.length ?? 0,
    responseBytes: response?.body?.length ?? 0,
  };
}

function sorted(lines: Logged[]): Logged[] {
  return lines.sort((a, b) => a.path.localeCompare(b.path) || a.method.localeCompare(b.method));
}

function needs(program: string): {skip: string | false} {
  const isThere = (process.env.PATH ?? '').split(':').some((folder) => existsSync(`${folder}/${program}`));
  return {skip: isThere ? false : `${program} is not installed`};
}

t.test('what curl does over HTTP/1.1 is what the server logged', needs('curl'), async (t) => {
  const {logged, decoded, messages} = await compare(http1Server, async (url) => {
    await run('curl', ['-s', '-o', '/dev/null', `${url}/[1-23]?size=101`]);
    await run('curl', ['-s', '-I', `${url}/head?size=5000`]);
    await run('curl', ['-s', '-o', '/dev/null', '--data-binary', 'x'.repeat(100_000), `${url}/upload?size=7`]);
    await run('curl', [
      '-s',
      '-o',
      '/dev/null',
      '-H',
      'Transfer-Encoding: chunked',
      '-d',
      'abc',
      `${url}/chunked?size=1000000`,
    ]);
    await run('curl', [
      '-s',
      '-o',
      '/dev/null',
      '-H',
      'Expect: 100-continue',
      '-d',
      'abc',
      `${url}/expect?status=503&size=4`,
    ]);
    await run('curl', ['-s', '-o', '/dev/null', '--http1.0', `${url}/old?size=33`]);
  });
  t.equal(logged.length, 28);
  t.strictSame(decoded, logged);
  t.ok(messages.every(({complete, side, protocol}) => complete && side === 'server' && protocol === 'http/1'));
});

t.test('what curl does over HTTP/2 is what the server logged', needs('curl'), async (t) => {
  const {logged, decoded, messages} = await compare(http2Server, async (url) => {
    const flags = ['-s', '--http2-prior-knowledge', '-o', '/dev/null'];
    // One each: curl 7.88 cannot use such a connection twice.
    for (const n of [1, 2, 3]) await run('curl', [...flags, `${url}/${n}?size=101`]);
    await run('curl', [...flags, '--data-binary', 'x'.repeat(100_000), `${url}/upload?size=1000000`]);
  });
  t.equal(logged.length, 4);
  t.strictSame(decoded, logged);
  t.ok(
    messages.every(({complete, protocol}) => complete && protocol === 'http/2'),
    JSON.stringify(messages.find(({complete}) => !complete)),
  );
});

t.test('what h2load does in 23 interleaved streams is what the server logged', needs('h2load'), async (t) => {
  const {logged, decoded, messages} = await compare(http2Server, (url) =>
    run('h2load', ['-n', '460', '-c', '2', '-m', '23', `${url}/load?size=4001&parts=3`]),
  );
  t.equal(logged.length, 460);
  t.strictSame(decoded, logged);
  t.ok(messages.every(({complete}) => complete));
});

t.test('what nghttp does, with priorities and padding, is what the server logged', needs('nghttp'), async (t) => {
  const {logged, decoded} = await compare(http2Server, (url) =>
    run('nghttp', [
      '-n',
      '-b',
      '64',
      ...Array.from({length: 23}, (_, n) => `${url}/${n}?size=${n * 1000 + 1}&parts=2`),
    ]),
  );
  t.equal(logged.length, 23);
  t.strictSame(decoded, logged);
});

t.test(
  'what 23 streams of a Node.js client say, with CONTINUATION and padding, is what the server logged',
  async (t) => {
    const padded = {paddingStrategy: http2.constants.PADDING_STRATEGY_MAX};
    const {logged, decoded, messages} = await compare(
      (log) => http2Server(log, {...padded, maxSendHeaderBlockLength: 100_000}),
      async (url) => {
        const session = http2.connect(url, {...padded, maxSendHeaderBlockLength: 100_000});
        await Promise.all(Array.from({length: 23}, (_, n) => exchange(session, n)));
        await new Promise<void>((done) => session.close(done));
      },
    );
    t.equal(logged.length, 23);
    t.strictSame(decoded, logged);
    t.ok(messages.every(({complete, gaps}) => complete && gaps.length === 0));
    for (const {request, response} of messages) {
      t.equal(response?.headers.find(({name}) => name === 'x-path')?.value, request?.target);
      t.equal(request?.headers.find(({name}) => name === 'x-long')?.value, `${request?.target}${'h'.repeat(20_000)}`);
    }
  },
);

async function exchange(session: http2.ClientHttp2Session, n: number): Promise<void> {
  const path = `/${n}?size=${n * 700}&parts=4`;
  const stream = session.request({
    ':method': n % 2 ? 'POST' : 'PUT',
    ':path': path,
    'x-long': `${path}${'h'.repeat(20_000)}`,
    'x-shared': 'the same in every request',
  });
  stream.end(Buffer.alloc(n * 100, 'q'));
  stream.resume();
  await new Promise((done) => stream.on('close', done));
}

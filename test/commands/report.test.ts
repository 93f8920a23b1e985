import {readFileSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {gzipSync} from 'node:zlib';
import {execa, execaSync} from 'execa';
import t, {type Test} from 'tap';
import {recording} from '../sinks/report/events.js';
import {plainEnv, program, root, tlsKit} from './tls-kit.js';

const printed = join(root, 'test/fixtures/recordings/exchange-0.17.text');

/** A folder with the capture of a small recording. */
function captureIn(t: Test): {folder: string; capture: string; text: string} {
  const folder = t.testdir({});
  const text = recording()
    .map((event) => `${JSON.stringify(event)}\n`)
    .join('');
  const capture = join(folder, 'capture.ndjson.gz');
  writeFileSync(capture, gzipSync(text));
  return {folder, capture, text};
}

t.test('report shows text, and the same as JSON', async (t) => {
  const {capture} = captureIn(t);
  const {status, stdout, stderr} = await tlsKit(['report', capture]);
  t.equal(stderr, '');
  t.equal(status, 0);
  t.equal(`${stdout}\n`, readFileSync(join(root, 'test/golden/text/report.txt'), 'utf8'));
  const json = JSON.parse((await tlsKit(['report', capture, '--json'])).stdout);
  t.match(json.totals, {exchanges: 101, failed: 21});
});

t.test('report and export read standard input', async (t) => {
  const {text} = captureIn(t);
  for (const [words, shown] of [
    [['report', '-'], /101 exchanges/],
    [['export', 'curl', '-'], /--request POST https:\/\/api\.example\/hang/],
  ] as const) {
    const {stdout} = await execa(process.execPath, [program, ...words], {input: text, env: plainEnv, extendEnv: false});
    t.match(stdout, shown);
  }
});

t.test('what bpftrace printed has its messages made on the way', async (t) => {
  t.match((await tlsKit(['report', printed])).stdout, /2 exchanges \(http\/1 2, 2xx 2\); 0 failed/);
  t.match((await tlsKit(['export', 'curl', printed])).stdout, /https:\/\/127\.0\.0\.1:19443\/f700 /);
  const har = JSON.parse((await tlsKit(['export', 'har', printed])).stdout);
  t.match(har.log.entries, [
    {request: {url: 'https://127.0.0.1:19443/f700'}},
    {request: {url: 'https://127.0.0.1:19443/f3k'}},
  ]);
});

t.test('a capture that holds messages has no others made', async (t) => {
  const {text, folder} = captureIn(t);
  const [request, response] = ['GET /decoded HTTP/1.1\r\n\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'];
  const calls = [request, response].map((said, index) => ({
    ...(recording().find(({type}) => type === 'data') as object),
    connection: {id: 'x.1'},
    offset: 0,
    direction: index === 0 ? 'send' : 'receive',
    length: said.length,
    captured: said.length,
    payload: Buffer.from(said).toString('base64'),
  }));
  const [session, ...rest] = text.split('\n');
  const mixed = join(folder, 'mixed.ndjson');
  writeFileSync(mixed, [session, ...calls.map((call) => JSON.stringify(call)), ...rest].join('\n'));
  const {stdout} = await tlsKit(['export', 'curl', mixed]);
  t.match(stdout, /\/hang/);
  t.notMatch(stdout, /decoded/);
});

t.test('what is written is for its owner alone', async (t) => {
  const {folder, capture} = captureIn(t);
  const [html, har, pcapng] = ['report.html', 'export.har', 'export.pcapng'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const made = await tlsKit(['report', capture, '--html', html]);
  t.strictSame([made.status, made.stdout], [0, '']);
  t.match(made.stderr, /The report is in /);
  t.equal((await tlsKit(['export', 'har', capture, '-w', har])).status, 0);
  t.equal((await tlsKit(['export', 'pcapng', capture, '-w', pcapng])).status, 0);
  for (const path of [html, har, pcapng]) t.equal(statSync(path).mode & 0o777, 0o600, path);
  t.match(readFileSync(html, 'utf8'), /^<!doctype html>/);
  t.equal(JSON.parse(readFileSync(har, 'utf8')).log.entries.length, 101);
  t.equal(readFileSync(pcapng).readUInt32LE(0), 0x0a0d_0d0a);
});

t.test('what is no recording, or cannot be read or written, is said with its exit status', async (t) => {
  const {folder, capture} = captureIn(t);
  const notes = join(folder, 'notes.txt');
  writeFileSync(notes, 'Dear diary\n');
  for (const command of [['report'], ['export', 'har']]) {
    const wrong = await tlsKit([...command, notes]);
    t.equal(wrong.status, 2);
    t.match(wrong.stderr, /holds no recording/);
    t.equal(wrong.stdout, '');
    t.match(await tlsKit([...command, join(folder, 'absent')]), {status: 2, stderr: /cannot be read/});
  }
  t.match(await tlsKit(['report', capture, '--html', '/absent/x.html']), {
    status: 1,
    stderr: /Name another file with --html/,
  });
  t.match(await tlsKit(['export', 'curl', capture, '-w', '/absent/x']), {
    status: 1,
    stderr: /Name another file with -w/,
  });
  t.match(await tlsKit(['export', 'gif', capture]), {status: 2, stderr: /har, pcapng, curl/});
  t.match(JSON.parse((await tlsKit(['report', notes, '--json'])).stdout), {error: {code: 'NOT_A_CAPTURE'}});
});

t.test('a closed pipe ends an export', async (t) => {
  const {capture} = captureIn(t);
  const {stdout, exitCode} = await execa(
    'bash',
    ['-c', `set -o pipefail; "$0" "$1" export har "$2" | head -c 10`, process.execPath, program, capture],
    {env: plainEnv, extendEnv: false, reject: false},
  );
  t.strictSame([stdout, exitCode], ['{"log":{"v', 0]);
});

const noTshark = execaSync('tshark', ['--version'], {reject: false}).failed && 'tshark is not installed';

t.test('messages of a capture, those made from its data, and tshark agree', {skip: noTshark}, async (t) => {
  const folder = t.testdir({});
  const [whole, bare, packets] = ['whole', 'bare', 'packets'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const maker = join(root, 'test/bench/make-capture.mjs');
  const {stdout: text} = await execa(process.execPath, [maker, '2000', '100'], {env: plainEnv, extendEnv: false});
  writeFileSync(whole, text);
  const lines = text.split('\n').filter((line) => !line.startsWith('{"type":"message"'));
  const session = {...JSON.parse(lines[0] ?? ''), redaction: 'off', messages: false};
  writeFileSync(bare, [JSON.stringify(session), ...lines.slice(1)].join('\n'));
  const [ofMessages, ofData] = await Promise.all(
    [whole, bare].map(async (path) => JSON.parse((await tlsKit(['report', path, '--json'])).stdout)),
  );
  for (const part of ['totals', 'latency', 'hosts', 'slowest', 'peers'])
    t.strictSame(ofData[part], ofMessages[part], part);
  t.equal((await tlsKit(['export', 'pcapng', whole, '--port-80', '-w', packets])).status, 0);
  const {stdout} = await execa('tshark', ['-r', packets, '-Y', 'http', '-T', 'fields', '-e', 'http.request.method'], {
    reject: false,
  });
  const seen = stdout.split('\n');
  const {exchanges, answered} = ofMessages.totals;
  t.strictSame([seen.filter(Boolean).length, seen.filter((method) => method === '').length], [exchanges, answered]);
});

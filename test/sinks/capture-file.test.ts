import {execFileSync} from 'node:child_process';
import {chmodSync, chownSync, linkSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {gunzipSync} from 'node:zlib';
import t from 'tap';
import type {TlsKitError} from '../../src/errors.js';
import {createCaptureFile} from '../../src/sinks/capture-file.js';
import {dataEvent, exchange} from './events.js';

t.test('a capture is NDJSON of mode 0600, and compressed when its name says so', async (t) => {
  const folder = t.testdir();
  for (const name of ['a.ndjson', 'a.ndjson.gz']) {
    const path = join(folder, name);
    const sink = createCaptureFile(path);
    for (const event of exchange) await sink.write(event);
    await sink.close();
    t.equal(statSync(path).mode & 0o777, 0o600);
    const bytes = name.endsWith('.gz') ? gunzipSync(readFileSync(path)) : readFileSync(path);
    t.strictSame(
      bytes
        .toString()
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
      exchange,
    );
  }
});

t.test('a symbolic link, a folder, and a file of two names are refused', async (t) => {
  const folder = t.testdir({real: 'precious', folder: {}});
  symlinkSync(join(folder, 'real'), join(folder, 'link'));
  for (const [name, why] of [
    ['link', /symbolic link/],
    ['folder', /directory/],
    ['missing/file', /no such file/],
  ] as const) {
    t.throws(() => createCaptureFile(join(folder, name)), {code: 'WRITE_FAILED', message: why});
  }
  t.equal(readFileSync(join(folder, 'real'), 'utf8'), 'precious');
});

const isRoot = process.getuid?.() === 0;

t.test('a file of another user is left alone, empty or not, and an own one is closed to others', async (t) => {
  const folder = t.testdir({other: 'precious', empty: '', mine: 'old'});
  if (isRoot) {
    for (const [name, uid] of [
      ['other', 1],
      ['empty', 2],
    ] as const) {
      chownSync(join(folder, name), uid, uid);
      const refusal = {code: 'WRITE_FAILED', message: new RegExp(`belongs to user ${uid}`)};
      t.throws(() => createCaptureFile(join(folder, name)), refusal);
    }
    t.equal(readFileSync(join(folder, 'other'), 'utf8'), 'precious');
  }
  chmodSync(join(folder, 'mine'), 0o666);
  await createCaptureFile(join(folder, 'mine')).close();
  const {mode, size} = statSync(join(folder, 'mine'));
  t.same([mode & 0o777, size], [0o600, 0]);
});

t.test('a file of two names, a FIFO and a device are refused', async (t) => {
  const folder = t.testdir({one: 'precious'});
  linkSync(join(folder, 'one'), join(folder, 'two'));
  execFileSync('mkfifo', [join(folder, 'fifo')]);
  for (const path of [join(folder, 'two'), join(folder, 'fifo'), '/dev/null']) {
    t.throws(() => createCaptureFile(path), {code: 'WRITE_FAILED'}, path);
  }
  t.equal(readFileSync(join(folder, 'one'), 'utf8'), 'precious');
});

t.test('a full disk is one clear failure, and what was written stays', {skip: !isRoot && 'needs root'}, async (t) => {
  const folder = join(t.testdir(), 'small');
  mkdirSync(folder);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder]);
  try {
    const path = join(folder, 'capture.ndjson');
    const sink = createCaptureFile(path);
    let failure: TlsKitError | undefined;
    for (let count = 0; count < 200 && !failure; count++) {
      await Promise.resolve(sink.write(dataEvent('x'.repeat(1000)))).catch((error: TlsKitError) => {
        failure = error;
      });
    }
    const closing = sink.close().catch((error: TlsKitError) => error);
    t.match(failure ?? (await closing), {code: 'WRITE_FAILED', message: /disk is full.*kept/s});
    await closing;
    t.ok(statSync(path).size > 30_000, 'what was written before is there');
  } finally {
    execFileSync('umount', [folder]);
  }
});

t.test('a compressed capture can be read up to where a kill ended it', async (t) => {
  const path = join(t.testdir(), 'a.gz');
  const sink = createCaptureFile(path);
  await sink.write(dataEvent('before the kill'));
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const cut = readFileSync(path);
  writeFileSync(`${path}.cut.gz`, cut);
  const text = execFileSync('sh', ['-c', `zcat ${path}.cut.gz 2>/dev/null; true`], {encoding: 'utf8'});
  t.match(text, /"captured":15/);
  await sink.close();
});

import {execFileSync} from 'node:child_process';
import {randomBytes} from 'node:crypto';
import {copyFileSync, mkdirSync, readFileSync, statSync, symlinkSync, truncateSync} from 'node:fs';
import {basename, dirname, join} from 'node:path';
import {gzipSync} from 'node:zlib';
import t, {type Test} from 'tap';
import {type Ended, root, run, tlsKit} from '../commands/tls-kit.js';
import {beside, portOf, runCurl, startNginx, startSink, systemLibrary} from './programs.js';
import {cannotTrace, dataOf, eventsIn, Tracer} from './tracer.js';
import {payloadOf, until, Workshop} from './workshop.js';

const reason = cannotTrace();

function workshopOf(t: Test): Workshop {
  const workshop = new Workshop();
  t.teardown(() => workshop.close());
  return workshop;
}

/** One message that says what is wrong, with what to do next, and nothing else. */
function refuses(
  t: Test,
  {status, stdout, stderr}: Ended,
  wanted: number,
  message: string | RegExp,
  nextStep: string | RegExp,
) {
  t.equal(status, wanted, stderr);
  t.equal(stdout, '');
  t.equal(stderr.match(/^Error: /gm)?.length, 1, stderr);
  t.match(stderr.split('\nTry this:')[0], message);
  t.match(stderr.split('\nTry this:')[1], nextStep);
}

t.test('without root, the sudo line to type is told', {skip: reason}, async (t) => {
  const workshop = workshopOf(t);
  workshop.openToAll();
  const here = join(workshop.folder, 'project');
  mkdirSync(here);
  const script =
    'mount --bind "$1" "$2" && shift 2 && exec setpriv --reuid 65534 --regid 65534 --clear-groups env -u NODE_OPTIONS "$@"';
  const enter = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', root, here];
  const words = ['trace', 'openssl', '-c', 'a b', '--', 'sh', '-c', 'echo "$HOME"'];
  const ended = await run([...enter, process.execPath, join(here, 'bin/run.js'), ...words]);
  refuses(t, ended, 3, 'root', `sudo tls-kit trace openssl -c 'a b' -- sh -c 'echo "$HOME"'`);
});

t.test('a bpftrace that is missing, broken, too old or none is told apart', {skip: reason}, async (t) => {
  const workshop = workshopOf(t);
  const fake = (name: string, script: string) => workshop.file(name, `#!/bin/sh\n${script}\n`, 0o755);
  const trace = (bpftrace: string) => tlsKit(['trace', '--bpftrace', bpftrace]);
  refuses(t, await trace('/nowhere/bpftrace'), 3, 'There is no /nowhere/bpftrace', 'apt-get install bpftrace');
  refuses(t, await trace(fake('fails', 'echo no luck >&2; exit 1')), 3, /does not work.*no luck/, '--bpftrace PATH');
  refuses(t, await trace(fake('dies', 'kill -SEGV $$')), 3, /does not work.*SIGSEGV/, '--bpftrace PATH');
  refuses(t, await trace(fake('other', 'echo nice v1.2')), 3, /does not work.*told no version/, '--bpftrace PATH');
  refuses(t, await trace(fake('old', 'echo bpftrace v0.9.4')), 3, 'bpftrace 0.9 is too old', '--bpftrace PATH');
  const plain = workshop.file('plain', 'no program', 0o644);
  refuses(t, await trace(plain), 3, /plain/, '--bpftrace PATH');
});

t.test('a pid that is nobody is refused, and one that dies ends no trace badly', {skip: reason}, async (t) => {
  const nobody = String(2 ** 22 + 1); // above PID_MAX_LIMIT
  refuses(t, await tlsKit(['trace', '-p', nobody]), 4, `There is no process ${nobody}.`, 'tls-kit targets');
  const workshop = workshopOf(t);
  const libssl = await systemLibrary('libssl');
  const own = workshop.copyLibrary(libssl, beside(libssl));
  const child = workshop.start(['/usr/bin/python3', '-c', 'import ssl, time; print("up", flush=True); time.sleep(60)']);
  let isUp = false;
  child.stdout?.on('data', () => {
    isUp = true;
  });
  await until(() => isUp, 'Python to have the library');
  const tracer = await new Tracer(workshop.folder, ['--lib', own, '-p', String(child.pid)]).ready();
  child.kill('SIGKILL');
  await until(() => child.signalCode !== null, 'Python to end');
  t.equal(await tracer.stop(), 0);
  t.match(tracer.errors, `The filter matches no running process: pid ${child.pid}`);
});

t.test('a library that cannot be traced is told why', {skip: reason}, async (t) => {
  const workshop = workshopOf(t);
  const libssl = await systemLibrary('libssl');
  const copy = (name: string) => {
    const path = workshop.file(name);
    copyFileSync(libssl, path);
    return path;
  };
  const trace = (path: string) => tlsKit(['trace', '--lib', path]);
  refuses(t, await trace('/nowhere/libssl.so.3'), 2, '/nowhere/libssl.so.3', /\w/);
  refuses(t, await trace(workshop.folder), 4, workshop.folder, /\w/);
  refuses(t, await trace(workshop.file('text', 'libssl?')), 4, 'text', /\w/);
  refuses(t, await trace(workshop.file('empty', '')), 4, 'empty', /\w/);
  for (const size of [20, 64, 5000, 200_000]) {
    const half = copy(`cut-${size}`);
    truncateSync(half, size);
    refuses(t, await trace(half), 4, `cut-${size}`, /\w/);
  }
  const foreign = readFileSync(libssl);
  foreign.writeUInt16LE(process.arch === 'x64' ? 183 : 62, 18); // e_machine: EM_AARCH64, EM_X86_64, see elf(5)
  refuses(
    t,
    await trace(workshop.file('foreign', foreign)),
    4,
    /foreign.*(?:processor|architecture|machine|x86|arm|aarch)/i,
    /\w/,
  );
  const program = join(workshop.folder, 'stripped');
  const source = workshop.file('stripped.c', 'int SSL_read() { return 1; } int main() { return SSL_read(); }');
  execFileSync('gcc', ['-s', '-o', program, source]);
  refuses(t, await trace(program), 4, 'stripped', /\w/);
});

t.test('a library by any name is traced, or refused with a way that works', {skip: reason}, async (t) => {
  const workshop = workshopOf(t);
  const libssl = await systemLibrary('libssl');
  workshop.copyLibrary(libssl, beside(libssl)); // for the server
  const place = (name: string) => {
    const folder = join(workshop.folder, name);
    mkdirSync(folder);
    for (const each of [libssl, beside(libssl)]) copyFileSync(each, join(folder, basename(each)));
    return join(folder, basename(libssl));
  };
  const traced = ['a b', "it's", 'a}b', '{{a}}', '100%s', '$HOME', '-p'].map(place);
  const refused = ['a"b', 'a:b', 'a*b', 'a?b', 'a[b]', 'a\\b', 'a\nb', 'a\u00e9b'].map(place);

  for (const path of refused) {
    const ended = await tlsKit(['trace', '--lib', path]);
    refuses(t, ended, 2, 'bpftrace cannot attach', /ln /);
  }
  // The first of them as the message says.
  const [first] = refused as [string];
  const {stderr} = await tlsKit(['trace', '--lib', first]);
  const [, advice, link] = /: (ln .* (\S+))$/m.exec(stderr) as RegExpExecArray;
  execFileSync('sh', ['-c', advice as string]);

  workshop.file('www/page', 'a page');
  const sink = await startSink();
  t.teardown(() => sink.close());
  const port = await startNginx(workshop, portOf(sink));
  const libs = [...traced, link as string].flatMap((path) => ['--lib', path]);
  const tracer = await new Tracer(workshop.folder, [...libs, '--format', 'ndjson']).ready();
  const pids: number[] = [];
  for (const path of [...traced, first]) {
    const client = workshop.start(['curl', '-sk', '--output', '/dev/null', `https://127.0.0.1:${port}/page`], {
      env: {LD_LIBRARY_PATH: dirname(path)},
    });
    pids.push(client.pid as number);
    await new Promise((resolve) => client.once('exit', resolve));
  }
  t.equal(await tracer.stop(), 0, tracer.errors);
  for (const [index, pid] of pids.entries()) {
    const data = dataOf(tracer.events).filter((event) => event.pid === pid && event.direction === 'send');
    const sent = data.map(({payload}) => Buffer.from(payload, 'base64').toString()).join('');
    t.match(sent, /^GET \/page /, [...traced, first][index] as string);
  }
});

t.test('a full disk under -w ends the trace with what fits', {skip: reason}, async (t) => {
  const workshop = workshopOf(t);
  const libssl = await systemLibrary('libssl');
  const own = workshop.copyLibrary(libssl, beside(libssl));
  const disk = join(workshop.folder, 'disk');
  mkdirSync(disk);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', disk]);
  t.teardown(() => execFileSync('umount', [disk]));
  workshop.file('www/page', payloadOf(100_000, 'random'));
  const sink = await startSink();
  t.teardown(() => sink.close());
  const port = await startNginx(workshop, portOf(sink));
  const capture = join(disk, 'capture.ndjson');
  const tracer = await new Tracer(workshop.folder, ['--lib', own, '-w', capture]).ready();
  for (let times = 0; times < 5; times++)
    await runCurl(workshop, ['--output', '/dev/null', `https://127.0.0.1:${port}/page`]);
  t.equal(await tracer.ended(), 1, tracer.errors);
  t.equal(tracer.errors.match(/^Error: /gm)?.length, 1, tracer.errors);
  t.match(tracer.errors, /capture\.ndjson.*(?:ENOSPC|no space|full)/i);
  t.match(tracer.errors, 'Try this:');
  t.ok(statSync(capture).size > 100_000);
  const lines = readFileSync(capture, 'utf8').split('\n');
  t.ok(dataOf(eventsIn(lines.slice(0, -1).join('\n'))).length > 0, 'what fits is whole lines');
});

t.test('a recording that is garbage is refused, and damage is counted', async (t) => {
  const workshop = workshopOf(t);
  const replay = (name: string, content: string | Uint8Array) => tlsKit(['replay', workshop.file(name, content)]);
  refuses(t, await tlsKit(['replay', '/nowhere/file']), 2, '/nowhere/file', /\w/);
  refuses(t, await tlsKit(['replay', workshop.folder]), 2, workshop.folder, /\w/);
  refuses(t, await replay('empty', ''), 2, 'is empty', 'tls-kit trace -w');
  refuses(t, await replay('random', randomBytes(100_000)), 2, 'holds no recording', 'tls-kit trace -w');
  refuses(t, await replay('text', 'To be, or not to be\n'.repeat(1000)), 2, 'holds no recording', 'tls-kit trace -w');
  refuses(t, await replay('one-line', 'x'.repeat(50_000_000)), 2, 'one-line', /\w/);
  refuses(t, await replay('zip.gz', randomBytes(1000)), 2, 'zip.gz', /\w/);
  const dangling = join(workshop.folder, 'dangling');
  symlinkSync('/nowhere/file', dangling);
  refuses(t, await tlsKit(['replay', dangling]), 2, 'dangling', /\w/);

  const session = {type: 'session', schema: 1};
  const cut = '{"type":"data","time":"2026-01-0';
  const damaged = workshop.file(
    'damaged',
    `${JSON.stringify(session)}\n\u0000\u0001\n[]\nnull\n{"type":"none"}\n${cut}`,
  );
  const ended = await tlsKit(['replay', '--format', 'ndjson', damaged]);
  t.equal(ended.status, 0, ended.stderr);
  const summary = eventsIn(ended.stdout).at(-1);
  t.match(summary, {type: 'summary', incomplete: true});
  t.ok((summary as {malformedLines: number}).malformedLines >= 5);

  const warnings = Array.from({length: 2000}, () => ({
    type: 'warning',
    code: 'x',
    message: randomBytes(9).toString('hex'),
  }));
  const whole = gzipSync([session, ...warnings].map((event) => JSON.stringify(event)).join('\n'));
  const cutOff = workshop.file('cut.gz', whole.subarray(0, whole.length / 2));
  const replayed = await tlsKit(['replay', '--format', 'ndjson', cutOff]);
  t.equal(replayed.status, 0, replayed.stderr);
  const events = eventsIn(replayed.stdout);
  t.ok(events.length > 500, 'what came before the cut');
  t.match(events.at(-1), {type: 'summary', incomplete: true});
});

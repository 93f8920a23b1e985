/** Who is root while tls-kit runs: bpftrace and its keeper alone. By sudo itself, with a user and a rule made for the test. */
import {type ChildProcess, execFileSync, spawn} from 'node:child_process';
import {once} from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import {join} from 'node:path';
import type {Readable} from 'node:stream';
import t from 'tap';
import {beside, startOpensslServer, systemLibrary} from './programs.js';
import {cannotTrace, cli, dataOf, eventsIn, summaryOf} from './tracer.js';
import {until, Workshop} from './workshop.js';

const user = 'tls-kit-test';
const rule = '/etc/sudoers.d/tls-kit-test';

function reasonNot(): string | false {
  const reason = cannotTrace();
  if (reason) return reason;
  return existsSync('/usr/bin/sudo') && existsSync('/etc/sudoers.d') ? false : 'no sudo here';
}
const skip = reasonNot();

interface Seen {
  readonly pid: number;
  readonly words: string;
  readonly uids: string;
}

/** The command line, real and effective user of each process below one. */
function below(pid: number): Seen[] {
  const found: Seen[] = [];
  const parents = new Set([pid]);
  for (const parent of parents) {
    for (const child of childrenOf(parent)) parents.add(child);
    const uids = /^Uid:\t(\d+\t\d+\t\d+)/m.exec(readFileSync(`/proc/${parent}/status`, 'utf8'))?.[1] ?? '';
    found.push({pid: parent, words: readFileSync(`/proc/${parent}/cmdline`, 'utf8').replaceAll('\0', ' '), uids});
  }
  return found;
}

/** The process that reads what bpftrace captured. */
const parser = /^\S*node\S* .*trace/;

function childrenOf(pid: number): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids
    .filter((each) => {
      try {
        return new RegExp(`^PPid:\t${pid}$`, 'm').test(readFileSync(`/proc/${each}/status`, 'utf8'));
      } catch {
        return false; // it has just ended
      }
    })
    .map(Number);
}

t.test('by sudo', {skip}, async (t) => {
  const workshop = new Workshop();
  execFileSync('useradd', ['--create-home', '--shell', '/bin/sh', user]);
  const uid = execFileSync('id', ['-u', user], {encoding: 'utf8'}).trim();
  writeFileSync(rule, `Defaults:${user} !requiretty\n${user} ALL=(ALL) NOPASSWD: ALL\n`, {mode: 0o440});
  t.teardown(async () => {
    rmSync(rule, {force: true});
    execFileSync('umount', [kit]);
    await workshop.close();
    execFileSync('userdel', ['--remove', user], {stdio: 'ignore'});
  });
  const libssl = await systemLibrary('libssl');
  const library = workshop.copyLibrary(libssl, beside(libssl));
  const {key} = await workshop.certificate();
  chmodSync(workshop.folder, 0o755);
  chmodSync(key, 0o644);
  const own = join(workshop.folder, 'own');
  mkdirSync(own);
  execFileSync('chown', [user, own]);

  /** The program where any user can read it: it may lie in a home that is root's alone. */
  const kit = join(workshop.folder, 'kit');
  mkdirSync(kit);
  execFileSync('mount', ['-o', 'bind,ro', join(cli, '..', '..'), kit]); // what cleans up may not reach the sources
  const program = join(kit, 'bin', 'run.js');

  const asUser = (words: readonly string[]): ChildProcess =>
    spawn(
      'setpriv',
      [
        '--reuid',
        user,
        '--regid',
        user,
        '--init-groups',
        '--',
        'env',
        '-u',
        'NODE_OPTIONS',
        `LD_LIBRARY_PATH=${workshop.folder}/lib`,
        ...words,
      ],
      {
        cwd: own,
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );

  /** Runs it, looks who is who once it traces, lets the client talk, and stops it. */
  async function session(words: readonly string[], after: readonly string[] = []) {
    const {port, child: server} = await startOpensslServer(workshop);
    const ready = join(own, `ready-${Math.random()}`);
    const child = asUser([...words, '--format', 'ndjson', '--lib', library, '--ready-file', ready, ...after]);
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => err.push(chunk));
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    await until(() => existsSync(ready) || child.exitCode !== null, 'readiness');
    if (child.exitCode !== null) throw new Error(Buffer.concat(err).toString());
    const processes = below(child.pid as number);
    const client = asUser(['openssl', 's_client', '-quiet', '-connect', `127.0.0.1:${port}`]);
    server.stdin?.end('hello from the server\n');
    await once(client.stdout as Readable, 'data');
    client.kill();
    process.kill(processes.find(({words}) => parser.test(words))?.pid as number, 'SIGINT');
    const status = await ended;
    return {
      processes,
      status,
      readyFile: ready,
      text: Buffer.concat(out).toString(),
      errors: Buffer.concat(err).toString(),
    };
  }
  const uidsOf = (processes: Seen[], pattern: RegExp) =>
    processes.filter(({words}) => pattern.test(words)).map(({uids}) => uids);
  const theUser = `${uid}\t${uid}\t${uid}`;
  const theRoot = '0\t0\t0';
  const node = process.execPath;

  t.test('tls-kit under sudo is the caller again, bpftrace and its keeper are root', async (t) => {
    const {processes, status, readyFile, text, errors} = await session([
      'sudo',
      node,
      program,
      'trace',
      'openssl',
      '-u',
      user,
    ]);
    t.same(uidsOf(processes, parser), [theUser], 'the process that parses');
    t.same(uidsOf(processes, /^bpftrace/), [theRoot], 'bpftrace');
    t.same(uidsOf(processes, /^sh -c/), [theRoot], 'the keeper');
    t.equal(status, 0, errors);
    t.match(
      dataOf(eventsIn(text))
        .map(({payload}) => Buffer.from(payload, 'base64').toString())
        .join(''),
      'hello from the server',
    );
    t.match(summaryOf(eventsIn(text)), {incomplete: false, bytes: {lost: 0}});
    t.equal(String(statSync(readyFile).uid), uid);
    t.equal(statSync(readyFile).mode & 0o777, 0o600);
  });

  t.test('a capture is opened as the caller: his own is 0600, what he may not write is refused', async (t) => {
    const capture = join(own, 'capture.ndjson');
    await session(['sudo', node, program, 'trace', 'openssl', '-u', user, '-w', capture]);
    const {uid: owner, mode} = statSync(capture);
    t.same([String(owner), mode & 0o777], [uid, 0o600]);
    t.match(summaryOf(eventsIn(readFileSync(capture, 'utf8'))), {type: 'summary', incomplete: false});
    const precious = workshop.file('precious', 'root only', 0o600);
    symlinkSync(precious, join(own, 'link'));
    for (const path of [precious, join(own, 'link')]) {
      await t.rejects(session(['sudo', node, program, 'trace', 'openssl', '-w', path]), /cannot be written to/);
    }
    t.equal(readFileSync(precious, 'utf8'), 'root only');
  });

  for (const [name, setting] of [
    ['', ''],
    [' in a terminal of its own', `Defaults:${user} use_pty\n`],
  ]) {
    t.test(`an ordinary user with --sudo: only bpftrace and its keeper are root${name}`, async (t) => {
      writeFileSync(rule, `${setting}${user} ALL=(ALL) NOPASSWD: ALL\n`);
      const {processes, status, text, errors} = await session([
        node,
        program,
        'trace',
        'openssl',
        '--sudo',
        '-u',
        user,
      ]);
      t.same(uidsOf(processes, parser), [theUser], 'the process that parses');
      t.same(uidsOf(processes, /^bpftrace/), [theRoot], 'bpftrace');
      t.equal(status, 0, errors);
      t.match(
        dataOf(eventsIn(text))
          .map(({payload}) => Buffer.from(payload, 'base64').toString())
          .join(''),
        'hello from the server',
      );
      t.match(summaryOf(eventsIn(text)), {incomplete: false, bytes: {lost: 0}});
    });
  }

  t.test('with --sudo a command runs as the user', async (t) => {
    const child = asUser([
      node,
      program,
      'trace',
      '--sudo',
      '--format',
      'ndjson',
      '--lib',
      library,
      '--',
      'sh',
      '-c',
      'id -u >&2; exit 7',
    ]);
    const err: Buffer[] = [];
    child.stdout?.resume();
    child.stderr?.on('data', (chunk: Buffer) => err.push(chunk));
    const status = await new Promise((resolve) => child.once('close', resolve));
    t.equal(status, 7, Buffer.concat(err).toString());
    t.match(Buffer.concat(err).toString(), new RegExp(`^${uid}$`, 'm'));
  });

  t.test('sudo that would ask for a password and cannot is one clear failure', async (t) => {
    writeFileSync(rule, '');
    const child = asUser([node, program, 'trace', '--sudo', '--lib', library]);
    const err: Buffer[] = [];
    child.stderr?.on('data', (chunk: Buffer) => err.push(chunk));
    t.equal(await new Promise((resolve) => child.once('close', resolve)), 3);
    t.match(Buffer.concat(err).toString(), /sudo does not let this user run bpftrace/);
  });
});

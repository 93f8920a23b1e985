import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
import {readFileSync} from 'node:fs';
import {setTimeout as wait} from 'node:timers/promises';
import t from 'tap';
import {isRoot, tlsKit, tlsKitWithoutRoot, whyNotWithoutRoot} from './tls-kit.js';

/** A program that has libssl, and waits for what to do. */
const idle = await startIdle();
t.teardown(async () => {
  idle.kill();
  await once(idle, 'exit');
});

t.test('targets lists a process with its library, and what to type to trace it', async (t) => {
  const {status, stdout} = await tlsKit(['targets', String(idle.pid)]);
  t.equal(status, 0);
  const [head = '', line = ''] = stdout.split('\n');
  t.match(head, /^PID +PROCESS +LIBRARY +PATH +PEERS +TO TRACE IT, TYPE$/);
  t.match(
    line,
    new RegExp(
      `^${idle.pid} +openssl +openssl [\\d.]+\\S* +/.*libssl.so\\S* +(?:nested declared matched|unknown) +sudo tls-kit trace openssl -p ${idle.pid}$`,
    ),
  );
});

t.test('targets --json gives the same as data', async (t) => {
  const {status, stdout} = await tlsKit(['targets', String(idle.pid), '--json']);
  t.equal(status, 0);
  const {targets} = JSON.parse(stdout);
  t.equal(targets.length, 1);
  const command = `sudo tls-kit trace openssl -p ${idle.pid}`;
  t.match(targets[0], {library: 'openssl', traceable: true, pids: [idle.pid]});
  t.strictSame(targets[0].uses, [{process: 'openssl', pids: [idle.pid], command}]);
});

t.test('targets finds by name and by library', async (t) => {
  for (const name of ['openssl', '/nothing']) {
    const {stdout} = await tlsKit(['targets', name, '--json']);
    const pids = JSON.parse(stdout).targets?.flatMap((target: {pids: number[]}) => target.pids) ?? [];
    t.equal(pids.includes(idle.pid), name === 'openssl', name);
  }
});

t.test('targets does not list itself', async (t) => {
  const {stdout} = await tlsKit(['targets', '--json']);
  const uses = JSON.parse(stdout).targets.flatMap((target: {uses: {process: string; pids: number[]}[]}) => target.uses);
  const pids: number[] = uses.flatMap(({pids}: {pids: number[]}) => pids);
  t.ok(pids.includes(idle.pid as number));
  const arguments_ = pids.map(argumentsOf);
  t.notOk(arguments_.some((words) => words.includes('targets') && words.includes('--json')));
});

t.test('a process without TLS is told from one that is not there', async (t) => {
  const sleeper = spawn('sleep', ['600'], {stdio: 'ignore'});
  t.teardown(() => sleeper.kill());
  const {status, stderr} = await tlsKit(['targets', String(sleeper.pid)]);
  t.equal(status, 4);
  t.match(stderr, 'but no TLS library is found in it.');
});

t.test(
  'without root, targets says how many processes it cannot see',
  {skip: !isRoot || whyNotWithoutRoot()},
  async (t) => {
    const {status, stdout} = await tlsKitWithoutRoot(['targets']);
    t.equal(status, 0);
    t.match(stdout, /^Processes that could not be looked into: [1-9]\d*\. For all: sudo tls-kit targets$/m);
    const {unseenProcesses} = JSON.parse((await tlsKitWithoutRoot(['targets', '--json'])).stdout);
    t.ok(unseenProcesses > 0);
  },
);

async function startIdle(): Promise<ChildProcess & {readonly pid: number}> {
  const child = spawn('openssl', ['base64'], {stdio: ['pipe', 'ignore', 'ignore']});
  await once(child, 'spawn');
  while (!readFileSync(`/proc/${child.pid}/maps`, 'utf8').includes('libssl')) await wait(10);
  return child as ChildProcess & {readonly pid: number};
}

/** Of a process that may have ended meanwhile. */
function argumentsOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

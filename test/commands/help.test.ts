import {mkdtempSync, readdirSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import t from 'tap';
import {root, tlsKit, tlsKitWithoutRoot, whyNotWithoutRoot} from './tls-kit.js';

const commands = readdirSync(join(root, 'src/commands')).map((name) => name.replace(/\.ts$/, ''));

t.test('help starts with tasks, then names every command, then the exit statuses', async (t) => {
  const {status, stdout, stderr} = await tlsKit(['--help']);
  t.equal(status, 0);
  t.equal(stderr, '');
  const headers = stdout.split('\n').filter((line) => /^[A-Z ]+$/.test(line) && line !== '');
  t.strictSame(headers, ['TASKS', 'COMMANDS', 'EXIT STATUS']);
  for (const command of commands)
    t.match(stdout, new RegExp(`^  ${command} +[A-Z].+$`, 'm'), `${command} has a summary`);
  t.match(stdout, /^ {2}nothing works +sudo tls-kit doctor$/m);
  for (const line of ['0  done', '3  this machine cannot', '6  what --fail-on names']) t.match(stdout, line);
});

t.test('every task names a command that exists', async (t) => {
  const {stdout} = await tlsKit(['--help']);
  const tasks = stdout.split('COMMANDS')[0] as string;
  const named = [...tasks.matchAll(/tls-kit (\w+)/g)].map(([, command]) => command as string);
  t.ok(named.length >= 6);
  t.strictSame(
    named.filter((command) => !commands.includes(command)),
    [],
  );
});

t.test('no line of help is longer than 80 columns', async (t) => {
  for (const words of [[], ...commands.map((command) => [command])]) {
    const {status, stdout} = await tlsKit([...words, '--help']);
    t.equal(status, 0);
    t.match(stdout, words.length === 0 ? 'TASKS' : 'EXAMPLES', `${words} has examples`);
    t.strictSame(
      stdout.split('\n').filter((line) => line.length > 80),
      [],
    );
  }
});

t.test('the flags of trace stand in groups', async (t) => {
  const {stdout} = await tlsKit(['trace', '--help']);
  const headers = stdout.split('\n').filter((line) => /^[A-Z ]+$/.test(line) && line !== '');
  const groups = headers.filter((header) => ['WHO', 'HOW MUCH', 'OUT'].includes(header));
  t.strictSame(groups, ['WHO', 'HOW MUCH', 'OUT']);
  t.match(stdout, 'trace [WHAT...] [FLAGS] [-- CMD ARGS]');
});

t.test('help is found by every way that people know', async (t) => {
  const {stdout} = await tlsKit(['gen', '--help']);
  t.equal((await tlsKit(['help', 'gen'])).stdout, stdout);
  t.equal((await tlsKit(['gen', '-h'])).stdout, stdout);
  const all = await tlsKit(['--help']);
  for (const words of [[], ['help'], ['-h']]) t.equal((await tlsKit(words)).stdout, all.stdout);
});

t.test('a --help of the command to trace is not ours', async (t) => {
  const {status, stdout, stderr} = await tlsKit(['gen', '--', 'curl', '--help']);
  t.equal(status, 2);
  t.equal(stdout, '');
  t.match(stderr, 'gen takes no command');
});

t.test('help needs no root', {skip: whyNotWithoutRoot()}, async (t) => {
  const {status, stdout} = await tlsKitWithoutRoot(['trace', '--help']);
  t.equal(status, 0);
  t.match(stdout, 'WHO');
});

t.test('help does not wait for what only a trace needs', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tls-kit-test-'));
  t.teardown(() => rmSync(folder, {recursive: true}));
  await tlsKit(['--help'], {NODE_V8_COVERAGE: folder});
  const loaded = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
  t.match(loaded.join(), '@oclif/core');
  t.notMatch(loaded.join(), /node_modules\/(execa|handlebars|ajv|cli-table3)\//);
});

import t from 'tap';
import {program, run, tlsKit, tlsKitWithoutRoot, whyNotWithoutRoot} from './tls-kit.js';

/** What is typed, the exit status, the code, what happened, and what to do. `nobody` is a process that cannot be: PID_MAX_LIMIT. */
const nobody = String(2 ** 22 + 1);
const failures: readonly [words: string[], status: number, code: string, message: string, nextStep: string][] = [
  [['trcae'], 2, 'USAGE', 'There is no command "trcae".', 'Did you mean tls-kit trace?'],
  [['trcae', '-p', '1'], 2, 'USAGE', 'There is no command "trcae".', 'Did you mean tls-kit trace?'],
  [['xyzzy'], 2, 'USAGE', 'There is no command "xyzzy".', 'See the commands: tls-kit --help'],
  [['gen', '--snaplne', '5'], 2, 'USAGE', 'There is no flag --snaplne.', 'Did you mean --snaplen?'],
  [['gen', '--snaplen', 'many'], 2, 'USAGE', '--snaplen: Expected an integer', 'See: tls-kit gen --help'],
  [['gen', '--snaplen'], 2, 'USAGE', '--snaplen expects a value', 'See: tls-kit gen --help'],
  [['gen', '--readable', '--template', 'x'], 2, 'USAGE', '--template', 'See: tls-kit gen --help'],
  [['gen', 'shakespeare'], 2, 'USAGE', '"shakespeare" cannot be traced.', 'openssl'],
  [['gen', 'shakespeare'], 2, 'USAGE', '"shakespeare" cannot be traced.', 'See: tls-kit gen --help'],
  [['targets', 'a', 'b'], 2, 'USAGE', 'Unexpected argument: b', 'See: tls-kit targets --help'],
  [['doctor', '--bpftrace'], 2, 'USAGE', '--bpftrace expects a value', 'See: tls-kit doctor --help'],
  [['gen', '--bpftrace', '/nowhere/bpftrace'], 3, 'NO_BPFTRACE', '/nowhere/bpftrace', '--bpftrace PATH'],
  [['gen', '--bpftrace-version', '0.9'], 3, 'BPFTRACE_TOO_OLD', 'bpftrace 0.9 is too old', '--bpftrace'],
  [
    ['gen', '--bpftrace-version', '0.17', '-p', nobody],
    4,
    'NO_SUCH_PROCESS',
    `There is no process ${nobody}.`,
    'tls-kit targets',
  ],
  [['targets', 'no-such-thing'], 4, 'NO_LIBRARY', 'called no-such-thing.', 'tls-kit targets'],
];

for (const [words, status, code, message, nextStep] of failures) {
  t.test(`tls-kit ${words.join(' ')} fails with status ${status}, and says what to do`, async (t) => {
    const ended = await tlsKit(words);
    t.equal(ended.status, status);
    t.equal(ended.stdout, '');
    const [first = '', second = ''] = ended.stderr.split('\n');
    t.match(first, /^Error: /);
    t.match(first, message);
    t.match(second, /^Try this:/);
    t.match(ended.stderr, nextStep);
  });

  t.test(`tls-kit ${words.join(' ')} says the same under --json`, async (t) => {
    const [command = '', ...others] = words;
    const ended = await tlsKit([command, '--json', ...others]);
    t.equal(ended.status, status);
    t.equal(ended.stderr, '');
    const {error, ...rest} = JSON.parse(ended.stdout);
    t.strictSame(rest, {});
    t.strictSame(Object.keys(error), ['code', 'message', 'suggestions']);
    t.equal(error.code, code);
    t.match(error.message, message);
    t.match(error.suggestions.join('\n'), nextStep);
  });
}

t.test('what fails in doctor is data, and the status is that of the machine', async (t) => {
  const words = ['doctor', '--bpftrace', '/nowhere/bpftrace'];
  const [text, json] = [await tlsKit(words), await tlsKit([...words, '--json'])];
  t.equal(text.status, 3);
  t.match(text.stdout, /^fail +bpftrace +\/nowhere\/bpftrace: not found\n +-> .*apt-get install bpftrace/m);
  t.match(text.stdout, /This machine cannot trace yet: .*bpftrace/);
  t.equal(json.status, 3);
  const {checks, canTrace} = JSON.parse(json.stdout);
  t.equal(canTrace, false);
  t.match(
    checks.find(({check}: {check: string}) => check === 'bpftrace'),
    {status: 'fail', nextStep: String},
  );
});

t.test('a command that is missing after -- is asked for', async (t) => {
  const {status, stderr} = await tlsKit(['trace', '--']);
  t.equal(status, 2);
  t.match(stderr, 'There is no command after --.');
});

t.test('without root, trace says the line to type, word by word', {skip: whyNotWithoutRoot()}, async (t) => {
  const {status, stderr} = await tlsKitWithoutRoot(['trace', '-s', '10', '--', 'sh', '-c', 'echo "$HOME"', '']);
  t.equal(status, 3);
  t.match(stderr, `sudo tls-kit trace -s 10 -- sh -c 'echo "$HOME"' ''`);
});

t.test('doctor says of every check that fails what to do next', {skip: whyNotWithoutRoot()}, async (t) => {
  const {status, stdout} = await tlsKitWithoutRoot(['doctor', '--json']);
  t.equal(status, 3);
  const {checks} = JSON.parse(stdout);
  const failed = checks.filter((check: {status: string}) => check.status === 'fail');
  t.match(failed, [{check: 'privileges'}]);
  for (const {check, nextStep} of failed) t.match(nextStep, /\w/, check);
});

t.test('a reader who leaves is no failure', async (t) => {
  const node = `'${process.execPath}' "$0"`;
  const scripts = [
    `${node} gen --bpftrace-version 0.17 | head -n 1`,
    `${node} gen --bpftrace-version 0.17 --json | head -n 1`,
    `${node} --help | head -n 1`,
    `${node} --help | head -c 0`,
    `${node} targets --json | head -c 0`,
    `${node} gen --bpftrace-version 0.17 | head -c 0`,
  ];
  for (const script of scripts) {
    const {stdout, stderr} = await run(['bash', '-c', `${script} >&2; echo "\${PIPESTATUS[0]}"`, program]);
    t.equal(stdout, '0', script);
    t.notMatch(stderr, /EPIPE|Error/, script);
  }
});

t.test('a reader of errors who leaves changes no status', async (t) => {
  const script = `'${process.execPath}' "$0" trcae 2>&1 | head -c 0; echo "\${PIPESTATUS[0]}"`;
  t.equal((await run(['bash', '-c', script, program])).stdout, '2');
});

t.test('DEBUG shows where a failure comes from', async (t) => {
  const {status, stderr} = await tlsKit(['gen', 'shakespeare'], {DEBUG: 'tls-kit'});
  t.equal(status, 2);
  t.match(stderr, /\n +at checkWhat .*flags\./);
});

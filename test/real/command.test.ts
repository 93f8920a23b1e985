import {execFileSync} from 'node:child_process';
import {chmodSync, chownSync, readFileSync, statSync} from 'node:fs';
import {join} from 'node:path';
import t, {type Test} from 'tap';
import {beside, portOf, startNginx, startSink, systemLibrary} from './programs.js';
import {cannotTrace, dataOf, eventsIn, summaryOf, Tracer} from './tracer.js';
import {payloadOf, Workshop} from './workshop.js';

const reason = cannotTrace();

interface Setting {
  readonly workshop: Workshop;
  readonly own: string;
}

async function setUp(t: Test): Promise<Setting> {
  const workshop = new Workshop();
  t.teardown(() => workshop.close());
  const libssl = await systemLibrary('libssl');
  return {workshop, own: workshop.copyLibrary(libssl, beside(libssl))};
}

/** Traces a command until it has ended. */
async function traced({workshop, own}: Setting, flags: readonly string[], command: readonly string[], env = {}) {
  const tracer = new Tracer(workshop.folder, ['--lib', own, ...flags, '--', ...command], env);
  const status = await tracer.ended();
  return {status, output: tracer.output, errors: tracer.errors};
}

t.test('the exit status is that of the command', {skip: reason}, async (t) => {
  const setting = await setUp(t);
  for (const status of [0, 7]) {
    const ended = await traced(setting, ['--format', 'ndjson'], ['sh', '-c', `exit ${status}`]);
    t.equal(ended.status, status, ended.errors);
    t.equal(summaryOf(eventsIn(ended.output)).command?.exitCode, status);
  }
});

t.test('a command that a signal ended gives the status that a shell gives', {skip: reason}, async (t) => {
  const setting = await setUp(t);
  for (const [signal, number] of [
    ['TERM', 15],
    ['KILL', 9],
  ] as const) {
    const ended = await traced(setting, ['--format', 'ndjson'], ['sh', '-c', `kill -${signal} $$`]);
    t.equal(ended.status, 128 + number, ended.errors);
    t.equal(summaryOf(eventsIn(ended.output)).command?.signal, `SIG${signal}`);
  }
});

t.test('all after the first -- is the command, word by word', {skip: reason}, async (t) => {
  const setting = await setUp(t);
  const words = [
    '--',
    '-p',
    '1',
    '-p',
    '1',
    '--lib',
    'x',
    '--help',
    'a b',
    '"q"',
    "it's",
    '',
    '*',
    '$HOME',
    '\\',
    '\n',
  ];
  const program = 'import json, sys; print(json.dumps(sys.argv[1:]))';
  const capture = join(setting.workshop.folder, 'capture.ndjson');
  const ended = await traced(setting, ['-w', capture], ['python3', '-c', program, ...words]);
  t.equal(ended.status, 0, ended.errors);
  t.strictSame(JSON.parse(ended.output), words);
});

t.test("the command's output is its own with -w, and goes to standard error without", {skip: reason}, async (t) => {
  const setting = await setUp(t);
  const bytes = payloadOf(4096, 'text');
  const command = ['cat', setting.workshop.file('bytes', bytes)];
  const capture = join(setting.workshop.folder, 'capture.ndjson');
  const written = await traced(setting, ['-w', capture], command);
  t.equal(written.output, bytes.toString());
  t.equal(summaryOf(eventsIn(readFileSync(capture, 'utf8'))).command?.exitCode, 0);
  const shown = await traced(setting, ['--format', 'ndjson'], command);
  t.ok(shown.errors.includes(bytes.toString()));
  t.equal(eventsIn(shown.output).at(-1)?.type, 'summary', 'standard output carries events alone');
});

t.test('under sudo the command runs as the user who called it', {skip: reason}, async (t) => {
  const setting = await setUp(t);
  setting.workshop.openToAll();
  const [name = '', , uid = '', gid = '', , home = ''] = userWithGroups();
  // What tls-kit writes it writes as him; tap's loader, which NODE_OPTIONS names, could not write its notes.
  chownSync(setting.workshop.folder, Number(uid), Number(gid));
  const env = {SUDO_UID: uid, SUDO_GID: gid, NODE_OPTIONS: ''};
  const capture = join(setting.workshop.folder, 'capture.ndjson');
  const program = 'id -u; id -g; id -G; echo "$HOME"; echo "$USER"; echo "$LOGNAME"';
  const ended = await traced(setting, ['-w', capture], ['sh', '-c', program], env);
  t.equal(ended.status, 0, ended.errors);
  const groups = execFileSync('id', ['-G', name], {encoding: 'utf8'}).trim();
  t.strictSame(ended.output.split('\n'), [uid, gid, groups, home, name, name, '']);
  const {uid: owner, mode} = statSync(capture);
  t.equal(owner, Number(uid), 'whose the capture is');
  t.equal(mode & 0o777, 0o600);
});

t.test('every descendant is traced: six curls in nested shells', {skip: reason}, async (t) => {
  const setting = await setUp(t);
  const {workshop} = setting;
  for (const n of [1, 2, 3, 4, 5, 6]) workshop.file(`www/page${n}`, `this is page ${n}`);
  const sink = await startSink();
  t.teardown(() => sink.close());
  const port = await startNginx(workshop, portOf(sink));
  const curl = (n: number) => `curl -sk --output /dev/null https://127.0.0.1:${port}/page${n}`;
  const script = workshop.file('six', `${curl(1)} & (${curl(2)}; sh -c '${curl(3)} & wait') & sh ./more & wait\n`);
  workshop.file('more', `sh -c '${curl(4)}; exec sh -c "${curl(5)} & ${curl(6)}; wait"'\n`);
  const tracer = new Tracer(workshop.folder, ['--format', 'ndjson', '--', 'sh', script], workshop.environment());
  t.equal(await tracer.ended(), 0, tracer.errors);
  const data = dataOf(tracer.events);
  const pids = [...new Set(data.map(({pid}) => pid))];
  t.equal(pids.length, 6, 'six processes, and not the server');
  const texts = pids.map((pid) =>
    data
      .filter((event) => event.pid === pid)
      .map(({payload}) => Buffer.from(payload, 'base64').toString())
      .join(''),
  );
  for (const n of [1, 2, 3, 4, 5, 6]) {
    const [text, ...others] = texts.filter((each) => each.startsWith(`GET /page${n} `));
    t.match(text, new RegExp(`this is page ${n}$`));
    t.strictSame(others, []);
  }
});

t.test('a library that a descendant maps and that is not probed is told', {skip: reason}, async (t) => {
  const setting = await setUp(t);
  const other = new Workshop();
  t.teardown(() => other.close());
  const copy = other.copyLibrary(setting.own, beside(setting.own));
  const program = 'import ssl, time; time.sleep(8)';
  const command = ['sh', '-c', `/usr/bin/python3 -c '${program}'; true`];
  const ended = await traced(setting, ['--format', 'ndjson'], command, other.environment());
  t.equal(ended.status, 0, ended.errors);
  t.match(ended.errors, new RegExp(`Process \\d+ uses ${copy}, which is not probed: add openssl --lib ${copy}`));
});

t.test('a command that is not there, or is no program, starts no trace', {skip: reason}, async (t) => {
  const setting = await setUp(t);
  const missing = await traced(setting, [], ['no-such-command-here']);
  t.equal(missing.status, 4);
  t.match(missing.errors, /no-such-command-here/);
  t.match(missing.errors, /Try this:/);
  const plain = setting.workshop.file('plain', 'text');
  chmodSync(plain, 0o644);
  const refused = await traced(setting, [], [plain]);
  t.equal(refused.status, 4);
  t.match(refused.errors, plain);
  t.match(refused.errors, /Try this:/);
});

/** A user of this machine with several groups where there is one, in the fields of passwd(5). */
function userWithGroups(): string[] {
  const users = readFileSync('/etc/passwd', 'utf8').trim().split('\n');
  const others = users.map((line) => line.split(':')).filter(([, , uid, , , home]) => uid !== '0' && home);
  const groupsOf = (name: string | undefined) =>
    execFileSync('id', ['-G', name as string], {encoding: 'utf8'}).split(' ').length;
  return others.find(([name]) => groupsOf(name) > 1) ?? (others.at(-1) as string[]);
}

import {Errors} from '@oclif/core';
import t from 'tap';
import {TlsKitError} from '../../src/errors.js';
import {failureJson, failureOf, failureText, plainExit, statusOfFailure} from '../../src/failure.js';
import {nearestWord} from '../../src/nearest-word.js';
import {isCalled, usesOf} from '../../src/uses.js';

const asked = {command: 'trace', commands: ['trace', 'targets'], flags: ['--pid']};

t.test('what nobody foresaw is a bug of ours, with its cause', async (t) => {
  for (const thrown of [new TypeError('x is not a function'), 'a string', undefined]) {
    const failure = failureOf(thrown, asked);
    t.equal(statusOfFailure(failure), 1);
    t.match(failureJson(failure), {
      error: {code: 'BUG', message: /^This is a bug in tls-kit: /, suggestions: [/DEBUG=\*/, /Report/]},
    });
  }
  const debugged = failureText(failureOf(new TypeError('x is not a function'), asked), true);
  t.match(debugged, /TypeError: x is not a function\n +at .*failure\.test/);
});

t.test('a failure of ours stays as it is', async (t) => {
  const failure = new TlsKitError('NO_TRACEFS', 'tracefs is not mounted.', ['Mount it', 'Or trace elsewhere']);
  t.equal(failureOf(failure, asked), failure);
  t.equal(failureText(failure, false), 'Error: tracefs is not mounted.\nTry this:\n  Mount it\n  Or trace elsewhere\n');
});

t.test('one step stands on the line, and a long command is not broken', async (t) => {
  const step = `Type: sudo tls-kit trace -- ${'word '.repeat(60)}end`;
  t.equal(failureText(new TlsKitError('NOT_ROOT', 'No.', [step]), false), `Error: No.\nTry this: ${step}\n`);
});

t.test('a name cannot command the terminal', async (t) => {
  const failure = new TlsKitError('NO_SUCH_COMMAND', 'There is no \u001b[2J\u202e.', ['See \u0007']);
  t.equal(failureText(failure, false), 'Error: There is no \\x1b[2J\\u{202e}.\nTry this: See \\x07\n');
});

t.test('what oclif throws to end a run is no failure', async (t) => {
  t.equal(plainExit(new Errors.ExitError(0)), 0);
  t.equal(plainExit(new Errors.ExitError(130)), 130);
  t.equal(plainExit(new Errors.CLIError('no')), undefined);
  t.equal(plainExit(undefined), undefined);
});

t.test('the nearest word is guessed only when it is near', async (t) => {
  t.equal(nearestWord('--snaplne', ['--pid', '--snaplen']), '--snaplen');
  t.equal(nearestWord('traec', ['gen', 'trace']), 'trace');
  t.equal(nearestWord('record', ['gen', 'trace']), undefined);
  t.equal(nearestWord('x', []), undefined);
});

const nginx = {
  library: 'openssl',
  path: '/l',
  attachPath: '/l',
  linkage: 'shared',
  functions: [],
  missing: [],
} as const;

t.test('processes of one name take one line, and are traced by their name', async (t) => {
  const target = {...nginx, pids: [1, 2, 3], traceable: true};
  const processes = [
    {pid: 1, comm: 'nginx'},
    {pid: 2, comm: 'nginx'},
    {pid: 3, comm: "it's"},
  ];
  t.strictSame(
    usesOf([{...target, companion: {attachPath: '/c', functions: ['BIO_write']}}], processes)[0]?.attributions,
    ['nested', 'matched'],
  );
  t.strictSame(usesOf([{...target, carries: true}], processes)[0]?.attributions, []);
  t.match(usesOf([target], processes), [
    {
      uses: [
        {process: 'nginx', pids: [1, 2], command: 'sudo tls-kit trace openssl -c nginx'},
        {process: "it's", pids: [3], command: 'sudo tls-kit trace openssl -p 3'},
      ],
    },
  ]);
  t.strictSame(usesOf([target], processes, '3')[0]?.pids, [3]);
  t.strictSame(usesOf([target], processes, 'gnutls'), []);
});

t.test('what is typed is safe for a shell', async (t) => {
  const target = {...nginx, pids: [1, 2], traceable: true};
  const named = (comm: string) =>
    usesOf(
      [target],
      [1, 2].map((pid) => ({pid, comm})),
    )[0]?.uses[0]?.command;
  t.equal(named('a b;rm'), "sudo tls-kit trace openssl -c 'a b;rm'");
  t.equal(named('a\u001b[2J'), 'sudo tls-kit trace openssl -p 1 -p 2');
});

t.test('what cannot be traced has nothing to type', async (t) => {
  const [row] = usesOf([{...nginx, pids: [1], traceable: false, reason: 'stripped'}], [{pid: 1, comm: 'a'}]);
  t.strictSame(row?.uses, [{process: 'a', pids: [1]}]);
});

t.test('a process is known by its name, its program or its number', async (t) => {
  const process = {pid: 7, comm: 'a-very-long-nam', exe: '/opt/a-very-long-name-indeed (deleted)'};
  for (const name of ['7', 'a-very-long-name-of-another', 'a-very-long-name-indeed'])
    t.ok(isCalled(process, name), name);
  for (const name of ['70', 'a-very', 'opt']) t.notOk(isCalled(process, name), name);
});

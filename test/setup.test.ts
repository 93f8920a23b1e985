import {mkdirSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {execa, execaSync} from 'execa';
import t from 'tap';

const setup = join(import.meta.dirname, '../bin/setup');

/** Runs bin/setup where only these programs are, and `installers` that do nothing but say what they were asked. */
async function setupWith(folder: string, programs: readonly string[], installers: readonly string[], isRoot = true) {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const always = ['bash', 'cat', 'cut', 'dirname', 'find', 'grep', 'node', 'npm', 'sort', 'tr'];
  for (const name of [...always, ...programs]) {
    const {stdout} = execaSync('bash', ['-c', 'command -v "$0"', name]);
    symlinkSync(name === 'node' ? process.execPath : stdout, join(bin, name));
  }
  const scripts = {id: `echo ${isRoot ? 0 : 1000}`, ...Object.fromEntries(installers.map((name) => [name, 'exit 7']))};
  for (const [name, script] of Object.entries(scripts)) {
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`, {mode: 0o755});
  }
  return execa('bash', [setup, 'demo'], {env: {PATH: bin, HOME: folder}, extendEnv: false, reject: false});
}

t.test('what bin/setup is asked for is checked', async (t) => {
  for (const words of [[], ['everything']]) {
    const {exitCode, stdout, stderr} = await execa('bash', [setup, ...words], {reject: false});
    t.equal(exitCode, 2);
    t.equal(stdout, '');
    t.equal(stderr, 'usage: bin/setup demo|test');
  }
});

t.test('on other distributions it installs nothing, and says what to type', async (t) => {
  for (const [installer, line] of [
    ['dnf', 'sudo dnf install bpftrace curl openssl util-linux'],
    ['apk', 'apk add bpftrace curl openssl setpriv util-linux-misc'],
    ['pacman', 'sudo pacman -S bpftrace curl openssl util-linux'],
  ] as const) {
    const {exitCode, stdout, stderr} = await setupWith(t.testdir(), [], [installer]);
    t.equal(exitCode, 3, installer);
    t.equal(stdout, '', installer);
    t.match(stderr.replace(' ca-certificates', ''), `Try this: ${line}`);
  }
});

t.test('a user who cannot be root is told what to type', async (t) => {
  const {exitCode, stdout, stderr} = await setupWith(
    t.testdir(),
    ['curl', 'openssl', 'setpriv', 'taskset'],
    ['apt-get'],
    false,
  );
  t.equal(exitCode, 3);
  t.equal(stdout, '');
  t.match(stderr, /^setup: these are missing: bpftrace(.*)\.\nTry this: as root: apt-get install bpftrace\1$/);
});

import {chmodSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {release, tmpdir} from 'node:os';
import {join} from 'node:path';
import t from 'tap';
import {readBpftrace} from '../../src/targets/bpftrace-version.js';
import {diagnose} from '../../src/targets/diagnosis.js';
import {capabilitiesIn, countOf, type Machine, readMachine} from '../../src/targets/machine.js';

const folder = mkdtempSync(join(tmpdir(), 'tls-kit-machine-'));
t.teardown(() => rmSync(folder, {recursive: true, force: true}));
const pretend = (script: string) => {
  const path = join(folder, 'bpftrace');
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
};

t.test('this machine is read without an exception', async (t) => {
  const machine = await readMachine(join(folder, 'none'));
  t.match(machine, {kernel: release(), isRoot: process.geteuid?.() === 0, onlineProcessors: Number});
  t.ok(machine.onlineProcessors > 0);
  t.match(machine.bpftrace, {error: 'was not found'});
  for (const {check, status, found, nextStep} of diagnose(machine, '0.17')) {
    t.ok(found, check);
    t.equal(nextStep === undefined, status === 'ok', check);
  }
});

t.test('bpftrace tells its version in several ways', async (t) => {
  for (const [line, version] of [
    ['bpftrace v0.17.0', '0.17.0'],
    ['bpftrace v0.9.2-154-gd95a', '0.9.2'],
    ['bpftrace 0.27', '0.27'],
  ] as const) {
    const path = pretend(`echo '${line}'`);
    t.strictSame(await readBpftrace(path), {name: path, path, version});
  }
});

t.test('a bpftrace that does not work is told apart from one that is not there', async (t) => {
  t.match(await readBpftrace(pretend('echo "cannot open libbpf" >&2; exit 127')), {
    error: /status 127, saying "cannot open/,
  });
  t.match(await readBpftrace(pretend('echo hello')), {error: /told no version, saying "hello"/});
  t.match(await readBpftrace(pretend('kill -SEGV $$')), {error: /was ended by SIGSEGV/});
  t.match(await readBpftrace(pretend('echo bpftrace v0.17.0; exit 3')), {error: /status 3/});
  t.strictSame(await readBpftrace('no-bpftrace-here'), {name: 'no-bpftrace-here', error: 'was not found'});
  const empty = join(folder, 'garbage');
  writeFileSync(empty, '\u007fELFgarbage');
  chmodSync(empty, 0o755);
  t.match(await readBpftrace(empty), {path: empty, error: String});
});

t.test('capabilities are read by their bits', async (t) => {
  t.strictSame(capabilitiesIn('CapEff:\t000001fffeffffff\n'), [
    'CAP_SYS_PTRACE',
    'CAP_SYS_ADMIN',
    'CAP_PERFMON',
    'CAP_BPF',
  ]);
  t.strictSame(capabilitiesIn('CapEff:\t0000000001000000\n'), ['CAP_SYS_RESOURCE']);
  t.strictSame(capabilitiesIn(''), []);
});

t.test('processors are counted from ranges', async (t) => {
  t.equal(countOf('0-3,6\n'), 5);
  t.equal(countOf('0'), 1);
  t.equal(countOf(''), 0);
});

const good: Machine = {
  kernel: '6.1.0-18-amd64',
  architecture: 'x64',
  isKnownArchitecture: true,
  isRoot: true,
  capabilities: ['CAP_SYS_PTRACE', 'CAP_SYS_ADMIN', 'CAP_SYS_RESOURCE', 'CAP_PERFMON', 'CAP_BPF'],
  hasBtf: true,
  tracefs: '/sys/kernel/tracing',
  hasTracefsInDebugfs: true,
  hasUprobes: true,
  lockdown: 'none',
  perfEventParanoid: 3,
  bpftrace: {name: 'bpftrace', path: '/usr/bin/bpftrace', version: '0.17.0'},
  setpriv: '/usr/bin/setpriv',
  taskset: '/usr/bin/taskset',
  isInitialUserNamespace: true,
  isInitialPidNamespace: true,
  onlineProcessors: 4,
  hasKernelHeaders: true,
};

t.test('a machine that has all is well', async (t) => {
  t.ok(diagnose(good, '0.17').every(({status, nextStep}) => status === 'ok' && nextStep === undefined));
});

const {tracefs: _tracefs, ...withoutTracefs} = good;
const {setpriv: _setpriv, ...withoutSetpriv} = good;
const {taskset: _taskset, ...withoutTaskset} = good;
const old = {name: 'bpftrace', path: '/usr/bin/bpftrace', version: '0.16.0'};

for (const [what, machine, dialect, check, status, nextStep] of [
  ['another processor', {...good, isKnownArchitecture: false}, '0.17', 'processors', 'fail', /64-bit/],
  ['an old kernel', {...good, kernel: '4.18.0-513.el8'}, '0.17', 'kernel', 'warn', /5\.3/],
  ['no root', {...good, isRoot: false, capabilities: []}, '0.17', 'privileges', 'fail', /sudo tls-kit doctor/],
  ['a container', {...good, capabilities: ['CAP_SYS_RESOURCE']}, '0.17', 'privileges', 'fail', /--privileged/],
  ['a user namespace', {...good, isInitialUserNamespace: false}, '0.17', 'privileges', 'fail', /outside/],
  ['a memory limit', {...good, capabilities: ['CAP_SYS_ADMIN']}, '0.17', 'locked memory', 'warn', /Harmless/],
  ['no uprobes', {...good, hasUprobes: false}, '0.17', 'uprobes', 'fail', /CONFIG_UPROBE_EVENTS/],
  ['no tracefs', withoutTracefs, '0.17', 'tracefs', 'fail', /^sudo mount -t tracefs tracefs \/sys\/kernel\/tracing$/],
  ['no debugfs', {...good, hasTracefsInDebugfs: false, bpftrace: old}, '0.16', 'tracefs', 'fail', /mount -t debugfs/],
  ['no BTF', {...good, hasBtf: false}, '0.17', 'kernel types (BTF)', 'warn', /CONFIG_DEBUG_INFO_BTF/],
  ['no BTF for a new bpftrace', {...good, hasBtf: false}, '0.23', 'kernel types (BTF)', 'fail', /bpftrace 0\.17/],
  ['lockdown', {...good, lockdown: 'confidentiality'}, '0.17', 'kernel lockdown', 'fail', /lockdown=/],
  [
    'no bpftrace',
    {...good, bpftrace: {name: 'bt', error: 'was not found'}},
    undefined,
    'bpftrace',
    'fail',
    /apt-get install bpftrace/,
  ],
  [
    'a broken bpftrace',
    {...good, bpftrace: {name: 'bt', path: '/b/bt', error: 'ended'}},
    undefined,
    'bpftrace',
    'fail',
    /\/b\/bt --version/,
  ],
  [
    'an ancient bpftrace',
    {...good, bpftrace: {...old, version: '0.9.4'}},
    undefined,
    'bpftrace',
    'fail',
    /0\.11 or later/,
  ],
  ['no headers', {...good, hasKernelHeaders: false}, '0.11', 'kernel headers', 'fail', /linux-libc-dev/],
  ['no setpriv', withoutSetpriv, '0.17', 'setpriv', 'fail', /util-linux/],
  ['no taskset', withoutTaskset, '0.17', 'taskset', 'warn', /util-linux/],
  ['a pid namespace', {...good, isInitialPidNamespace: false}, '0.17', 'pid namespace', 'warn', /--pid=host/],
] as const) {
  t.test(`${what}: one line says so, with the next step`, async (t) => {
    const bad = diagnose(machine, dialect).filter((line) => line.status !== 'ok' && line.check === check);
    t.match(bad, [{check, status, nextStep}]);
  });
}

t.test('headers that are missing are no matter to a bpftrace that does not read them', async (t) => {
  const lines = diagnose({...good, hasKernelHeaders: false}, '0.17');
  t.ok(lines.every(({status}) => status === 'ok'));
});

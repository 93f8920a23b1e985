// What every measurement needs: nginx with a private copy of the TLS libraries, a load, tracers, and what they cost.
import {spawn, spawnSync} from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import {tmpdir} from 'node:os';
import {basename, join} from 'node:path';
import {setTimeout as wait} from 'node:timers/promises';
import {execa} from 'execa';

export const cli = new URL('../../bin/run.js', import.meta.url).pathname;
export const port = 21_443;
export const seconds = 3;

/** A folder with nginx, running; `close` ends it and takes all away. */
export async function openStage() {
  const folder = mkdtempSync(join(tmpdir(), 'tls-kit-bench-'));
  const libssl = privateLibrary(folder);
  const nginx = await startNginx(folder);
  const close = async () => {
    nginx.kill('SIGTERM');
    await ended(nginx);
    rmSync(folder, {recursive: true, force: true});
  };
  return {folder, libssl, nginx, close};
}

/** wrk, eight connections: requests a second, and the latency of the middle and of the slowest hundredth in ms. */
export async function load({path = '/', header, onPort = port, scheme = 'https'} = {}) {
  const words = ['-t1', '-c8', `-d${seconds}s`, '--latency', ...(header ? ['-H', header] : [])];
  const {stdout} = await execa('wrk', [...words, `${scheme}://127.0.0.1:${onPort}${path}`]);
  return {
    rate: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)[1]),
    requests: Number(/(\d+) requests in/.exec(stdout)[1]),
    p50: milliseconds(/50%\s+([\d.]+\w+)/.exec(stdout)?.[1]),
    p99: milliseconds(/99%\s+([\d.]+\w+)/.exec(stdout)?.[1]),
  };
}

/** bpftrace alone, ready when all is attached. `stop` closes the gate first, as tls-kit does, and gives the records lost. */
export async function startBpftrace(stage, script, bpftrace = 'bpftrace') {
  const out = join(stage.folder, 'out');
  const child = spawn(bpftrace, ['-f', 'json', script], {
    env: {...process.env, ...settingsOf(script), __BPFTRACE_NOTIFY_PROBES_ATTACHED: '1'},
    stdio: ['ignore', openSync(out, 'w'), openSync(`${out}.err`, 'w')],
  });
  const said = () => readFileSync(out, 'latin1').slice(0, 20_000) + readFileSync(`${out}.err`, 'latin1');
  await until(() => {
    if (child.exitCode !== null) throw new Error(`bpftrace has ended:\n${said()}`);
    return /NOTIFY/.test(said());
  });
  const stop = async () => {
    child.kill('SIGCONT');
    await wait(1500);
    child.kill('SIGINT');
    await ended(child);
    const losses = [...readFileSync(out, 'latin1').matchAll(/"lost_events".*?"events": (\d+)/g)];
    return losses.reduce((sum, [, events]) => sum + Number(events), 0);
  };
  return {child, stop};
}

/** tls-kit, ready when all is attached. `stop` gives its summary. */
export async function startTlsKit(stage, words) {
  const ready = join(stage.folder, `ready-${Math.random()}`);
  const out = join(stage.folder, 'events.ndjson');
  const child = spawn(
    'node',
    [cli, 'trace', ...words, '--max-overhead', '0', '--format', 'ndjson', '--ready-file', ready],
    {
      stdio: ['ignore', openSync(out, 'w'), 'ignore'],
    },
  );
  await until(() => {
    try {
      return readFileSync(ready) !== undefined;
    } catch {
      return false;
    }
  });
  const stop = async () => {
    child.kill('SIGINT');
    await ended(child);
    return JSON.parse((await execa('tail', ['-n', '1', out])).stdout);
  };
  return {child, stop};
}

/** The settings that stand in a script's first line, where its bpftrace takes them from the environment. */
export function settingsOf(script) {
  const words = /env -S (.*) bpftrace/.exec(readFileSync(script, 'utf8').split('\n')[0])?.[1] ?? '';
  return Object.fromEntries(
    words
      .split(' ')
      .filter(Boolean)
      .map((pair) => pair.split('=')),
  );
}

/** Writes what `gen` prints, and the same probes with nothing in them; gives both paths. */
export function writeScripts(stage, words = []) {
  const [script, floor] = [join(stage.folder, 'script.bt'), join(stage.folder, 'floor.bt')];
  const text = spawnSync('node', [cli, 'gen', '--lib', stage.libssl, ...words], {encoding: 'utf8'}).stdout;
  writeFileSync(script, text);
  const points = new Set(text.match(/^u(?:ret)?probe:.*(?=,?$)/gm).map((point) => point.replace(/,$/, '')));
  writeFileSync(floor, `${[...points].join(',\n')}\n{\n}\n`);
  return {script, floor};
}

/** Seconds of processor time that a process and its living descendants have used; children that ended count with their parent. */
export function processorTime(pid) {
  const ticks = family(pid).flatMap((each) => statOf(each)?.slice(11, 15) ?? []);
  return ticks.reduce((sum, each) => sum + Number(each), 0) / 100;
}

/** The most memory that a process or one of its descendants has had, in MB. */
export function mostMemory(pid) {
  const peaks = family(pid).map((each) => Number(/VmHWM:\s+(\d+)/.exec(read(`/proc/${each}/status`))?.[1] ?? 0));
  return Math.round(peaks.reduce((sum, each) => sum + each, 0) / 1024);
}

function family(pid) {
  const children = read(`/proc/${pid}/task/${pid}/children`).trim().split(' ').filter(Boolean);
  return [pid, ...children.flatMap((child) => family(Number(child)))];
}

function statOf(pid) {
  const text = read(`/proc/${pid}/stat`);
  return text === '' ? undefined : text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** A file of /proc; empty when its process has gone. */
function read(path) {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

export async function until(condition) {
  const deadline = Date.now() + 60_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('waited a minute in vain');
    await wait(5);
  }
}

export function ended(child) {
  if (child.exitCode !== null || child.signalCode !== null) return undefined;
  return new Promise((resolve) => child.once('exit', resolve));
}

function milliseconds(text) {
  const [, number, unit] = /([\d.]+)(\w+)/.exec(text ?? '') ?? [];
  return Number(number) * ({us: 0.001, ms: 1, s: 1000}[unit] ?? Number.NaN);
}

async function startNginx(folder) {
  const names = ['-subj', '/CN=localhost', '-keyout', 'key.pem', '-out', 'cert.pem'];
  await execa('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...names], {cwd: folder});
  mkdirSync(join(folder, 'www'));
  for (const [name, size] of [
    ['1k', 1024],
    ['16k', 16_384],
    ['100k', 102_400],
  ]) {
    writeFileSync(join(folder, 'www', name), 'hello '.repeat(size / 6 + 1).slice(0, size));
  }
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
${process.getuid?.() === 0 ? 'user root;' : ''}
events { worker_connections 256; }
http { access_log off; ${paths.join(' ')} keepalive_requests 100000000; client_max_body_size 0;
  server { listen 127.0.0.1:${port} ssl; ssl_certificate cert.pem; ssl_certificate_key key.pem; ssl_protocols TLSv1.3;
    root ${folder}/www;
    location = / { return 200 "${'hello '.repeat(16)}"; }
    location /up/ { dav_methods PUT; create_full_put_path on; } }
  server { listen 127.0.0.1:${port + 1}; root ${folder}/www; } }`,
  );
  const child = spawn('nginx', ['-p', folder, '-c', 'nginx.conf'], {
    env: {...process.env, LD_LIBRARY_PATH: join(folder, 'lib')},
    stdio: 'ignore',
  });
  await until(() => spawnSync('curl', ['-sk', `https://127.0.0.1:${port}/`]).status === 0);
  return child;
}

function privateLibrary(folder) {
  const {stdout} = spawnSync('sh', ['-c', 'ldconfig -p | sed -n "s/.*libssl\\.so\\.[0-9.]* .*=> //p" | head -n 1'], {
    encoding: 'utf8',
  });
  const path = stdout.trim();
  mkdirSync(join(folder, 'lib'));
  for (const each of [path, path.replace('libssl', 'libcrypto')])
    copyFileSync(realpathSync(each), join(folder, 'lib', basename(each)));
  return join(folder, 'lib', basename(path));
}

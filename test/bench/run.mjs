// Measures, and prints a table: `npm run bench`. Nothing here passes or fails.
import {spawn, spawnSync} from 'node:child_process';
import {
  closeSync,
  copyFileSync,
  mkdtempSync,
  openSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import {cpus, tmpdir} from 'node:os';
import {basename, join} from 'node:path';
import {setTimeout as wait} from 'node:timers/promises';
import {execa} from 'execa';
import {decoding} from './decoding.mjs';

const runs = Number(process.argv[2] ?? 7);
const seconds = 3;
const port = 21_443;
const folder = mkdtempSync(join(tmpdir(), 'tls-kit-bench-'));
const libssl = privateLibrary();
const cli = new URL('../../bin/run.js', import.meta.url).pathname;
const own = [cli, 'trace', 'openssl', '--lib', libssl, '--max-overhead', '0'];
const script = join(folder, 'script.bt');
const floor = join(folder, 'floor.bt');

writeFileSync(script, spawnSync('node', [cli, 'gen', '--lib', libssl], {encoding: 'utf8'}).stdout);
writeFileSync(floor, floorOf(readFileSync(script, 'utf8')));
const environment = Object.fromEntries(
  (/env -S (.*) bpftrace/.exec(readFileSync(script, 'utf8').split('\n')[0])?.[1] ?? '')
    .split(' ')
    .filter(Boolean)
    .map((pair) => pair.split('=')),
);

const nginx = await startNginx();
const statistics = '/proc/sys/kernel/bpf_stats_enabled';
const statisticsBefore = readFileSync(statistics, 'utf8');
writeFileSync(statistics, '1');
try {
  await throughput();
  await readiness();
  await starts();
  decoding();
  reports();
} finally {
  writeFileSync(statistics, statisticsBefore);
  nginx.kill('SIGTERM');
  rmSync(folder, {recursive: true, force: true});
}

async function throughput() {
  const kinds = {
    'nothing attached': async () => ({rate: await load()}),
    'empty probes: the floor': () => withBpftrace(floor),
    'the generated script alone': () => withBpftrace(script),
    'tls-kit trace --format ndjson': withTlsKit,
  };
  const results = Object.fromEntries(Object.keys(kinds).map((kind) => [kind, []]));
  for (let run = 0; run < runs; run++) {
    for (const [kind, measure] of Object.entries(kinds)) results[kind].push(await measure());
  }
  const rate = (kind) => median(results[kind].map((each) => each.rate));
  const base = rate('empty probes: the floor');
  console.log(
    `\nnginx, 1 worker, TLS 1.3, keep-alive; wrk, 8 connections, ${seconds} s; ${runs} interleaved runs; ${cpus().length} processors`,
  );
  console.log('| attached | requests/s (median) | spread | of the floor | records lost | BPF ns a call |');
  console.log('| --- | --- | --- | --- | --- | --- |');
  for (const [kind, each] of Object.entries(results)) {
    const rates = each.map((one) => one.rate);
    const lost = each.some((one) => one.lost !== undefined) ? median(each.map((one) => one.lost ?? 0)) : '';
    const ns = each.some((one) => one.bpfNs) ? Math.round(median(each.map((one) => one.bpfNs ?? 0))) : '';
    console.log(
      `| ${kind} | ${Math.round(median(rates))} | ${Math.round(Math.min(...rates))} to ${Math.round(Math.max(...rates))} | ${(rate(kind) / base).toFixed(2)} | ${lost} | ${ns} |`,
    );
  }
}

/** bpftrace alone, its gate closed before it is stopped, as tls-kit does. */
async function withBpftrace(path) {
  const out = join(folder, 'out');
  const child = spawn('bpftrace', ['-f', 'json', path], {
    env: {...process.env, ...environment, __BPFTRACE_NOTIFY_PROBES_ATTACHED: '1'},
    stdio: ['ignore', openSync(out, 'w'), openSync(`${out}.err`, 'w')],
  });
  await until(() => /NOTIFY/.test(readFileSync(out, 'latin1').slice(0, 20_000) + readFileSync(`${out}.err`, 'latin1')));
  const before = bpfTimes();
  const rate = await load();
  const bpfNs = timeBetween(before, bpfTimes());
  child.kill('SIGCONT');
  await wait(1500);
  child.kill('SIGINT');
  await ended(child);
  const lost = [...readFileSync(out, 'latin1').matchAll(/"lost_events".*?"events": (\d+)/g)].reduce(
    (sum, [, n]) => sum + Number(n),
    0,
  );
  return {rate, lost, bpfNs};
}

async function withTlsKit() {
  const {child, ready, out} = startTlsKit();
  await ready;
  const rate = await load();
  child.kill('SIGINT');
  await ended(child);
  const {stdout} = await execa('tail', ['-n', '1', out]);
  return {rate, lost: JSON.parse(stdout).lostEvents};
}

async function readiness() {
  const times = {bare: [], own: []};
  for (let run = 0; run < runs; run++) {
    times.bare.push(await timeBare());
    times.own.push(await timeOwn());
  }
  console.log(
    `\nFrom command to ready, median of ${runs}: bpftrace alone ${Math.round(median(times.bare))} ms, tls-kit ${Math.round(median(times.own))} ms`,
  );
}

async function timeBare() {
  const err = join(folder, 'ready.err');
  const start = performance.now();
  const child = spawn('bpftrace', ['-f', 'json', script], {
    env: {...process.env, ...environment, __BPFTRACE_NOTIFY_PROBES_ATTACHED: '1'},
    stdio: ['ignore', openSync(err, 'w'), openSync(`${err}2`, 'w')],
  });
  await until(() => /NOTIFY/.test(readFileSync(err, 'latin1') + readFileSync(`${err}2`, 'latin1')));
  const time = performance.now() - start;
  child.kill('SIGINT');
  await ended(child);
  return time;
}

async function timeOwn() {
  const start = performance.now();
  const {child, ready} = startTlsKit();
  await ready;
  const time = performance.now() - start;
  child.kill('SIGINT');
  await ended(child);
  return time;
}

async function starts() {
  const times = [];
  for (let run = 0; run < 11; run++) {
    const start = performance.now();
    spawnSync('node', [cli, '--help']);
    times.push(performance.now() - start);
  }
  console.log(`tls-kit --help: ${Math.round(median(times))} ms, median of 11`);
  const recording = join(folder, 'recording');
  const line = `{"type": "printf", "data": "C|1a2b|%TIME%|0|c0|${'61 '.repeat(192).trim()}\\n"}`;
  const lines = ['{"type": "printf", "data": "TK|1|1|1795401781.349323\\n"}'];
  for (let call = 1; call < 90_000; call++) {
    const time = (call * 50_000).toString(16); // 20,000 calls a second
    lines.push(
      `{"type": "printf", "data": "D|${time}|10|1a2b00001a2b|55d0|10|${((call - 1) * 192).toString(16)}|65000000c0|c0|\\n"}`,
    );
    lines.push(line.replace('%TIME%', time));
  }
  writeFileSync(recording, `${lines.join('\n')}\n`);
  const megabytes = readFileSync(recording).length / 1e6;
  const start = performance.now();
  const {stderr} = spawnSync('/usr/bin/time', ['-f', '%M', 'node', cli, 'replay', recording, '--format', 'ndjson'], {
    encoding: 'utf8',
    stdio: ['ignore', openSync('/dev/null', 'w'), 'pipe'],
  });
  const took = (performance.now() - start) / 1000;
  console.log(
    `replay of ${megabytes.toFixed(0)} MB of recorded text: ${(megabytes / took).toFixed(0)} MB/s${/^\d+$/m.test(stderr) ? `, peak ${Math.round(Number(/^\d+$/m.exec(stderr)[0]) / 1024)} MB` : ''}`,
  );
}

function startTlsKit() {
  const ready = join(folder, `ready-${Math.random()}`);
  const out = join(folder, 'events.ndjson');
  const child = spawn('node', [...own, '--format', 'ndjson', '--ready-file', ready], {
    stdio: ['ignore', openSync(out, 'w'), 'ignore'],
  });
  const isReady = until(() => {
    try {
      return readFileSync(ready) !== undefined;
    } catch {
      return false;
    }
  });
  return {child, ready: isReady, out};
}

async function load() {
  const {stdout} = await execa('wrk', ['-t1', '-c8', `-d${seconds}s`, `https://127.0.0.1:${port}/`]);
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)[1]);
}

/** What report and export take for half a million events, and for a million: memory should not grow with them. */
function reports() {
  console.log('\n| command | events | file | seconds | most memory |');
  console.log('| --- | --- | --- | --- | --- |');
  for (const events of [650_000, 1_300_000]) {
    const capture = join(folder, `${events}.ndjson`);
    const made = openSync(capture, 'w');
    const maker = new URL('make-capture.mjs', import.meta.url).pathname;
    spawnSync('node', [maker, String(events), '3600'], {stdio: ['ignore', made, 'inherit']});
    closeSync(made);
    const {size} = statSync(capture);
    const lines = Number(spawnSync('wc', ['-l', capture], {encoding: 'utf8'}).stdout.split(' ')[0]);
    const out = join(folder, 'out');
    for (const words of [
      ['report', capture, '--html', out],
      ['export', 'har', capture, '-w', out],
      ['export', 'pcapng', capture, '-w', out],
    ]) {
      const tellMemory = 'data:text/javascript,process.on("exit",()=>console.error(process.resourceUsage().maxRSS))';
      const startedMs = Date.now();
      const {stderr} = spawnSync('node', ['--import', tellMemory, cli, ...words], {encoding: 'utf8'});
      const seconds = (Date.now() - startedMs) / 1000;
      const megabytes = Math.round(Number(stderr.trim().split('\n').at(-1)) / 1024);
      const name = words.filter((word) => !word.startsWith('/') && !word.startsWith('-')).join(' ');
      console.log(`| ${name} | ${lines} | ${Math.round(size / 1e6)} MB | ${seconds.toFixed(1)} | ${megabytes} MB |`);
    }
    rmSync(capture);
  }
}

async function startNginx() {
  const names = ['-subj', '/CN=localhost', '-keyout', 'key.pem', '-out', 'cert.pem'];
  await execa('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...names], {cwd: folder});
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join(' ');
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
events { worker_connections 256; }
http { access_log off; ${paths} keepalive_requests 100000000;
  server { listen 127.0.0.1:${port} ssl; ssl_certificate cert.pem; ssl_certificate_key key.pem; ssl_protocols TLSv1.3;
    location / { return 200 "${'hello '.repeat(16)}"; } } }`,
  );
  const child = spawn('nginx', ['-p', folder, '-c', 'nginx.conf'], {
    env: {...process.env, LD_LIBRARY_PATH: join(folder, 'lib')},
    stdio: 'ignore',
  });
  await until(() => spawnSync('curl', ['-sk', `https://127.0.0.1:${port}/`]).status === 0);
  return child;
}

function privateLibrary() {
  const {stdout} = spawnSync('sh', ['-c', 'ldconfig -p | sed -n "s/.*libssl\\.so\\.[0-9.]* .*=> //p" | head -n 1'], {
    encoding: 'utf8',
  });
  const path = stdout.trim();
  spawnSync('mkdir', ['-p', join(folder, 'lib')]);
  for (const each of [path, path.replace('libssl', 'libcrypto')])
    copyFileSync(realpathSync(each), join(folder, 'lib', basename(each)));
  return join(folder, 'lib', basename(path));
}

/** The same probes with nothing in them. */
function floorOf(text) {
  const points = [...new Set(text.match(/^u(?:ret)?probe:.*(?=,?$)/gm).map((point) => point.replace(/,$/, '')))];
  return `${points.join(',\n')}\n{\n}\n`;
}

/** Time and count of BPF programs of uprobes, by the kernel (kernel.bpf_stats_enabled), through bpftool's json. */
function bpfTimes() {
  const {stdout, status} = spawnSync('bpftool', ['-j', 'prog', 'show'], {encoding: 'utf8'});
  if (status !== 0) return undefined;
  return JSON.parse(stdout).filter(({type}) => type === 'kprobe');
}

function timeBetween(before, after) {
  if (!before || !after) return undefined;
  const sum = (programs, key) => programs.reduce((total, each) => total + (each[key] ?? 0), 0);
  const count = sum(after, 'run_cnt') - sum(before, 'run_cnt');
  return count > 0 ? (sum(after, 'run_time_ns') - sum(before, 'run_time_ns')) / count : undefined;
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

async function until(condition) {
  const deadline = Date.now() + 60_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('waited a minute in vain');
    await wait(5);
  }
}

function ended(child) {
  if (child.exitCode !== null || child.signalCode !== null) return undefined;
  return new Promise((resolve) => child.once('exit', resolve));
}

/**
 * Runs for long under a mixed load, and prints what grew: `npm run soak -- --minutes 30`. Connections and processes come and go all
 * the time. Nothing here passes or fails.
 */
import {spawn, spawnSync} from 'node:child_process';
import {readdirSync, readFileSync} from 'node:fs';
import https from 'node:https';
import {join} from 'node:path';
import {setTimeout as wait} from 'node:timers/promises';
import {parseArgs} from 'node:util';
import {cli, ended, median, openStage, port, until} from './stage.mjs';

const {values} = parseArgs({options: {minutes: {type: 'string', default: '30'}}});
const minutes = Number(values.minutes);
const sampleEveryMs = 10_000;

const stage = await openStage();
try {
  await soak();
} finally {
  await stage.close();
}

async function soak() {
  const tracer = await startTracer();
  const bpftrace = await descendantNamed(tracer.child.pid, 'bpftrace');
  const stop = new AbortController();
  const load = startLoad(stop.signal);
  const samples = [];
  const startedAt = Date.now();
  while (Date.now() - startedAt < minutes * 60_000) {
    await wait(sampleEveryMs);
    samples.push({minute: (Date.now() - startedAt) / 60_000, ...sample(tracer.child.pid, bpftrace)});
  }
  stop.abort();
  const sent = await load;
  tracer.child.kill('SIGINT');
  await ended(tracer.child);
  report(samples, sent, tracer.summary());
}

async function startTracer() {
  const ready = join(stage.folder, 'ready');
  const words = [
    'trace',
    'openssl',
    '--lib',
    stage.libssl,
    '--max-overhead',
    '0',
    '--format',
    'ndjson',
    '--ready-file',
    ready,
  ];
  const child = spawn('node', [cli, ...words], {stdio: ['ignore', 'pipe', 'ignore']});
  let last = '';
  child.stdout.on('data', (chunk) => {
    last = (last + chunk).slice(-4_000_000);
  });
  await until(() => readdirSync(stage.folder).includes('ready'));
  return {child, summary: () => JSON.parse(last.trim().split('\n').at(-1))};
}

/** Requests on connections that stay, on new ones, and by short-lived programs that are traced too: until it is told to stop. */
async function startLoad(stopped) {
  const sent = {kept: 0, fresh: 0, programs: 0};
  const agent = new https.Agent({keepAlive: true, maxSockets: 8});
  const repeat = async (kind, everyMs, request) => {
    while (!stopped.aborted) {
      await Promise.all([request(), wait(everyMs)]);
      sent[kind]++;
    }
  };
  await Promise.all([
    ...Array.from({length: 4}, () => repeat('kept', 25, () => get('/1k', agent))),
    repeat('kept', 250, () => get('/100k', agent)),
    repeat('fresh', 50, () => get('/1k', false)),
    repeat('programs', 1000, curl),
  ]);
  agent.destroy();
  return sent;
}

function get(path, agent) {
  return new Promise((resolve, reject) => {
    const request = https.get({host: '127.0.0.1', port, path, agent, rejectUnauthorized: false}, (response) => {
      response.resume();
      response.on('end', resolve);
    });
    request.on('error', reject);
  });
}

function curl() {
  const child = spawn('curl', ['-sk', '-o', '/dev/null', `https://127.0.0.1:${port}/16k`], {
    env: {...process.env, LD_LIBRARY_PATH: join(stage.folder, 'lib')},
    stdio: 'ignore',
  });
  return ended(child);
}

function sample(tlsKit, bpftrace) {
  const maps = entriesOf(bpftrace);
  return {
    'tls-kit: memory, MB': residentOf(tlsKit),
    'bpftrace: memory, MB': residentOf(bpftrace),
    'tls-kit: descriptors': readdirSync(`/proc/${tlsKit}/fd`).length,
    'bpftrace: descriptors': readdirSync(`/proc/${bpftrace}/fd`).length,
    'keys in all maps': maps,
  };
}

/** Resident memory, from VmRSS in /proc/PID/status, see proc(5). */
function residentOf(pid) {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
}

/** Keys in the hash maps that this bpftrace has open. */
function entriesOf(pid) {
  const ids = readdirSync(`/proc/${pid}/fdinfo`).flatMap((fd) => {
    const text = readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8');
    return /^map_type:\s+1$/m.test(text) ? [/^map_id:\s+(\d+)$/m.exec(text)[1]] : []; // BPF_MAP_TYPE_HASH
  });
  const counts = [...new Set(ids)].map((id) => {
    const {stdout} = spawnSync('bpftool', ['-j', 'map', 'dump', 'id', id], {encoding: 'utf8', maxBuffer: 1e8});
    return JSON.parse(stdout).length;
  });
  return counts.reduce((sum, count) => sum + count, 0);
}

async function descendantNamed(pid, name) {
  for (const child of readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean)) {
    if (readFileSync(`/proc/${child}/comm`, 'utf8').trim() === name) return Number(child);
    const found = await descendantNamed(child, name);
    if (found) return found;
  }
  return undefined;
}

/** The second minute against the last: what a program takes at its start is no growth. */
function report(samples, sent, {bytes, calls, lostEvents, malformedLines, incomplete}) {
  const names = Object.keys(samples[0]).filter((name) => name !== 'minute');
  const of = (name, from, to) =>
    median(samples.filter(({minute}) => minute >= from && minute <= to).map((each) => each[name]));
  console.log(
    `\n${minutes} minutes; ${sent.kept} requests on connections that stay, ${sent.fresh} on new ones, ${sent.programs} programs\n`,
  );
  console.log(
    `| | minute 2 | minute ${Math.round(minutes / 2)} | minute ${minutes} | growth |\n| --- | --- | --- | --- | --- |`,
  );
  for (const name of names) {
    const [first, middle, last] = [
      of(name, 1, 2),
      of(name, minutes / 2 - 0.5, minutes / 2 + 0.5),
      of(name, minutes - 1, minutes + 1),
    ];
    console.log(
      `| ${name} | ${first.toFixed(0)} | ${middle.toFixed(0)} | ${last.toFixed(0)} | ${((100 * last) / first - 100).toFixed(1)} % |`,
    );
  }
  const {seen, captured, cut, lost} = bytes;
  const sum = seen === captured + cut + lost ? '=' : 'is not';
  console.log(
    `\nseen ${seen} ${sum} captured ${captured} + cut ${cut} + lost ${lost}; ${calls?.entered} calls entered, ${calls?.returned} returned; ${lostEvents} records lost, ${malformedLines} malformed${incomplete ? '; incomplete' : ''}`,
  );
}

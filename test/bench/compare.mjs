// The same load under tls-kit and under what people would use instead.
import {spawn, spawnSync} from 'node:child_process';
import {existsSync, openSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as wait} from 'node:timers/promises';
import {interleaved, number} from './live.mjs';
import {
  ended,
  load,
  median,
  mostMemory,
  port,
  processorTime,
  seconds,
  startBpftrace,
  startTlsKit,
  until,
  writeScripts,
} from './stage.mjs';

const proxyPort = port + 2;

const loads = {
  '1 KB': {path: '/1k'},
  '100 KB': {path: '/100k'},
  'new connections, 1 KB': {path: '/1k', header: 'Connection: close'},
};

/** One table for each load: medians of interleaved runs. */
export async function compare(stage, runs) {
  const {floor} = writeScripts(stage);
  const tlsKit = (snaplen) => () => startTlsKit(stage, ['openssl', '--lib', stage.libssl, '-s', String(snaplen)]);
  const tracers = {
    nothing: async () => undefined,
    'empty probes: the floor': () => startBpftrace(stage, floor),
    'tls-kit --snaplen 0': tlsKit(0),
    'tls-kit --snaplen 512': tlsKit(512),
    'tls-kit (16,384)': tlsKit(16_384),
    'sslsniff of bcc': () => startSslsniff(stage),
    'strace -e network,read,write': () => startStrace(stage),
    'nginx as a TLS proxy in front': () => startNginxProxy(stage),
    'mitmproxy in front': () => startMitmproxy(stage),
  };
  for (const [name, words] of Object.entries(loads)) {
    const kinds = Object.entries(tracers).map(([kind, start]) => [kind, () => measure(stage, start, words)]);
    print(name, await interleaved(Object.fromEntries(kinds), runs), runs);
  }
}

/** What a load comes to while a tracer runs. A tracer that is not to be had here gives a word why. */
async function measure(stage, start, words) {
  const tracer = await start();
  if (tracer?.absent) return tracer;
  const pid = tracer?.child.pid;
  const before = [pid ? processorTime(pid) : 0, processorTime(stage.nginx.pid)];
  const result = await load({...words, onPort: tracer?.port ?? port});
  await wait(500);
  const after = [pid ? processorTime(pid) : 0, processorTime(stage.nginx.pid)];
  const memory = pid ? mostMemory(pid) : undefined;
  const told = await tracer?.stop();
  return {
    ...result,
    tracerS: pid ? after[0] - before[0] : undefined,
    traceeS: after[1] - before[1],
    memory,
    ...accountOf(told, tracer, result),
  };
}

/** Of a summary of tls-kit, or of a count of calls: which share was captured, and the bytes lost. */
function accountOf(told, tracer, {requests}) {
  if (told?.bytes) return {share: 1 - told.bytes.lost / told.bytes.seen, lost: told.bytes.lost};
  // A request is read in one call and answered in one; sslsniff shows each call that it got.
  return tracer?.calls ? {share: Math.min(1, tracer.calls() / (2 * requests))} : {};
}

function print(name, results, runs) {
  console.log(`\n${name}; wrk, 8 connections, ${seconds} s; medians of ${runs} interleaved runs\n`);
  console.log(
    '| between | requests/s | p50 ms | p99 ms | tracer CPU s | nginx CPU s | captured | bytes lost | memory of the tracer |',
  );
  console.log('| --- | --- | --- | --- | --- | --- | --- | --- | --- |');
  for (const [kind, each] of Object.entries(results)) {
    if (each[0].absent) {
      console.log(`| ${kind} | ${each[0].absent} |  |  |  |  |  |  |  |`);
      continue;
    }
    const of = (key) => {
      const known = each.map((one) => one[key]).filter((value) => value !== undefined);
      return known.length > 0 ? median(known) : undefined;
    };
    const fixed = (value, digits) => (value === undefined ? '' : value.toFixed(digits));
    const share = of('share');
    const cells = [
      number(of('rate')),
      fixed(of('p50'), 2),
      fixed(of('p99'), 1),
      fixed(of('tracerS'), 1),
      fixed(of('traceeS'), 1),
      share === undefined ? '' : `${(100 * share).toFixed(1)} %`,
      number(of('lost')),
      of('memory') === undefined ? '' : `${of('memory')} MB`,
    ];
    console.log(`| ${kind} | ${cells.join(' | ')} |`);
  }
}

/**
 * bcc's, for the private copy of the library. That of Debian 12 does not compile on newer headers, which have no min() of this
 * kind: the copy that runs here compares instead.
 */
export async function startSslsniff(stage, maxBuffer = 16_384) {
  const path = ['/usr/sbin/sslsniff-bpfcc', '/usr/share/bcc/tools/sslsniff'].find((each) => existsSync(each));
  if (!path) return {absent: 'not installed: apt-get install bpfcc-tools'};
  const mended = readFileSync(path, 'utf8').replace(
    'min((size_t)MAX_BUF_SIZE, (size_t)len)',
    '((size_t)MAX_BUF_SIZE < (size_t)len ? (size_t)MAX_BUF_SIZE : (size_t)len)',
  );
  const [copy, out] = [join(stage.folder, 'sslsniff.py'), join(stage.folder, 'sslsniff.out')];
  writeFileSync(copy, mended);
  const words = [
    '-u',
    copy,
    '-o',
    '-g',
    '-n',
    '--max-buffer-size',
    String(maxBuffer),
    '--extra-lib',
    `openssl:${stage.libssl}`,
  ];
  const child = spawn('/usr/bin/python3', words, {stdio: ['ignore', openSync(out, 'w'), openSync(`${out}.err`, 'w')]});
  await until(() => child.exitCode !== null || readFileSync(out, 'latin1').startsWith('FUNC'));
  if (child.exitCode !== null)
    return {absent: 'does not compile here: it needs the headers of a kernel in /lib/modules/$(uname -r)/build'};
  const stop = async () => {
    child.kill('SIGINT');
    await ended(child);
  };
  const text = () => readFileSync(out, 'latin1');
  return {child, stop, text, calls: () => text().match(/^(?:READ\/RECV|WRITE\/SEND) /gm)?.length ?? 0};
}

async function startStrace({folder}) {
  if (spawnSync('strace', ['-V']).status !== 0) return {absent: 'not installed: apt-get install strace'};
  const pids = readFileSync(join(folder, 'nginx.pid'), 'utf8').trim();
  const workers = readFileSync(`/proc/${pids}/task/${pids}/children`, 'utf8').trim().split(' ');
  const words = [
    '-f',
    '-e',
    'trace=network,read,write',
    '-o',
    join(folder, 'strace.out'),
    ...workers.flatMap((pid) => ['-p', pid]),
  ];
  const child = spawn('strace', words, {stdio: 'ignore'});
  await wait(500);
  const stop = async () => {
    child.kill('SIGINT');
    await ended(child);
  };
  return {child, stop};
}

async function startNginxProxy({folder}) {
  const conf = readFileSync(join(folder, 'nginx.conf'), 'utf8');
  const [head] = conf.split('  server {');
  writeFileSync(
    join(folder, 'proxy.conf'),
    `${head.replace('nginx.pid', 'proxy.pid')}  upstream behind { server 127.0.0.1:${port + 1}; keepalive 16; }
  server { listen 127.0.0.1:${proxyPort} ssl; ssl_certificate cert.pem; ssl_certificate_key key.pem; ssl_protocols TLSv1.3;
    location / { proxy_pass http://behind; proxy_http_version 1.1; proxy_set_header Connection ""; } } }`,
  );
  const child = spawn('nginx', ['-p', folder, '-c', 'proxy.conf'], {stdio: 'ignore'});
  return proxied(child, 'SIGTERM');
}

async function startMitmproxy({folder}) {
  if (spawnSync('mitmdump', ['--version']).status !== 0) return {absent: 'not installed: apt-get install mitmproxy'};
  const words = ['-q', '-p', String(proxyPort), '--mode', `reverse:https://127.0.0.1:${port}`, '--ssl-insecure'];
  const child = spawn('mitmdump', [...words, '--set', `confdir=${folder}/mitm`, '-w', join(folder, 'mitm.flows')], {
    stdio: 'ignore',
  });
  return proxied(child, 'SIGINT');
}

async function proxied(child, signal) {
  await until(() => spawnSync('curl', ['-sk', '-o', '/dev/null', `https://127.0.0.1:${proxyPort}/1k`]).status === 0);
  const stop = async () => {
    child.kill(signal);
    await ended(child);
  };
  return {child, port: proxyPort, stop};
}

// What following connections costs, and what looking for handshakes costs those who speak no TLS.
import {spawnSync} from 'node:child_process';
import {readFileSync, truncateSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {interleaved, number} from './live.mjs';
import {load, median, port, startBpftrace, startTlsKit, writeScripts} from './stage.mjs';

const bulkMegabytes = 200;

function writeSparse(path, megabytes) {
  writeFileSync(path, '');
  truncateSync(path, megabytes * 1e6);
}

export async function tracking(stage, runs) {
  const {script} = writeScripts(stage);
  const without = join(stage.folder, 'without.bt');
  writeFileSync(without, withoutSockets(readFileSync(script, 'utf8')));
  const under = (start) => async () => {
    const {stop} = await start();
    const {rate} = await load();
    await stop();
    return {rate};
  };
  table(
    'The generated script, requests/s',
    await interleaved(
      {
        'without what finds the socket of a session': under(() => startBpftrace(stage, without)),
        'as it is': under(() => startBpftrace(stage, script)),
      },
      runs,
    ),
  );
  const plain = {path: '/100k', onPort: port + 1, scheme: 'http'};
  writeSparse(join(stage.folder, 'www', 'bulk'), bulkMegabytes);
  for (const [title, measure] of [
    ['Plain HTTP, requests for 100 KB each', () => load(plain)],
    ['Plain HTTP, 2 GB over one connection, MB/s', download],
  ]) {
    const kinds = {
      'nothing attached': measure,
      'tls-kit trace handshakes': async () => {
        const {stop} = await startTlsKit(stage, ['handshakes', ...pidsOf(stage)]);
        const result = await measure();
        await stop();
        return result;
      },
    };
    table(title, await interleaved(kinds, runs));
  }
}

/** Two gigabytes by plain HTTP, one connection: MB a second. */
function download() {
  const words = [
    '-s',
    ...Array.from({length: 10}, () => ['-o', '/dev/null', `http://127.0.0.1:${port + 1}/bulk`]).flat(),
  ];
  const startedAt = performance.now();
  spawnSync('curl', words);
  return {rate: (10 * bulkMegabytes) / ((performance.now() - startedAt) / 1000)};
}

/** Of nginx and its worker: nobody else's traffic is looked at. */
function pidsOf({nginx: {pid}}) {
  const workers = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
  return [pid, ...workers].flatMap((each) => ['-p', String(each)]);
}

/** The script without its probes of system calls and of the functions that carry records: what it knows of sockets is gone. */
function withoutSockets(text) {
  const blocks = text.split(/(?<=^\}\n)/m);
  const isOfSockets = (block) =>
    /^(?:tracepoint:(?:raw_)?syscalls:|uprobe:\S+:(?:BIO_|SSL_set_\w?fd)|\/@(?:carried|socket|waits)\[)/m.test(block);
  return blocks.filter((block) => !isOfSockets(block)).join('');
}

function table(title, results) {
  const [[, before]] = Object.entries(results);
  const base = median(before.map(({rate}) => rate));
  console.log(`\n| ${title} | rate | of the first |\n| --- | --- | --- |`);
  for (const [kind, each] of Object.entries(results)) {
    const rate = median(each.map((one) => one.rate));
    console.log(`| ${kind} | ${number(rate)} | ${(rate / base).toFixed(2)} |`);
  }
}

// What needs no bpftrace: how fast tls-kit starts, reads what was recorded, and makes reports of it.
import {spawnSync} from 'node:child_process';
import {closeSync, openSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {cli, median} from './stage.mjs';

export function starts() {
  const times = Array.from({length: 11}, () => {
    const startedAt = performance.now();
    spawnSync('node', [cli, '--help']);
    return performance.now() - startedAt;
  });
  console.log(`\ntls-kit --help: ${Math.round(median(times))} ms, median of 11`);
}

/** Recordings as bpftrace 0.17 prints them: calls of 192 bytes, and of 16,384 in 64 records. */
export function replays(folder) {
  console.log('\n| replay --format ndjson of | calls | file | MB/s | most memory |\n| --- | --- | --- | --- | --- |');
  for (const [length, calls] of [
    [192, 90_000],
    [16_384, 2500],
  ]) {
    const recording = join(folder, 'recording');
    writeFileSync(recording, `${recordingOf(length, calls).join('\n')}\n`);
    const megabytes = statSync(recording).size / 1e6;
    for (const words of [['--no-redact'], []]) {
      const {seconds, memory} = run(['replay', recording, '--format', 'ndjson', ...words]);
      const name = `calls of ${length} bytes${words.length > 0 ? ', --no-redact' : ''}`;
      console.log(
        `| ${name} | ${calls} | ${megabytes.toFixed(0)} MB | ${(megabytes / seconds).toFixed(0)} | ${memory} MB |`,
      );
    }
    rmSync(recording);
  }
}

function recordingOf(length, calls) {
  const words = (count) => Array(count).fill('6161616161616161').join(' ');
  const lines = ['TK|1|1|1795401781.349323', 'S|tls-kit|0.1.0', 'S|piece|256'];
  for (let call = 1; call <= calls; call++) {
    const time = (call * 50_000).toString(16); // 20,000 calls a second
    const offset = ((call - 1) * length).toString(16);
    const head = `G|${time}|10|1a2b00001a2b|55d0|10|${offset}|65${length.toString(16).padStart(8, '0')}|${length.toString(16)}`;
    lines.push(
      `${head}|${[...Array(Math.min(31, length / 8 - 1)).fill('6161616161616161'), ...Array(32 - Math.min(32, length / 8)).fill('0'), '6161616161616161'].join(' ')}`,
    );
    for (let at = 256; at < length; at += 256) lines.push(`M|1a2b|${time}|${at.toString(16)}|100|${words(32)}`);
  }
  return lines.map((line) => `{"type": "printf", "data": "${line}\\n"}`);
}

/** What report and export take for half a million events, and for a million: memory should not grow with them. */
export function reports(folder) {
  console.log('\n| command | events | file | seconds | most memory |\n| --- | --- | --- | --- | --- |');
  for (const events of [650_000, 1_300_000]) {
    const capture = join(folder, `${events}.ndjson`);
    const made = openSync(capture, 'w');
    const maker = new URL('make-capture.mjs', import.meta.url).pathname;
    spawnSync('node', [maker, String(events), '3600'], {stdio: ['ignore', made, 'inherit']});
    closeSync(made);
    const lines = Number(spawnSync('wc', ['-l', capture], {encoding: 'utf8'}).stdout.split(' ')[0]);
    const megabytes = Math.round(statSync(capture).size / 1e6);
    const out = join(folder, 'out');
    for (const [name, words] of [
      ['report', ['report', capture, '--html', out]],
      ['export har', ['export', 'har', capture, '-w', out]],
      ['export pcapng', ['export', 'pcapng', capture, '-w', out]],
    ]) {
      const {seconds, memory} = run(words);
      console.log(`| ${name} | ${lines} | ${megabytes} MB | ${seconds.toFixed(1)} | ${memory} MB |`);
    }
    rmSync(capture);
  }
}

/** tls-kit with these words: seconds, and the most memory it had in MB. */
function run(words) {
  const tellMemory = 'data:text/javascript,process.on("exit",()=>console.error(process.resourceUsage().maxRSS))';
  const startedAt = performance.now();
  const {stderr} = spawnSync('node', ['--import', tellMemory, cli, ...words], {
    encoding: 'utf8',
    stdio: ['ignore', openSync('/dev/null', 'w'), 'pipe'],
  });
  const seconds = (performance.now() - startedAt) / 1000;
  return {seconds, memory: Math.round(Number(stderr.trim().split('\n').at(-1)) / 1024)};
}

// What tracing costs while it happens: requests a second, the kernel's own figure, and the time until all is attached.
import {spawnSync} from 'node:child_process';
import {readFileSync, writeFileSync} from 'node:fs';
import {cpus} from 'node:os';
import {load, median, seconds, startBpftrace, startTlsKit, writeScripts} from './stage.mjs';

/** Requests a second with nothing attached, with empty probes, with the generated script, with tls-kit: interleaved. */
export async function throughput(stage, runs) {
  const {script, floor} = writeScripts(stage);
  const kinds = {
    'nothing attached': load,
    'empty probes: the floor': () => withBpftrace(stage, floor),
    'the generated script alone': () => withBpftrace(stage, script),
    'tls-kit trace --format ndjson': () => withTlsKit(stage, ['openssl', '--lib', stage.libssl]),
    'tls-kit trace --format ndjson --no-redact': () =>
      withTlsKit(stage, ['openssl', '--lib', stage.libssl, '--no-redact']),
  };
  const results = await interleaved(kinds, runs);
  const base = median(results['empty probes: the floor'].map(({rate}) => rate));
  console.log(
    `\nnginx, 1 worker, TLS 1.3, keep-alive, 96 bytes; wrk, 8 connections, ${seconds} s; ${runs} interleaved runs; ${cpus().length} processors\n`,
  );
  console.log('| attached | requests/s | spread | of the floor | records lost | BPF ns a run |');
  console.log('| --- | --- | --- | --- | --- | --- |');
  for (const [kind, each] of Object.entries(results)) {
    const rates = each.map(({rate}) => rate);
    const [lost, ns] = ['lost', 'bpfNs'].map((key) => middle(each.map((one) => one[key])));
    console.log(
      `| ${kind} | ${number(median(rates))} | ${number(Math.min(...rates))} to ${number(Math.max(...rates))} | ${(median(rates) / base).toFixed(2)} | ${number(lost)} | ${number(ns)} |`,
    );
  }
}

/** From command to ready, bpftrace alone and tls-kit. */
export async function readiness(stage, runs) {
  const {script} = writeScripts(stage);
  const time = async (start) => {
    const startedAt = performance.now();
    const {stop} = await start();
    const took = performance.now() - startedAt;
    await stop();
    return {took};
  };
  const kinds = {
    bare: () => time(() => startBpftrace(stage, script)),
    own: () => time(() => startTlsKit(stage, ['openssl', '--lib', stage.libssl])),
  };
  const {bare, own} = await interleaved(kinds, runs);
  const of = (results) => Math.round(median(results.map(({took}) => took)));
  console.log(`\nFrom command to ready, median of ${runs}: bpftrace alone ${of(bare)} ms, tls-kit ${of(own)} ms`);
}

/** What each BPF program of the generated script takes of a request, by the kernel's own count. */
export async function programs(stage) {
  const {script} = writeScripts(stage);
  const {stop} = await startBpftrace(stage, script);
  const before = bpfPrograms();
  const {requests} = await load();
  const after = bpfPrograms();
  await stop();
  const rows = [...after].flatMap(([id, {name, runs, ns}]) => {
    const ran = runs - (before.get(id)?.runs ?? 0);
    return ran < requests / 100 ? [] : [{name, ran, took: ns - (before.get(id)?.ns ?? 0)}];
  });
  console.log('\n| BPF program | runs a request | ns a run | us a request |\n| --- | --- | --- | --- |');
  for (const {name, ran, took} of rows.sort((a, b) => b.took - a.took)) {
    console.log(
      `| ${name} | ${(ran / requests).toFixed(1)} | ${number(took / ran)} | ${(took / requests / 1000).toFixed(2)} |`,
    );
  }
}

/** The same things measured in turns, so that what else the machine does falls on all of them alike. */
export async function interleaved(kinds, runs) {
  const results = Object.fromEntries(Object.keys(kinds).map((kind) => [kind, []]));
  for (let run = 0; run < runs; run++) {
    for (const [kind, measure] of Object.entries(kinds)) results[kind].push(await measure());
  }
  return results;
}

/** Has the kernel count what BPF programs take, for as long as something is measured. */
export async function withStatistics(measure) {
  const path = '/proc/sys/kernel/bpf_stats_enabled';
  const before = readFileSync(path, 'utf8');
  writeFileSync(path, '1');
  try {
    await measure();
  } finally {
    writeFileSync(path, before);
  }
}

async function withBpftrace(stage, script) {
  const {stop} = await startBpftrace(stage, script);
  const before = bpfPrograms();
  const {rate} = await load();
  const bpfNs = nsBetween(before, bpfPrograms());
  return {rate, bpfNs, lost: await stop()};
}

async function withTlsKit(stage, words) {
  const {stop} = await startTlsKit(stage, words);
  const {rate} = await load();
  return {rate, lost: (await stop()).lostEvents};
}

/** Runs and time of each BPF program, by number (kernel.bpf_stats_enabled), through bpftool's json. */
export function bpfPrograms() {
  const {stdout} = spawnSync('bpftool', ['-j', 'prog', 'show'], {encoding: 'utf8'});
  const list = JSON.parse(stdout).map(({id, name, type, run_cnt = 0, run_time_ns = 0}) => [
    id,
    {name: `${name} (${type === 'kprobe' ? 'uprobe' : type})`, type, runs: run_cnt, ns: run_time_ns},
  ]);
  return new Map(list);
}

/** Of the programs at uprobes (which the kernel calls kprobes). */
function nsBetween(before, after) {
  const sum = (all, key) =>
    [...all.values()].filter(({type}) => type === 'kprobe').reduce((total, each) => total + each[key], 0);
  const runs = sum(after, 'runs') - sum(before, 'runs');
  return runs > 0 ? (sum(after, 'ns') - sum(before, 'ns')) / runs : undefined;
}

function middle(values) {
  const known = values.filter((value) => value !== undefined);
  return known.length > 0 ? median(known) : undefined;
}

export function number(value) {
  return value === undefined ? '' : Math.round(value).toLocaleString('en');
}

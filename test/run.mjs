// Runs the tests and counts them: `node test/run.mjs [FILE|FOLDER…]`. Those that trace run three at a time: they spend most of
// their time waiting for the kernel to attach and detach probes. What runs only when it is asked for runs alone. In CI, a test that is skipped because the machine cannot trace is a failure.
import {spawnSync} from 'node:child_process';
import {existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {Parser} from 'tap-parser';

const chosen = process.argv.slice(2);
const files = chosen.length > 0 ? chosen.flatMap(testsIn) : testsIn('test').filter((file) => !isOnlyWhenAsked(file));
const alone = files.filter(isOnlyWhenAsked);
const tracing = files.filter((file) => file.startsWith('test/real/'));
const together = files.filter((file) => !alone.includes(file) && !tracing.includes(file));

const counts = {passed: 0, failed: 0, skipped: 0};
const notes = [];
run(together, 2);
run(tracing, 3);
run(alone, 1);

const blind = process.env.CI ? notes.filter(({reason}) => /cannot trace/.test(reason ?? '')).length : 0;
console.log(); // the reporter ends with an escape for the terminal
for (const {what, file, name, reason} of notes) console.log([what, file, name, reason].filter(Boolean).join(': '));
if (blind > 0) console.log(`In CI the machine must be able to trace: ${blind} skipped tests count as failed.`);
counts.failed += blind;
counts.skipped -= blind;
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.failed > 0 || (files.length > 0 && counts.passed + counts.skipped === 0) ? 1 : 0;

/** The test files of a folder, or the file itself. A folder that is not there has none. */
function testsIn(path) {
  if (!existsSync(path)) return [];
  if (statSync(path).isFile()) return [path];
  const names = readdirSync(path, {recursive: true}).filter((name) => name.endsWith('.test.ts'));
  return names.map((name) => join(path, name)).sort();
}

/** What takes long: other versions of bpftrace and OpenSSL, which are fetched first, and the faults that need minutes. */
function isOnlyWhenAsked(file) {
  return /^test\/(?:matrix|faults)\//.test(file);
}

function run(group, jobs) {
  if (group.length === 0) return;
  const results = `.tap/results-${jobs}.tap`;
  mkdirSync('.tap', {recursive: true});
  rmSync(results, {force: true});
  const reporter = process.stdout.isTTY ? 'terse' : 'min';
  const flags = ['--disable-coverage', '--allow-empty-coverage', '--timeout=600', `--reporter=${reporter}`];
  const words = [...flags, `--jobs=${jobs}`, `--output-file=${results}`, ...group];
  // In CI the reporter would leave out what failed.
  const env = {...process.env, CI: 'false'};
  const {status} = spawnSync('node_modules/.bin/tap', words, {env, stdio: 'inherit'});
  const failedBefore = counts.failed;
  if (existsSync(results)) count(readFileSync(results, 'utf8'));
  if (status !== 0 && counts.failed === failedBefore) add('failed', {file: 'tap', name: `ended with status ${status}`});
}

/** Counts the tests of each file, not their assertions; a file that fails outside of its tests counts as one. */
function count(text) {
  const parser = new Parser();
  let failedInFile = 0;
  parser.on('child', (file) => {
    failedInFile = 0;
    file.on('assert', ({ok, name, skip, todo}) => {
      if (skip || todo) add('skipped', {file: file.name, name, reason: String(skip || todo)});
      else if (ok) counts.passed++;
      else failedInFile = add('failed', {file: file.name, name});
    });
  });
  parser.on('assert', ({ok, name, skip}) => {
    if (skip) add('skipped', {file: name, reason: String(skip)});
    else if (!ok && failedInFile === 0) add('failed', {file: name, name: 'outside of its tests'});
  });
  parser.end(text);
}

function add(what, note) {
  notes.push({what, ...note});
  return ++counts[what];
}

// Runs the tests: those that trace one at a time, since they compete for the processors; then counts them.
// `node test/run.mjs [FOLDER…]`. In CI, a test that is skipped because the machine cannot trace is a failure.
import {spawnSync} from 'node:child_process';
import {mkdirSync, readdirSync, readFileSync, rmSync} from 'node:fs';
import {Parser} from 'tap-parser';

const folders = process.argv.slice(2);
const all = readdirSync('test', {withFileTypes: true})
  .filter((entry) => entry.isDirectory() && !['golden', 'fixtures', 'bench', 'matrix'].includes(entry.name))
  .map(({name}) => `test/${name}`);
const chosen = folders.length > 0 ? folders : all;
const alone = chosen.filter((folder) => folder.startsWith('test/real') || folder.startsWith('test/matrix'));
const together = chosen.filter((folder) => !alone.includes(folder));

const counts = {passed: 0, failed: 0, skipped: 0};
const skips = [];
for (const [index, [jobs, group]] of [
  ['2', together],
  ['1', alone],
].entries()) {
  if (group.length > 0) run(jobs, group, `.tap/results-${index}.tap`);
}

for (const {file, name, reason} of skips) console.log(`skipped: ${file}: ${name}: ${reason}`);
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
const blind = process.env.CI ? skips.filter(({reason}) => /cannot trace/.test(reason)) : [];
if (blind.length > 0) console.error(`In CI, every test must be able to trace; ${blind.length} were not.`);
process.exitCode = counts.failed > 0 || blind.length > 0 || counts.passed === 0 ? 1 : 0;

function run(jobs, group, results) {
  mkdirSync('.tap', {recursive: true});
  rmSync(results, {force: true});
  const words = ['tap', '--disable-coverage', '--allow-empty-coverage', '--reporter=terse', '--timeout=300'];
  const {status} = spawnSync('npx', [...words, `--jobs=${jobs}`, `--output-file=${results}`, ...group], {
    stdio: 'inherit',
  });
  const failedBefore = counts.failed;
  count(readFileSync(results, 'utf8'));
  if (status !== 0 && counts.failed === failedBefore) counts.failed += 1;
}

/** Counts the tests of each file, not their assertions; a file that fails outside of its tests counts as one. */
function count(text) {
  const parser = new Parser();
  parser.on('child', (file) => {
    file.on('assert', ({ok, name, skip, todo}) => {
      if (skip || todo) {
        counts.skipped++;
        skips.push({file: file.name, name, reason: String(skip || todo)});
      } else if (ok) counts.passed++;
      else counts.failed++;
    });
  });
  parser.on('assert', ({ok, name, skip}) => {
    if (skip) {
      counts.skipped++;
      skips.push({file: name, name: 'the whole file', reason: String(skip)});
    } else if (!ok && counts.failed === 0) counts.failed++;
  });
  parser.end(text);
}

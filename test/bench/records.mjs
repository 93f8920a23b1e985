// What one record costs: in the kernel, where a printf wakes its reader, and in bpftrace, which prints it.
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {bpfPrograms, number} from './live.mjs';
import {load, processorTime, startBpftrace} from './stage.mjs';

const numbers = (count) => Array(count).fill('nsecs').join(', ');
const words = (count) => Array.from({length: count}, (_, index) => `*(uint64 *)uptr($from + ${8 * index})`).join(', ');
const format = (count) => Array(count).fill('%llx').join('|');

const kinds = {
  'nothing but a newline': 'printf("\\n");',
  'eight numbers': `printf("${format(8)}\\n", ${numbers(8)});`,
  'eight numbers and 160 bytes by %rh': `printf("${format(8)}|%rh\\n", ${numbers(8)}, buf(uptr($from), 160));`,
  'eight numbers and 160 bytes as words': `printf("${format(28)}\\n", ${numbers(8)}, ${words(20)});`,
  'eight numbers and 320 bytes as words': `printf("${format(48)}\\n", ${numbers(8)}, ${words(40)});`,
};

/** Each kind of record at each SSL_write of nginx. */
export async function records(stage) {
  console.log('\n| a record of | BPF us | bpftrace us | requests/s |\n| --- | --- | --- | --- |');
  for (const [kind, statement] of Object.entries(kinds)) {
    const script = join(stage.folder, 'record.bt');
    writeFileSync(script, scriptOf(stage.libssl, statement));
    const {child, stop} = await startBpftrace(stage, script);
    const [before, usedS] = [bpfPrograms(), processorTime(child.pid)];
    const {rate, requests} = await load({path: '/1k'});
    const [after, usedAfterS] = [bpfPrograms(), processorTime(child.pid)];
    await stop();
    const spent = [...after].reduce((sum, [id, {ns}]) => sum + ns - (before.get(id)?.ns ?? 0), 0);
    const micros = [spent / 1000, (usedAfterS - usedS) * 1e6].map((total) => (total / requests).toFixed(1));
    console.log(`| ${[kind, ...micros, number(rate)].join(' | ')} |`);
  }
}

function scriptOf(libssl, statement) {
  return `#!/usr/bin/env -S BPFTRACE_STRLEN=160 BPFTRACE_PERF_RB_PAGES=2048 bpftrace
uprobe:"${libssl}":SSL_write { @buffer[tid] = (uint64)arg1; }
uretprobe:"${libssl}":SSL_write /@buffer[tid]/ { $from = @buffer[tid]; ${statement} }
`;
}

/**
 * Measures, and prints tables: `npm run bench`. Nothing here passes or fails.
 * `--only live,records,tracking,bulk,offline` takes some of it; `--compare` measures other tools beside tls-kit; `--runs N` interleaved runs.
 */
import {parseArgs} from 'node:util';
import {bulk} from './bulk.mjs';
import {compare} from './compare.mjs';
import {decoding} from './decoding.mjs';
import {programs, readiness, throughput, withStatistics} from './live.mjs';
import {replays, reports, starts} from './offline.mjs';
import {records} from './records.mjs';
import {openStage} from './stage.mjs';
import {tracking} from './tracking.mjs';

const {values} = parseArgs({
  options: {
    compare: {type: 'boolean', default: false},
    only: {type: 'string', default: 'live,records,tracking,bulk,offline'},
    runs: {type: 'string', default: '7'},
  },
});
const runs = Number(values.runs);
const parts = {
  live: (stage) =>
    withStatistics(async () => {
      await throughput(stage, runs);
      await programs(stage);
      await readiness(stage, runs);
    }),
  records: (stage) => withStatistics(() => records(stage)),
  tracking: (stage) => tracking(stage, runs),
  bulk,
  offline: (stage) => {
    starts();
    replays(stage.folder);
    decoding();
    reports(stage.folder);
  },
};

const stage = await openStage();
try {
  if (values.compare) await compare(stage, runs);
  else for (const part of values.only.split(',')) await parts[part](stage);
} finally {
  await stage.close();
}

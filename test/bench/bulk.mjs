// 200 MB down and up: how much of it arrives, and whether what does not is counted.
import {spawnSync} from 'node:child_process';
import {closeSync, ftruncateSync, openSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as wait} from 'node:timers/promises';
import {startSslsniff} from './compare.mjs';
import {number} from './live.mjs';
import {port, startTlsKit} from './stage.mjs';

const size = 200_000_000;

export async function bulk(stage) {
  const file = openSync(join(stage.folder, 'www', 'bulk'), 'w');
  ftruncateSync(file, size);
  closeSync(file);
  console.log(
    '\n| 200 MB, one connection | tracer | MB/s | bytes seen | captured of what the snap length leaves | lost, counted |',
  );
  console.log('| --- | --- | --- | --- | --- | --- |');
  for (const direction of ['download', 'upload']) {
    report(direction, 'nothing', transfer(stage, direction));
    for (const snaplen of [512, 16_384]) {
      const {stop} = await startTlsKit(stage, ['openssl', '--lib', stage.libssl, '-s', String(snaplen), '--no-redact']);
      const rate = transfer(stage, direction);
      const {bytes} = await stop();
      const wanted = bytes.seen - bytes.cut;
      report(direction, `tls-kit -s ${snaplen}`, rate, number(bytes.seen), bytes.captured / wanted, number(bytes.lost));
    }
    const sniffer = await startSslsniff(stage);
    if (sniffer.absent) {
      report(direction, `sslsniff: ${sniffer.absent}`);
      continue;
    }
    const rate = transfer(stage, direction);
    await wait(3000);
    await sniffer.stop();
    const delivered = [...sniffer.text().matchAll(/^(?:READ\/RECV|WRITE\/SEND) .* (\d+) *$/gm)].reduce(
      (sum, [, n]) => sum + Number(n),
      0,
    );
    report(direction, 'sslsniff of bcc', rate, '', delivered / size, 'not counted');
  }
}

function report(direction, tracer, rate, seen = '', share, lost = '') {
  const captured = share === undefined ? '' : `${(100 * share).toFixed(1)} %`;
  console.log(
    `| ${direction} | ${tracer} | ${rate === undefined ? '' : number(rate)} | ${seen} | ${captured} | ${lost} |`,
  );
}

/** curl, with the system's own library: only nginx has the one that is traced. MB a second. */
function transfer({folder}, direction) {
  const url = `https://127.0.0.1:${port}`;
  const words =
    direction === 'download' ? [`${url}/bulk`] : ['-T', join(folder, 'www', 'bulk'), '-H', 'Expect:', `${url}/up/bulk`];
  const {stdout} = spawnSync('curl', ['-sk', '-o', '/dev/null', '-w', '%{time_total}', ...words], {encoding: 'utf8'});
  return size / 1e6 / Number(stdout);
}

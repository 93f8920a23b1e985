import {execa} from 'execa';
import t, {type Test} from 'tap';
import {checkGoldens} from '../real/golden.js';
import {type Climbed, climb, cutShort} from '../real/ladder.js';
import {cannotTrace} from '../real/tracer.js';
import {RootedWorkshop, rootOf} from './roots.js';

/** Each with a bpftrace and an OpenSSL of its own, see docs/development.md. Python calls the `_ex` forms since 3.10. */
const suites = [
  {suite: 'bullseye', pythonCalls: ['SSL_write', 'SSL_read'], snaplen: 16_384},
  {suite: 'trixie', pythonCalls: ['SSL_write_ex', 'SSL_read_ex'], snaplen: 65_536},
  {suite: 'sid', pythonCalls: ['SSL_write_ex', 'SSL_read_ex'], snaplen: 65_536},
] as const;

/** What the table at the end says of a release. */
interface Row {
  readonly suite: string;
  readonly bpftrace?: string;
  readonly openssl?: string;
  readonly climbed?: Climbed;
  readonly result: string;
}

t.setTimeout(25 * 60_000); // most of it for the first run, which fetches the releases
const reason = cannotTrace();
const roots = reason ? [] : await Promise.allSettled(suites.map(({suite}) => rootOf(suite)));
const rows: Row[] = [];

for (const [index, each] of suites.entries()) {
  const {suite} = each;
  const root = roots[index];
  const skip = reason || (root?.status === 'rejected' && `not fetched: ${(root.reason as Error).message}`);
  if (skip) rows.push({suite, result: skip});
  t.test(`the bpftrace and the OpenSSL of ${suite} capture every byte`, {skip}, async (t) => {
    const workshop = new RootedWorkshop((root as PromiseFulfilledResult<string>).value);
    t.teardown(() => workshop.close());
    rows.push(await tryOut(t, each, workshop));
  });
}

t.teardown(() => process.stderr.write(`${tableOf(rows)}\n`));

async function tryOut(
  t: Test,
  {suite, pythonCalls, snaplen}: (typeof suites)[number],
  workshop: RootedWorkshop,
): Promise<Row> {
  const bpftrace = workshop.bpftrace();
  const version = /\d+\.\d+\.\d+/.exec((await execa(bpftrace, ['--version'])).stdout)?.[0] as string;
  const openssl = (await workshop.ask('openssl', 'version')).split(' ')[1] as string;
  const libssl = await workshop.library('libssl');
  const climber = {workshop, libssl, pythonCalls, snaplen, env: {TLS_KIT_BPFTRACE: bpftrace}};
  let climbed: Climbed | undefined;
  await t.test('the ladder', async (t) => {
    climbed = await climb(t, climber);
  });
  await t.test('a snap length', (t) => cutShort(t, climber));
  await t.test('the recorded scripts', async (t) => {
    const paths = {openssl: libssl, gnutls: await workshop.library('libgnutls')};
    const own = Object.entries(paths).map(([name, path]) => [name, workshop.copyLibrary(path)]);
    await checkGoldens(t, bpftrace, version, Object.fromEntries(own));
  });
  return {suite, bpftrace: version, openssl, ...(climbed && {climbed}), result: t.passing() ? 'passed' : 'failed'};
}

function tableOf(rows: readonly Row[]): string {
  const cells = rows.map(({suite, bpftrace, openssl, climbed, result}) => [
    suite,
    bpftrace ?? '-',
    openssl ?? '-',
    climbed ? `${climbed.exact} of ${climbed.payloads}` : '-',
    String(climbed?.events ?? '-'),
    result,
  ]);
  const table = [['suite', 'bpftrace', 'openssl', 'payloads exact', 'events', 'result'], ...cells];
  const widths = (table[0] as string[]).map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  return table
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

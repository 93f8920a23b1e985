import {execa} from 'execa';
import {findCommand} from './find-command.js';

/** The bpftrace at hand: with a version, or with what is wrong with it. */
export interface Bpftrace {
  /** As asked for. */
  readonly name: string;
  readonly path?: string;
  readonly version?: string;
  /** What went wrong, after "it" or the path. */
  readonly error?: string;
}

const patienceMs = 10_000;

/** Asks bpftrace for its version: `bpftrace v0.17.0`, maybe with more behind it (`v0.9.2-154-gd95a` in bpftrace issue 954). */
export async function readBpftrace(name: string): Promise<Bpftrace> {
  const path = await findCommand(name, process.env);
  if (path === undefined) return {name, error: 'was not found'};
  const run = await execa(path, ['--version'], {reject: false, stdin: 'ignore', timeout: patienceMs, all: true});
  const version = /^bpftrace v?(\d+\.\d+(?:\.\d+)?)/m.exec(run.stdout)?.[1];
  if (!run.failed && version !== undefined) return {name, path, version};
  return {name, path, error: errorOf(run)};
}

function errorOf(run: {
  timedOut: boolean;
  failed: boolean;
  exitCode?: number;
  signal?: string;
  all?: string;
  shortMessage?: string;
}) {
  const said = (run.all ?? '').split('\n', 1)[0]?.slice(0, 200);
  const saying = said ? `, saying ${JSON.stringify(said)}` : '';
  if (run.timedOut) return `gave no version within ${patienceMs / 1000} seconds`;
  if (run.exitCode !== undefined)
    return `${run.failed ? `ended with status ${run.exitCode}` : 'told no version'}${saying}`;
  return run.signal === undefined
    ? `could not be started (${run.shortMessage})`
    : `was ended by ${run.signal}${saying}`;
}

import {type ExecFileException, execFile} from 'node:child_process';
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

/**
 * Asks bpftrace for its version: `bpftrace v0.17.0`, maybe with more behind it (`v0.9.2-154-gd95a` in bpftrace issue 954).
 * By Node.js alone: what takes long to load is loaded while bpftrace answers.
 */
export async function readBpftrace(name: string): Promise<Bpftrace> {
  const path = await findCommand(name, process.env);
  if (path === undefined) return {name, error: 'was not found'};
  const {error, stdout, stderr} = await run(path, ['--version']);
  const version = /^bpftrace v?(\d+\.\d+(?:\.\d+)?)/m.exec(stdout)?.[1];
  if (!error && version !== undefined) return {name, path, version};
  return {name, path, error: errorOf(error, stderr + stdout)};
}

interface Run {
  readonly error: ExecFileException | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(path: string, words: readonly string[]): Promise<Run> {
  return new Promise((resolve) => {
    const done = (error: ExecFileException | null, stdout: string, stderr: string) => resolve({error, stdout, stderr});
    execFile(path, words, {timeout: patienceMs}, done).stdin?.end();
  });
}

function errorOf(error: ExecFileException | null, said: string): string {
  const [line = ''] = said.split('\n', 1);
  const saying = line ? `, saying ${JSON.stringify(line.slice(0, 200))}` : '';
  if (!error) return `told no version${saying}`;
  if (error.killed) return `gave no version within ${patienceMs / 1000} seconds`;
  if (typeof error.code === 'number') return `ended with status ${error.code}${saying}`;
  return error.signal ? `was ended by ${error.signal}${saying}` : `could not be started (${error.message})`;
}

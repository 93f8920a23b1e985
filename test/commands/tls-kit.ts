/** Runs the built tls-kit as a user does. */
import {accessSync, constants} from 'node:fs';
import {join} from 'node:path';
import {execa, execaSync} from 'execa';

export const root = join(import.meta.dirname, '../..');
export const program = join(root, 'bin/run.js');
export const isRoot = process.geteuid?.() === 0;

/** Without what the test runner puts into the environment, which would be loaded into every Node.js. */
export const plainEnv = {HOME: '/tmp', PATH: process.env.PATH ?? ''};

export interface Ended {
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export async function tlsKit(words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return run([process.execPath, program, ...words], env);
}

/** The user and group `nobody`, by number: the same on every Linux. */
const asNobody = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'];

/** The same without root, by whoever runs the tests. */
export async function tlsKitWithoutRoot(words: readonly string[]): Promise<Ended> {
  return run([...(isRoot ? asNobody : []), process.execPath, program, ...words]);
}

/** Why tests cannot give up root, for `skip`: a clone below /root is not for others to read. */
export function whyNotWithoutRoot(): string | false {
  if (!isRoot) return false;
  const {failed} = execaSync('setpriv', [...asNobody.slice(1), 'test', '-r', program], {reject: false});
  return failed && 'this folder is for root alone';
}

export async function run(command: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const [file, ...words] = command as [string, ...string[]];
  const options = {cwd: '/', env: {...plainEnv, ...env}, extendEnv: false, reject: false, stdin: 'ignore'} as const;
  const {exitCode, stdout, stderr} = await execa(file, words, options);
  return {status: exitCode, stdout, stderr};
}

/** Throws where tls-kit was not built. */
accessSync(join(root, 'dist/start.js'), constants.R_OK);

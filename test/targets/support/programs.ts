import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
import {copyFileSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {basename, join} from 'node:path';
import {setTimeout as wait} from 'node:timers/promises';
import {execaSync} from 'execa';

/** The system's library of this name, as the loader finds it. */
export function systemLibrary(name: string): string {
  const {stdout} = execaSync('/sbin/ldconfig', ['-p']);
  const path = stdout
    .split('\n')
    .find((line) => line.trim().startsWith(`${name} (`))
    ?.split(' => ')[1];
  if (path === undefined) throw new Error(`this machine has no ${name}`);
  return realpathSync(path);
}

export const libssl = systemLibrary('libssl.so.3');
export const libcrypto = systemLibrary('libcrypto.so.3');

/** A temporary folder and the programs that were started from it; `close` ends these by their pids, and removes it. */
export class Bench {
  readonly folder = mkdtempSync(join(tmpdir(), 'tls-kit-targets-'));
  readonly #children: ChildProcess[] = [];

  /** Copies OpenSSL's two libraries into a folder of this name, and returns the path of libssl. */
  copyOpenssl(name: string): string {
    const folder = join(this.folder, name);
    mkdirSync(folder, {recursive: true});
    for (const path of [libssl, libcrypto]) copyFileSync(path, join(folder, basename(path)));
    return join(folder, basename(libssl));
  }

  copy(path: string, name: string): string {
    const copy = join(this.folder, name);
    copyFileSync(path, copy);
    return copy;
  }

  /** Starts a program, and waits until it has mapped a file of this name, and sleeps: the loader is done. */
  async start(words: readonly string[], mapped: string, env: Record<string, string> = {}): Promise<number> {
    const [file, ...rest] = words as [string, ...string[]];
    const child = spawn(file, rest, {env: {PATH: process.env.PATH, ...env}, stdio: ['pipe', 'ignore', 'ignore']});
    this.#children.push(child);
    await once(child, 'spawn');
    const {pid = 0} = child;
    while (!readFileSync(`/proc/${pid}/maps`, 'utf8').includes(mapped) || !isSleeping(pid)) {
      if (child.exitCode !== null) throw new Error(`${words.join(' ')} has ended`);
      await wait(20);
    }
    return pid;
  }

  /** A program that has libssl mapped, and waits. */
  async sleepWith(library: string, mapped = 'libssl.so.3'): Promise<number> {
    return this.start(['sleep', '600'], mapped, preloading(library));
  }

  async close(): Promise<void> {
    for (const child of this.#children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    }
    rmSync(this.folder, {recursive: true, force: true});
  }
}

/** The state after the name in /proc/PID/stat. */
function isSleeping(pid: number): boolean {
  return readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\)/s, '').startsWith(' S ');
}

/** Tests that look into other processes, mount or chroot. */
export const unlessRoot = process.geteuid?.() === 0 ? {} : {skip: 'only root can look into other processes'};

/** LD_PRELOAD splits at spaces, so the library goes by its name, and its folder by LD_LIBRARY_PATH. */
function preloading(library: string): Record<string, string> {
  return {LD_LIBRARY_PATH: join(library, '..'), LD_PRELOAD: basename(library)};
}

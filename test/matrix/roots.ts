/** Roots of other Debian releases, made by debootstrap and kept in a cache folder. */
import {existsSync, mkdirSync, renameSync, rmSync} from 'node:fs';
import {homedir} from 'node:os';
import {dirname, join} from 'node:path';
import {execa} from 'execa';
import {librariesIn} from '../real/programs.js';
import {Workshop} from '../real/workshop.js';

const cache = process.env.TLS_KIT_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'tls-kit');

/** bpftrace 0.11 compiles its tracepoints with the kernel's headers (linux-libc-dev). */
const packages = [
  'bpftrace',
  'ca-certificates',
  'curl',
  'gnutls-bin',
  'linux-libc-dev',
  'nginx-light',
  'openssl',
  'python3',
  'wget',
];

/** Where old releases go, and where the others are when this machine's own sources do not tell. */
const mirrors = ['http://deb.debian.org/debian', 'http://archive.debian.org/debian'];

const buildLimitMs = 15 * 60_000;

/** The root of a release: from the cache, else built. Rejects with what debootstrap said last when it cannot be fetched. */
export async function rootOf(suite: string): Promise<string> {
  const root = join(cache, 'roots', suite);
  if (existsSync(root)) return root;
  mkdirSync(dirname(root), {recursive: true});
  let failure: unknown;
  for (const mirror of new Set([...(await mirrorsHere()), ...mirrors])) {
    try {
      return await build(suite, mirror, root);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

/** Built beside its place and moved there when it is whole. What debootstrap mounts goes with its mount namespace. */
async function build(suite: string, mirror: string, root: string): Promise<string> {
  const part = `${root}.${process.pid}`;
  const words = ['--variant=minbase', `--include=${packages.join(',')}`, suite, part, mirror];
  const {failed, all} = await execa('unshare', ['--mount', '--propagation', 'private', 'debootstrap', ...words], {
    all: true,
    reject: false,
    stdin: 'ignore',
    timeout: buildLimitMs,
    env: await proxyHere(),
  });
  if (failed) {
    rmSync(part, {recursive: true, force: true});
    throw new Error(`debootstrap ${suite} from ${mirror}: ${(all ?? '').trim().split('\n').at(-1)}`);
  }
  renameSync(part, root);
  return root;
}

/** The Debian mirrors of this machine's own sources. */
async function mirrorsHere(): Promise<readonly string[]> {
  const words = ['indextargets', '--format', '$(SITE)', 'Created-By: Packages', 'Label: Debian'];
  const {stdout} = await execa('apt-get', words, {reject: false});
  return (stdout ?? '').split('\n').filter(Boolean);
}

/** The proxy that apt goes through, for debootstrap's own downloads. */
async function proxyHere(): Promise<Record<string, string>> {
  const {stdout} = await execa('apt-config', ['shell', 'proxy', 'Acquire::http::Proxy'], {reject: false});
  const proxy = /^proxy='(.+)'$/m.exec(stdout ?? '')?.[1];
  return proxy === undefined ? {} : {http_proxy: proxy};
}

/** A workshop whose programs run inside a root, where its folder has the same path. */
export class RootedWorkshop extends Workshop {
  readonly #root: string;
  protected override readonly before: readonly string[];

  constructor(root: string) {
    super();
    this.#root = root;
    const enter = join(import.meta.dirname, 'enter.sh');
    this.before = ['unshare', '--mount', '--propagation', 'private', 'sh', enter, root, this.folder];
  }

  /** A program that is the root's bpftrace, for TLS_KIT_BPFTRACE. */
  bpftrace(): string {
    const words = this.before.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
    return this.file('bpftrace', `#!/bin/sh\nexec ${words} bpftrace "$@"\n`, 0o755);
  }

  /** What a program of the root prints. */
  async ask(...words: readonly string[]): Promise<string> {
    const [file, ...rest] = [...this.before, ...words] as [string, ...string[]];
    return (await execa(file, rest, {env: {LC_ALL: 'C'}})).stdout;
  }

  /** A library of the root, by its path in this one. */
  async library(name: string): Promise<string> {
    const [path] = librariesIn(await this.ask('ldconfig', '-p'), name);
    if (path === undefined) throw new Error(`${this.#root} has no ${name}`);
    return join(this.#root, path);
  }

  override async close(): Promise<void> {
    await super.close();
    rmSync(join(this.#root, this.folder), {recursive: true, force: true});
  }
}

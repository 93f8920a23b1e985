import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {Readable, Writable} from 'node:stream';
import {execaSync} from 'execa';

/** Why no page can be opened here, for `skip`. */
export function whyNoBrowser(): string | false {
  return execaSync('chromium', ['--version'], {reject: false}).failed && 'chromium is not installed';
}

type Fields = Record<string, unknown>;

/** A page in a headless Chromium, driven by the DevTools protocol over a pipe (--remote-debugging-pipe). */
export class Browser {
  /** What the page's console and the browser's log said, and exceptions that nobody caught. */
  readonly said: string[] = [];
  /** Addresses that were asked for. */
  readonly fetched: string[] = [];
  readonly #child: ChildProcess;
  readonly #folder = mkdtempSync(join(tmpdir(), 'tls-kit-chromium-'));
  readonly #waiting = new Map<number, {resolve: (result: Fields) => void; reject: (error: Error) => void}>();
  #calls = 0;
  #session: string | undefined;
  #whenLoaded: () => void = () => {};

  private constructor() {
    const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run'];
    const words = [...flags, '--remote-debugging-pipe', `--user-data-dir=${this.#folder}`];
    // A process group of its own: its helpers end with it, before its folder is taken away.
    this.#child = spawn('chromium', words, {stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'], detached: true});
    let text = '';
    (this.#child.stdio[4] as Readable).setEncoding('utf8').on('data', (more: string) => {
      text += more;
      const messages = text.split('\0');
      text = messages.pop() ?? '';
      for (const message of messages) this.#take(JSON.parse(message));
    });
  }

  static async open(): Promise<Browser> {
    const browser = new Browser();
    const {targetId} = await browser.call('Target.createTarget', {url: 'about:blank'});
    const {sessionId} = await browser.call('Target.attachToTarget', {targetId, flatten: true});
    browser.#session = sessionId as string;
    for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await browser.call(`${domain}.enable`);
    return browser;
  }

  async call(method: string, params: Fields = {}): Promise<Fields> {
    const id = ++this.#calls;
    const answer = new Promise<Fields>((resolve, reject) => this.#waiting.set(id, {resolve, reject}));
    const message = {id, method, params, ...(this.#session !== undefined && {sessionId: this.#session})};
    (this.#child.stdio[3] as Writable).write(`${JSON.stringify(message)}\0`);
    return answer;
  }

  async goto(url: string): Promise<void> {
    const loaded = new Promise<void>((resolve) => {
      this.#whenLoaded = resolve;
    });
    await this.call('Page.navigate', {url});
    await loaded;
  }

  // biome-ignore lint/suspicious/noExplicitAny: whatever the page's expression gives
  async evaluate(expression: string): Promise<any> {
    const {result, exceptionDetails} = await this.call('Runtime.evaluate', {expression, returnByValue: true});
    if (exceptionDetails) throw new Error(JSON.stringify(exceptionDetails));
    return (result as {value?: unknown}).value;
  }

  /** A PNG of the whole page, or of its first rows. */
  async screenshot(width: number, colours: 'light' | 'dark', height?: number): Promise<Buffer> {
    await this.call('Emulation.setEmulatedMedia', {features: [{name: 'prefers-color-scheme', value: colours}]});
    await this.call('Emulation.setScrollbarsHidden', {hidden: true});
    const metrics = (high: number) => ({width, height: high, deviceScaleFactor: 1, mobile: false});
    await this.call('Emulation.setDeviceMetricsOverride', metrics(900));
    const whole = height ?? Number(await this.evaluate('document.documentElement.scrollHeight'));
    await this.call('Emulation.setDeviceMetricsOverride', metrics(whole));
    await this.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
    const {data} = await this.call('Page.captureScreenshot', {format: 'png'});
    return Buffer.from(data as string, 'base64');
  }

  async close(): Promise<void> {
    const ended = once(this.#child, 'close');
    if (this.#child.pid !== undefined) process.kill(-this.#child.pid, 'SIGKILL');
    await ended;
    rmSync(this.#folder, {recursive: true, force: true, maxRetries: 10, retryDelay: 100});
  }

  #take({
    id,
    method,
    params = {},
    result,
    error,
  }: {
    id?: number;
    method?: string;
    params?: Fields;
    result?: Fields;
    error?: Fields;
  }) {
    const waiting = id === undefined ? undefined : this.#waiting.get(id);
    if (waiting && id !== undefined) {
      this.#waiting.delete(id);
      if (error) waiting.reject(new Error(JSON.stringify(error)));
      else waiting.resolve(result ?? {});
    }
    if (method === 'Page.loadEventFired') this.#whenLoaded();
    if (method === 'Network.requestWillBeSent') this.fetched.push((params.request as {url: string}).url);
    if (
      method &&
      /^(?:Runtime\.(?:consoleAPICalled|exceptionThrown)|Log\.entryAdded|Page\.javascriptDialogOpening)$/.test(method)
    ) {
      this.said.push(JSON.stringify(params));
    }
  }
}

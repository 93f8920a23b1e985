/** What a trace is tried on: nginx with a private copy of libssl, and a curl that asks it. */
import type {Test} from 'tap';
import {beside, portOf, runCurl, startNginx, startSink, systemLibrary} from './programs.js';
import {dataOf, eventsIn} from './tracer.js';
import {payloadOf, Workshop} from './workshop.js';

export const page = payloadOf(8192, 'random');

export interface Setting {
  readonly workshop: Workshop;
  readonly own: string;
  readonly url: string;
  /** So many requests of one curl. */
  readonly get: (times: number, name?: string) => Promise<number>;
}

export async function setUp(t: Test): Promise<Setting> {
  const workshop = new Workshop();
  t.teardown(() => workshop.close());
  const libssl = await systemLibrary('libssl');
  const own = workshop.copyLibrary(libssl, beside(libssl));
  workshop.file('www/page', page);
  const sink = await startSink();
  t.teardown(() => sink.close());
  const url = `https://127.0.0.1:${await startNginx(workshop, portOf(sink))}`;
  const get = (times: number, name = 'page') =>
    runCurl(workshop, Array.from({length: times}, () => ['--output', '/dev/null', `${url}/${name}`]).flat());
  return {workshop, own, url, get};
}

export const flagsOf = ({own}: Setting, ...more: readonly string[]) => ['--lib', own, '--format', 'ndjson', ...more];

export const textOf = (pid: number, output: string) =>
  dataOf(eventsIn(output))
    .filter((event) => event.pid === pid)
    .map(({payload}) => Buffer.from(payload, 'base64').toString('latin1'))
    .join('');

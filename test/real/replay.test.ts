import {execFileSync} from 'node:child_process';
import {once} from 'node:events';
import {closeSync, openSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import t from 'tap';
import type {TraceEvent} from '../../src/model.js';
import {tlsKit} from '../commands/tls-kit.js';
import {beside, portOf, runCurl, startNginx, startSink, systemLibrary} from './programs.js';
import {cannotTrace, cli, dataOf, eventsIn, summaryOf, Tracer} from './tracer.js';
import {payloadOf, until, Workshop} from './workshop.js';

const reason = cannotTrace();

/**
 * What two tracers of one call agree on: all but the clock's last digits. Process by process, for nginx and curl run on two
 * processors, and the two tracers' probes of the one instant may see either of them first.
 */
const callsOf = (events: readonly TraceEvent[]) =>
  dataOf(events)
    .map(({pid, tid, uid, library, function: name, direction, offset, length, captured, payload}) => ({
      ...{pid, tid, uid, library, name, direction, offset, length, captured, payload},
    }))
    .sort((one, other) => one.pid - other.pid);

/** Whether nginx passes on what the sink answers to an upload. */
const isAnswer = (payload: string) => Buffer.from(payload, 'base64').includes('\r\n\r\n5\r\ntaken');

t.test('gen, bpftrace by hand and replay show what trace shows', {skip: reason}, async (t) => {
  const workshop = new Workshop();
  t.teardown(() => workshop.close());
  const libssl = await systemLibrary('libssl');
  const own = workshop.copyLibrary(libssl, beside(libssl));
  for (const size of [1, 4096, 40_000]) workshop.file(`www/${size}`, payloadOf(size, 'text'));
  const sink = await startSink();
  t.teardown(() => sink.close());
  const port = await startNginx(workshop, portOf(sink));
  const capture = join(workshop.folder, 'capture.ndjson');

  // As the header of the script says: its first line names the environment, CONT closes the gate, INT ends.
  const script = workshop.file('script.bt', execFileSync(process.execPath, [cli, 'gen', '--lib', own]), 0o755);
  const outputs = ['text', 'json'].map((format) => {
    const path = join(workshop.folder, `out.${format}`);
    const file = openSync(path, 'w');
    const redirected = `exec "$0" "$@" >${path}`;
    closeSync(file);
    const words = format === 'json' ? [script, '-f', 'json'] : [script];
    const child = workshop.start(['sh', '-c', redirected, ...words], {env: {__BPFTRACE_NOTIFY_PROBES_ATTACHED: '1'}});
    let errors = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      errors += chunk;
    });
    return {path, child, isReady: () => errors.includes('__BPFTRACE_NOTIFY_PROBES_ATTACHED'), said: () => errors};
  });
  const words = ['--lib', own, '--format', 'ndjson', '-w', capture, '--print'];
  const tracer = await new Tracer(workshop.folder, words).ready();
  for (const {isReady} of outputs) await until(isReady, 'the script to be attached', 60_000);

  const pids: number[] = [];
  for (const size of [1, 4096, 40_000]) {
    pids.push(await runCurl(workshop, ['--output', '/dev/null', `https://127.0.0.1:${port}/${size}`]));
    const upload = ['--data-binary', `@${workshop.folder}/www/${size}`, '--output', '/dev/null'];
    pids.push(await runCurl(workshop, [...upload, `https://127.0.0.1:${port}/upload`]));
  }
  // curl has its answer before nginx's SSL_write of it returns: what stops earlier does not see that call.
  const answers = () => {
    const whole = tracer.output.slice(0, tracer.output.lastIndexOf('\n') + 1);
    return dataOf(eventsIn(whole)).filter(({direction, payload}) => direction === 'send' && isAnswer(payload));
  };
  await until(() => answers().length === 3, 'the last answer to be written');
  const stopped = tracer.stop();
  for (const {child} of outputs) child.kill('SIGCONT');
  await new Promise((resolve) => setTimeout(resolve, 1000));
  for (const {child, said} of outputs) {
    const closed = once(child, 'close');
    child.kill('SIGINT');
    t.equal((await closed)[0], 0, said());
  }
  t.equal(await stopped, 0, tracer.errors);

  const shown = tracer.events;
  const wanted = callsOf(shown);
  t.ok(
    pids.every((pid) => wanted.some((call) => call.pid === pid)),
    'every request was traced',
  );
  const {bytes} = summaryOf(shown);
  t.ok((bytes.seen ?? 0) > 4 * 44_097);
  for (const {path} of outputs) {
    const {status, stdout, stderr} = await tlsKit(['replay', '--format', 'ndjson', '--no-redact', path]);
    t.equal(status, 0, stderr);
    const replayed = eventsIn(stdout);
    t.strictSame(callsOf(replayed), wanted, path);
    t.strictSame(summaryOf(replayed).bytes, bytes);
    t.equal(summaryOf(replayed).incomplete, false);
  }

  t.equal(readFileSync(capture, 'utf8'), tracer.output, '-w writes what is shown');
  const {stdout} = await tlsKit(['replay', '--format', 'ndjson', '--no-redact', capture]);
  t.strictSame(eventsIn(stdout), shown, 'and replay of it gives the same events');
});

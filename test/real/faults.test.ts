import {copyFileSync, renameSync} from 'node:fs';
import {setTimeout as wait} from 'node:timers/promises';
import t from 'tap';
import {finish, runCurl} from './programs.js';
import {addsUp, answer, bpftraceOf, sentBy, setUp, startAsker, watchRemains} from './surroundings.js';
import {cannotTrace, dataOf, summaryOf, Tracer} from './tracer.js';
import {end} from './workshop.js';

const reason = cannotTrace();

t.test(
  'a bpftrace that was stopped for 10 s loses nothing, and continued it ends the trace',
  {skip: reason},
  async (t) => {
    const surroundings = await setUp(t);
    const {workshop, own, port, env} = surroundings;
    workshop.file('www/page', answer);
    const tracer = await new Tracer(workshop.folder, ['--lib', own, '--format', 'ndjson'], env).ready();
    const leavesNothing = await watchRemains(t, surroundings, tracer);
    const bpftrace = await bpftraceOf(tracer);
    process.kill(bpftrace, 'SIGSTOP');
    const stoppedAt = Date.now();
    const get = () => runCurl(workshop, ['--output', '/dev/null', `https://127.0.0.1:${port}/page`]);
    const meanwhile = await Promise.all([get(), get(), get()]);
    await wait(10_000 - (Date.now() - stoppedAt));
    process.kill(bpftrace, 'SIGCONT');
    t.equal(await tracer.ended(), 0, tracer.errors);
    for (const pid of meanwhile) t.match(sentBy(tracer.events, pid), /^GET \/page /);
    t.match(tracer.output, /Somebody sent SIGCONT to bpftrace/);
    t.equal(summaryOf(tracer.events).bytes.lost, 0);
    addsUp(t, tracer.events);
    await leavesNothing();
  },
);

t.test('one trace outlives all that happens to who is traced', {skip: reason}, async (t) => {
  const surroundings = await setUp(t);
  const {workshop, own, port, env} = surroundings;
  workshop.file('www/page', answer);
  const url = `https://127.0.0.1:${port}/page`;
  const old = await startAsker(surroundings, 'old');
  const tracer = await new Tracer(workshop.folder, ['--lib', own, '--format', 'ndjson'], env).ready();
  const leavesNothing = await watchRemains(t, surroundings, tracer);
  tracer.child.kill('SIGPIPE'); // nobody has gone: it means nothing

  const killed = await startAsker(surroundings, 'killed');
  await killed.ask();
  await end(killed.child, 'SIGKILL');

  const burst = 'seq 500 | xargs -P 8 -I N curl --silent --show-error --insecure --fail --output /dev/null "$0?n=N"';
  await finish(workshop.start(['sh', '-c', burst, url]));

  copyFileSync(own, `${own}.new`);
  renameSync(`${own}.new`, own);
  await old.ask();
  const unseen = await runCurl(workshop, ['--output', '/dev/null', url]);

  t.equal(await tracer.stop(), 0, tracer.errors);
  const {events} = tracer;
  t.match(sentBy(events, killed.child.pid), /^GET \/killed /, 'what a process did before it was killed inside a call');
  t.match(sentBy(events, old.child.pid), /^GET \/old /, 'a process that has the library from before its upgrade');
  t.equal(sentBy(events, unseen), '', 'the new file is another library');
  const asked = dataOf(events)
    .filter(({direction}) => direction === 'send')
    .map(({payload}) => /\?n=(\d+) /.exec(Buffer.from(payload, 'base64').toString('latin1'))?.[1])
    .filter((each) => each !== undefined);
  t.strictSame(
    asked.map(Number).sort((a, b) => a - b),
    Array.from({length: 500}, (_, index) => index + 1),
    'of 500 short-lived processes each is seen, once',
  );
  addsUp(t, events);
  await leavesNothing();
});

t.test('a bpftrace that is out of file descriptors is told', {skip: reason}, async (t) => {
  const {workshop, own, env} = await setUp(t);
  const few = workshop.file('bpftrace', '#!/bin/sh\nulimit -n 20; exec bpftrace "$@"\n', 0o755);
  const tracer = new Tracer(workshop.folder, ['--lib', own, '--bpftrace', few], env);
  t.equal(await tracer.ended(), 5, tracer.errors);
  t.match(tracer.errors, 'bpftrace ran out of file descriptors.');
  t.match(tracer.errors, 'ulimit -n');
});

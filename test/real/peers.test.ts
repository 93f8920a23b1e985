import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import t from 'tap';
import {beside, runPythonClient, startPythonServer, systemLibrary} from './programs.js';
import {cannotTrace, dataOf, summaryOf, Tracer} from './tracer.js';
import {payloadOf, Workshop} from './workshop.js';

t.test(
  '--peer keeps the connections with that peer, and leaves the others in the kernel',
  {skip: cannotTrace()},
  async (t) => {
    const workshop = new Workshop();
    t.teardown(() => workshop.close());
    const libssl = await systemLibrary('libssl');
    const own = workshop.copyLibrary(libssl, beside(libssl));
    const file = workshop.file('data', payloadOf(20_000, 'text'));
    const [wanted, other] = [await startPythonServer(workshop), await startPythonServer(workshop)];
    const words = ['openssl', '--lib', own, '--peer', `127.0.0.0/8:${wanted}`, '--format', 'ndjson'];
    const tracer = await new Tracer(workshop.folder, words).ready();
    const pids = [
      await runPythonClient(workshop, other, file),
      await runPythonClient(workshop, wanted, file),
      await runPythonClient(workshop, other, file),
    ];
    t.equal(await tracer.stop(), 0, tracer.errors);
    const data = dataOf(tracer.events);
    t.strictSame([...new Set(data.map(({connection}) => connection.remote))], [`127.0.0.1:${wanted}`]);
    t.strictSame([...new Set(data.map(({pid}) => pid))], [pids[1]], 'servers and the other clients have other peers');
    // Python's sockets are known from the handshake on: no byte of another connection is counted.
    const {bytes} = summaryOf(tracer.events);
    t.equal(bytes.seen, 2 * (readFileSync(join(workshop.folder, 'data')).length + 4));
    t.equal(bytes.lost, 0);
  },
);

import t from 'tap';
import {type Climb, climb, cutShort} from './ladder.js';
import {systemLibrary} from './programs.js';
import {cannotTrace} from './tracer.js';
import {Workshop} from './workshop.js';

const reason = cannotTrace();

async function climber(workshop: Workshop): Promise<Climb> {
  const libssl = await systemLibrary('libssl');
  return {workshop, libssl, pythonCalls: ['SSL_write_ex', 'SSL_read_ex'], snaplen: 65_536};
}

t.test('every byte of the ladder is captured, by every client and server', {skip: reason}, async (t) => {
  const workshop = new Workshop();
  t.teardown(() => workshop.close());
  await climb(t, await climber(workshop));
});

t.test('a snap length cuts exactly what the events say, and 23 requests are 23', {skip: reason}, async (t) => {
  const workshop = new Workshop();
  t.teardown(() => workshop.close());
  await cutShort(t, await climber(workshop));
});

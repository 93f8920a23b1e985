import t from 'tap';
import {readMachine} from '../../src/targets/index.js';
import {checkGoldens} from './golden.js';
import {systemLibrary} from './programs.js';
import {cannotTrace} from './tracer.js';

t.test('the bpftrace of this machine accepts the scripts recorded for it', {skip: cannotTrace()}, async (t) => {
  const {bpftrace} = await readMachine();
  const paths = {openssl: await systemLibrary('libssl'), gnutls: await systemLibrary('libgnutls')};
  await checkGoldens(t, 'bpftrace', bpftrace.version as string, paths);
});

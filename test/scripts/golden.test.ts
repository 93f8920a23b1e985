import {existsSync, readFileSync, writeFileSync} from 'node:fs';
import {basename} from 'node:path';
import t from 'tap';
import {makePlan} from '../../src/probes/plan.js';
import {dialects} from '../../src/scripts/dialects.js';
import {renderScript} from '../../src/scripts/render.js';
import {goldensOf} from './golden.js';

/** Scripts as files, one for each library, option and dialect. `npm run golden` writes them anew: read the difference. */
for (const dialect of dialects) {
  for (const {path, render} of goldensOf(dialect.name)) {
    t.test(`the script ${basename(path)} is as recorded`, async (t) => {
      const {text} = render();
      if (process.env.TLS_KIT_GOLDEN) writeFileSync(path, text);
      t.ok(existsSync(path), 'it is recorded');
      t.equal(text, readFileSync(path, 'utf8'));
      t.equal(render().text, text, 'the same plan gives the same bytes');
    });
  }
}

t.test('socket calls need a bpftrace that reads the memory of the process', async (t) => {
  for (const dialect of dialects.filter(({readsUser}) => !readsUser)) {
    const plan = makePlan({
      what: ['sockets'],
      libraries: [],
      targets: [],
      filters: {pids: [1234], comms: [], uids: [], cgroups: [], descendants: false},
      snaplen: 16_384,
      readsWire: false,
      btf: true,
    });
    t.throws(() => renderScript(plan, dialect, '0.0.0'), {code: 'BPFTRACE_TOO_OLD'}, dialect.name);
  }
});

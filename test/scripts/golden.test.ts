import {existsSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import t from 'tap';
import {libraries} from '../../src/libraries/index.js';
import type {Filters, Library, Target} from '../../src/model.js';
import {makePlan} from '../../src/probes/plan.js';
import {dialectOf, dialects} from '../../src/scripts/dialects.js';
import {renderScript} from '../../src/scripts/render.js';

/** Scripts as files, one for each library, option and dialect. `npm run golden` writes them anew: read the difference. */
const golden = join(import.meta.dirname, '..', 'golden', 'scripts');
const everyone: Filters = {pids: [], comms: [], uids: [], cgroups: [], descendants: false};

const options: Record<string, {filters?: Partial<Filters>; snaplen?: number; readable?: boolean; durationS?: number}> =
  {
    plain: {},
    'snaplen-0': {snaplen: 0},
    pid: {filters: {pids: [1234, 5678]}},
    command: {filters: {pids: [1234], descendants: true}},
    filters: {filters: {comms: ['nginx', 'a "b" \\c'], uids: [0, 33], cgroups: [{path: '/web', ids: ['42', '43']}]}},
    duration: {durationS: 30},
    readable: {readable: true},
  };

for (const library of libraries) {
  for (const dialect of dialects) {
    for (const [name, option] of Object.entries(options)) {
      const file = `${library.name}.${name}.${dialect.name}.bt`;
      t.test(`the script ${file} is as recorded`, async (t) => {
        const text = render(library, dialect.name, option);
        const path = join(golden, file);
        if (process.env.TLS_KIT_GOLDEN) writeFileSync(path, text);
        t.ok(existsSync(path), 'it is recorded');
        t.equal(text, readFileSync(path, 'utf8'));
        t.equal(render(library, dialect.name, option), text, 'the same plan gives the same bytes');
      });
    }
  }
}

for (const dialect of dialects) {
  for (const what of [['sockets'], ['openssl', 'sockets']]) {
    const file = `${what.join('-')}.pid.${dialect.name}.bt`;
    t.test(`the script ${file} is as recorded`, async (t) => {
      const targets = libraries.filter(({name}) => what.includes(name)).map(targetOf);
      const request = {what, libraries, targets, filters: {...everyone, pids: [1234]}, snaplen: 16_384, btf: true};
      const write = () => renderScript(makePlan(request), dialect, '0.0.0').text;
      if (!dialect.readsUser) return t.throws(write, {code: 'BPFTRACE_TOO_OLD'});
      const path = join(golden, file);
      if (process.env.TLS_KIT_GOLDEN) writeFileSync(path, write());
      t.ok(existsSync(path), 'it is recorded');
      t.equal(write(), readFileSync(path, 'utf8'));
    });
  }
}

function render(library: Library, dialect: string, option: (typeof options)[string]): string {
  const plan = makePlan({
    what: [library.name],
    libraries,
    targets: [targetOf(library)],
    filters: {...everyone, ...option.filters},
    snaplen: option.snaplen ?? 16_384,
    btf: true,
    ...(option.durationS !== undefined && {durationS: option.durationS}),
  });
  return renderScript(plan, dialectOf(dialect), '0.0.0', {readable: option.readable ?? false}).text;
}

function targetOf(library: Library): Target {
  const has = library.functions.filter(({since}) => since === undefined || since === '3.0').map(({name}) => name);
  const path = `/usr/lib/${library.name}.so`;
  return {
    library: library.name,
    path,
    attachPath: path,
    version: '3.0.0',
    linkage: 'shared',
    functions: has,
    missing: library.functions.map(({name}) => name).filter((name) => !has.includes(name)),
    pids: [],
    traceable: true,
  };
}

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

interface Option {
  filters?: Partial<Filters>;
  snaplen?: number;
  readable?: boolean;
  durationS?: number;
  what?: readonly string[];
}

const options: Record<string, Option> = {
  plain: {},
  'snaplen-0': {snaplen: 0},
  pid: {filters: {pids: [1234, 5678]}},
  command: {filters: {pids: [1234], descendants: true}},
  filters: {filters: {comms: ['nginx', 'a "b" \\c'], uids: [0, 33], cgroups: [{path: '/web', ids: ['42', '43']}]}},
  duration: {durationS: 30},
  readable: {readable: true},
  handshakes: {what: ['handshakes']},
  both: {what: ['openssl', 'handshakes'], filters: {pids: [1234], descendants: true}},
};

for (const library of libraries) {
  for (const dialect of dialects) {
    for (const [name, option] of Object.entries(options)) {
      if (option.what && library.companion === undefined) continue;
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

function render(library: Library, dialect: string, option: (typeof options)[string]): string {
  const plan = makePlan({
    what: option.what ?? [library.name],
    libraries,
    targets: [targetOf(library)],
    filters: {...everyone, ...option.filters},
    snaplen: option.snaplen ?? 16_384,
    readsWire: option.what !== undefined,
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
    ...(library.companion && {
      companion: {
        attachPath: '/usr/lib/companion.so',
        functions: library.companion.functions.map(({name}) => name),
      },
    }),
    pids: [],
    traceable: true,
  };
}

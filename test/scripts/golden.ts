/** The scripts that are recorded as files: each library with each option, for one dialect. */
import {join} from 'node:path';
import {libraries} from '../../src/libraries/index.js';
import type {Filters, Library, Script, Target} from '../../src/model.js';
import {peerWords} from '../../src/peers.js';
import {makePlan} from '../../src/probes/plan.js';
import {dialectOf} from '../../src/scripts/dialects.js';
import {renderScript} from '../../src/scripts/render.js';

const everyone: Filters = {pids: [], comms: [], uids: [], cgroups: [], descendants: false};

interface Option {
  readonly filters?: Partial<Filters>;
  readonly snaplen?: number;
  readonly readable?: boolean;
  readonly durationS?: number;
  readonly what?: readonly string[];
  readonly btf?: false;
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
  sockets: {what: ['sockets'], filters: {pids: [1234]}},
  peers: {filters: {peers: peerWords(['10.0.0.0/8:443', '[2001:db8::]:8443', ':853'])}},
  'no-btf': {what: ['openssl', 'handshakes'], btf: false},
  'with-sockets': {what: ['openssl', 'sockets'], filters: {pids: [1234]}},
};

export interface Golden {
  readonly path: string;
  readonly library: Library;
  /** Writes it anew. */
  readonly render: () => Script;
}

/** Where the recorded scripts take a library to be. */
export const pathIn = (library: Library) => `/usr/lib/${library.name}.so`;

/** A macro since OpenSSL 3.0: newer bpftraces refuse to probe what is not there. */
const goneSince30 = ['ERR_put_error'];

/** And the library beside it that raises its errors. */
export const companionPath = '/usr/lib/companion.so';

/** Those for the dialect of one bpftrace. */
export function goldensOf(bpftraceVersion: string): readonly Golden[] {
  const {name: dialect, readsUser} = dialectOf(bpftraceVersion);
  return libraries.flatMap((library) =>
    Object.entries(options)
      .filter(([, {what}]) => what === undefined || library.companion !== undefined)
      .filter(([, {what = []}]) => readsUser || !what.includes('sockets'))
      .map(([name, option]) => ({
        path: join(import.meta.dirname, '..', 'golden', 'scripts', `${library.name}.${name}.${dialect}.bt`),
        library,
        render: () => render(library, dialect, option),
      })),
  );
}

function render(library: Library, dialect: string, option: Option): Script {
  const plan = makePlan({
    what: option.what ?? [library.name],
    libraries,
    targets: [targetOf(library)],
    filters: {...everyone, ...option.filters},
    snaplen: option.snaplen ?? 16_384,
    readsWire: option.what?.includes('handshakes') ?? false,
    btf: option.btf ?? true,
    ...(option.durationS !== undefined && {durationS: option.durationS}),
  });
  return renderScript(plan, dialectOf(dialect), '0.0.0', {readable: option.readable ?? false});
}

function targetOf(library: Library): Target {
  const has = library.functions.filter(({since}) => since === undefined || since === '3.0').map(({name}) => name);
  const path = pathIn(library);
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
        attachPath: companionPath,
        functions: library.companion.functions.map(({name}) => name).filter((name) => !goneSince30.includes(name)),
      },
    }),
    pids: [],
    traceable: true,
  };
}

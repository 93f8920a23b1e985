/** Whatever a file, a process or a function is called: it is refused, or the script has the probes that were meant, and no other. */
import fc from 'fast-check';
import t from 'tap';
import {TlsKitError} from '../../src/errors.js';
import {libraries} from '../../src/libraries/index.js';
import type {Library} from '../../src/model.js';
import {makePlan} from '../../src/probes/plan.js';
import {dialectOf} from '../../src/scripts/dialects.js';
import {renderScript} from '../../src/scripts/render.js';

const openssl = libraries.find(({name}) => name === 'openssl') as Library;

interface Names {
  readonly path: string;
  readonly comm: string;
  readonly symbol: string;
  readonly version: string;
}

const plain: Names = {path: '/usr/lib/libssl.so.3', comm: 'nginx', symbol: 'SSL_read', version: '3.0.22'};

/** The script for a library of these names; undefined where one of them is refused. */
function scriptOf({path, comm, symbol, version}: Names, dialect: string): string | undefined {
  const library = {
    ...openssl,
    functions: openssl.functions.map((each) => (each.name === 'SSL_read' ? {...each, name: symbol} : each)),
  };
  const functions = library.functions.map(({name}) => name);
  const target = {
    library: 'openssl',
    path,
    attachPath: path,
    version,
    linkage: 'shared',
    functions,
    missing: [],
  } as const;
  const filters = {pids: [], comms: [comm], uids: [], cgroups: [], descendants: false};
  try {
    const what = ['openssl'];
    const options = {what, libraries: [library], targets: [{...target, pids: [], traceable: true}], filters};
    const plan = makePlan({...options, snaplen: 64, readsWire: false, btf: true});
    return renderScript(plan, dialectOf(dialect), '0.0.0').text;
  } catch (error) {
    if (error instanceof TlsKitError) return undefined;
    throw error;
  }
}

/** A script's tokens as bpftrace's lexer sees them: comments are nothing, a string is one token. Its strings apart. */
function tokensOf(script: string): {readonly shape: string; readonly strings: readonly string[]} {
  const strings: string[] = [];
  const shape = script.replaceAll(/\/\/[^\n]*|"((?:\\[\s\S]|[^"\\])*)"/g, (whole, string?: string) => {
    if (string === undefined) return whole.startsWith('#!') ? whole : '';
    strings.push(string);
    return '""';
  });
  return {shape: shape.replace(/^#![^\n]*/, '').replaceAll(/^[ \t]*\n/gm, ''), strings};
}

const nasty = fc.oneof(
  fc.string({unit: 'binary', maxLength: 40}),
  fc
    .array(
      fc.constantFrom(
        '"',
        '\\',
        '\n',
        '\r',
        '*',
        '/',
        '//',
        '/*',
        '*/',
        '{',
        '}',
        ';',
        ',',
        '%s',
        '$1',
        '@x',
        '\u0000',
        '\u2028',
        'a',
        ' ',
        ':',
        'BEGIN { system("x") }',
      ),
      {maxLength: 12},
    )
    .map((parts) => parts.join('')),
);

t.test('a hostile path, process name or version changes no token of a script but its own string', async (t) => {
  let taken = 0;
  for (const dialect of ['0.11', '0.17', '0.22']) {
    const {shape} = tokensOf(scriptOf(plain, dialect) as string);
    const lines = (text: string) =>
      text.split('\n').filter((line) => !/^ *printf\("[SLF]\|/.test(line) && !/^ *printf\(""\);$/.test(line));
    const property = fc.property(nasty, nasty, nasty, (tail, comm, version) => {
      const names = {...plain, path: `/${tail}`, ...(comm && {comm}), version};
      const script = scriptOf(names, dialect);
      if (script === undefined) return true;
      taken++;
      const told = tokensOf(script);
      // The path is told in as many printed parts as it takes: those lines hold strings alone.
      const isSame = lines(told.shape).join('\n') === lines(shape).join('\n');
      const isMeant =
        told.strings.includes(names.path) && told.strings.some((each) => JSON.parse(`"${each}"`) === names.comm);
      return isSame && isMeant;
    });
    fc.assert(property, {numRuns: 400});
  }
  t.ok(taken > 0, `${taken} scripts were made`);
});

t.test('a function has the name of a function, or there is no script', async (t) => {
  const property = fc.property(nasty, (symbol) => {
    const script = scriptOf({...plain, symbol}, '0.17');
    return script === undefined || /^[A-Za-z_][\w.]*$/.test(symbol);
  });
  t.doesNotThrow(() => fc.assert(property, {numRuns: 400}));
});

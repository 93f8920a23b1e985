import {readdirSync, readFileSync} from 'node:fs';
import {isBuiltin} from 'node:module';
import {basename, dirname, join, normalize} from 'node:path';
import t from 'tap';
import ts from 'typescript';

interface Import {
  readonly from: string;
  /** A file of src, without extension, or the name of a package. */
  readonly to: string;
}

const root = join(import.meta.dirname, '..');
const sources = readdirSync(join(root, 'src'), {recursive: true, encoding: 'utf8'}).filter((name) =>
  /(?<!\.d)\.ts$/.test(name),
);
const imports = sources.flatMap(importsOf);
const rooms = [
  'connections',
  'engine',
  'filters',
  'libraries',
  'parsers',
  'probes',
  'protocols',
  'redaction',
  'scripts',
  'sinks',
  'targets',
];
const packageJson = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

t.test('a room imports nothing of ours but itself, the model, the events and the errors', async (t) => {
  const shared = ['model', 'errors', 'events', 'validate-event'];
  const wrong = imports.filter(({from, to}) => isRoom(from) && isOurs(to) && roomOf(to) !== roomOf(from));
  t.strictSame(
    wrong.filter(({to}) => !shared.includes(to)),
    [],
  );
});

t.test('the model, the events and the errors import no room', async (t) => {
  const wrong = imports.filter(({from, to}) => ['model.ts', 'errors.ts', 'events.ts'].includes(from) && isRoom(to));
  t.strictSame(wrong, []);
});

t.test('every folder of src is a room or holds the commands', async (t) => {
  const folders = new Set(sources.filter((name) => name.includes('/')).map(roomOf));
  t.strictSame([...folders].sort(), [...rooms, 'commands'].sort());
});

t.test('only targets, engine and sinks touch the world; scripts reads its templates', async (t) => {
  const world =
    /^(execa|node:(fs|fs\/promises|child_process|net|http|https|http2|tls|dgram|dns|cluster|worker_threads))$/;
  const pure = ['connections', 'filters', 'libraries', 'parsers', 'probes', 'protocols', 'redaction', 'scripts'];
  const wrong = imports.filter(({from, to}) => pure.includes(roomOf(from)) && world.test(to));
  t.strictSame(wrong, [{from: 'scripts/render.ts', to: 'node:fs'}]);
});

t.test('no file is a drawer for odds and ends', async (t) => {
  const tests = readdirSync(join(root, 'test'), {recursive: true, encoding: 'utf8'});
  const wrong = [...sources, ...tests].filter((name) => /utils?\b|helper|manager/i.test(name));
  t.strictSame(wrong, []);
});

t.test('file names are in kebab-case', async (t) => {
  const wrong = sources.filter((name) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.d)?\.ts$/.test(basename(name)));
  t.strictSame(wrong, []);
});

t.test('every package that src imports is a dependency at run time', async (t) => {
  const packages = imports.map(({to}) => to).filter((to) => !isOurs(to) && !isBuiltin(to));
  const names = new Set(packages.map((name) => name.split('/', name.startsWith('@') ? 2 : 1).join('/')));
  const missing = [...names].filter((name) => !(name in packageJson.dependencies));
  t.strictSame(missing, []);
});

t.test('docs/dependencies.md has a reason for every dependency, and for no other', async (t) => {
  const text = readFileSync(join(root, 'docs/dependencies.md'), 'utf8');
  const rows = [...text.matchAll(/^\| (@?[\w/-]+) \| (\S.{8,}) \|$/gm)].map(([, name]) => name);
  const {dependencies, devDependencies} = packageJson;
  t.strictSame(rows.sort(), [...Object.keys(dependencies), ...Object.keys(devDependencies)].sort());
});

t.test('the lock file names optional packages for all systems, or npm ci refuses', async (t) => {
  const {packages} = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const missing = Object.entries<{optionalDependencies?: object}>(packages).flatMap(([path, {optionalDependencies}]) =>
    Object.keys(optionalDependencies ?? {}).filter(
      (name) => !(`node_modules/${name}` in packages) && !(`${path}/node_modules/${name}` in packages),
    ),
  );
  t.strictSame(missing, []);
});

t.test('nothing that ships names the place where it was made', async (t) => {
  const lock = readFileSync(join(root, 'package-lock.json'), 'utf8');
  const registries = [...lock.matchAll(/"resolved": "(https?:\/\/[^/"]+)/g)].map(([, host]) => host);
  t.strictSame(
    registries.filter((host) => host !== 'https://registry.npmjs.org'),
    [],
  );
});

function importsOf(from: string): Import[] {
  const text = readFileSync(join(root, 'src', from), 'utf8');
  return ts.preProcessFile(text, true, true).importedFiles.map(({fileName}) => ({
    from,
    to: fileName.startsWith('.') ? normalize(join(dirname(from), fileName)).replace(/\.js$/, '') : fileName,
  }));
}

function isOurs(to: string): boolean {
  return (
    sources.includes(`${to}.ts`) || sources.includes(`${to}.d.ts`) || to === 'validate-event' || to.startsWith('..')
  );
}

function isRoom(name: string): boolean {
  return rooms.includes(roomOf(name));
}

/** The first folder of a file, or nothing for one that stands in src itself. */
function roomOf(name: string): string {
  return name.includes('/') ? (name.split('/')[0] as string) : '';
}

/** What looks like an id in a path: numbers, UUIDs, hashes, and long words with digits in them. */
const ids: readonly RegExp[] = [
  /^\d+$/,
  /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i,
  /^(?=.*\d)[0-9a-f]{8,}$/i,
  /^(?=.*\d)[\w~.=-]{20,}$/,
];

const keptSegments = 8;
const keptCharacters = 60;

/** The route of a request target: its path, without query, with ids folded and its length bounded. */
export function routeOf(target: string): string {
  const path = target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '').replace(/[?#].*$/s, '');
  if (!path.startsWith('/')) return path === '' ? '/' : path.slice(0, keptCharacters);
  const segments = path.slice(1).split('/');
  const shown = segments.slice(0, keptSegments).map(folded);
  return `/${[...shown, ...(segments.length > keptSegments ? ['…'] : [])].join('/')}`;
}

function folded(segment: string): string {
  if (ids.some((id) => id.test(segment))) return ':id';
  return segment.length > keptCharacters ? `${segment.slice(0, keptCharacters)}…` : segment;
}

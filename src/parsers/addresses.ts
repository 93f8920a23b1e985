/** Address families, by their numbers in linux/socket.h. */
export const families: ReadonlyMap<number, string> = new Map([
  [1, 'AF_UNIX'],
  [2, 'AF_INET'],
  [10, 'AF_INET6'],
]);

/** An address and a port as `127.0.0.1:8443` or `[::1]:8443`. `bytes` in the order of the network: 4, or 16. */
export function inetText(bytes: Buffer, port: number): string {
  return bytes.length === 4 ? `${bytes.join('.')}:${port}` : `[${inet6Text(bytes)}]:${port}`;
}

/** As RFC 5952 writes it; an IPv4 address inside keeps its dots, as programs print it. */
function inet6Text(bytes: Buffer): string {
  const groups = Array.from({length: 8}, (_, index) => bytes.readUInt16BE(2 * index).toString(16));
  if (groups.slice(0, 6).join(':') === '0:0:0:0:0:ffff') return `::ffff:${bytes.subarray(12).join('.')}`;
  const zeros = [...groups.join(':').matchAll(/\b0(?::0)+\b/g)].map(([run]) => run);
  const longest = zeros.reduce((best, run) => (run.length > best.length ? run : best), '');
  if (longest === '') return groups.join(':');
  const [before, after] = split(groups.join(':'), longest);
  return `${before}::${after}`;
}

/** What stands before and after the first run of zeros of this length, without the colons beside it. */
function split(text: string, run: string): [string, string] {
  const match = new RegExp(`(?:^|:)${run}(?![\\da-f])(?::|$)`).exec(text);
  const start = match?.index ?? 0;
  return [text.slice(0, start), text.slice(start + (match?.[0].length ?? 0))];
}

/** The name of a Unix socket: a path, or `@name` for an abstract one. Empty where it has none. `bytes` are those of sun_path. */
export function unixText(bytes: Buffer): string {
  const isAbstract = bytes.length > 0 && bytes[0] === 0;
  const end = bytes.indexOf(0);
  if (isAbstract) return `@${escaped(bytes.subarray(1))}`;
  return escaped(end < 0 ? bytes : bytes.subarray(0, end));
}

function escaped(bytes: Buffer): string {
  return bytes.toString('utf8').replaceAll('\0', '@');
}

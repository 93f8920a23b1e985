import Table from 'cli-table3';

const bare = Object.fromEntries(
  [
    'top',
    'top-mid',
    'top-left',
    'top-right',
    'bottom',
    'bottom-mid',
    'bottom-left',
    'bottom-right',
    'left',
    'left-mid',
    'mid',
    'mid-mid',
    'right',
    'right-mid',
  ].map((part) => [part, '']),
);

/** Columns without borders, as the tools of bcc print them. */
export function createTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  align: readonly ('left' | 'right')[] = [],
): string[] {
  const table = new Table({
    chars: {...bare, middle: '  '},
    colAligns: head.map((_, index) => align[index] ?? 'left'),
    head: [...head],
    style: {head: [], border: [], 'padding-left': 0, 'padding-right': 0, compact: true},
  });
  table.push(...rows.map((row) => [...row]));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd());
}

import t from 'tap';
import {createTable} from '../../src/sinks/table.js';
import {counted, duration, plural, size} from '../../src/sinks/units.js';

t.test('numbers read as people write them', async (t) => {
  t.strictSame([0, 999, 1000, 1_234_567].map(counted), ['0', '999', '1,000', '1,234,567']);
  t.strictSame([plural(1, 'byte'), plural(2000, 'byte')], ['1 byte', '2,000 bytes']);
  t.strictSame([0, 12, 1500, 2_340_000, 59_000_000_000, 3.6e12].map(duration), [
    '0.00 ns',
    '12.0 ns',
    '1.50 us',
    '2.34 ms',
    '59.0 s',
    '3600 s',
  ]);
  t.strictSame([0, 1023, 1024, 1_572_864].map(size), ['0 B', '1023 B', '1.0 KiB', '1.5 MiB']);
});

t.test('a table has columns and no borders', async (t) => {
  t.strictSame(
    createTable(
      ['PID', 'NAME'],
      [
        ['7', 'curl'],
        ['1234', 'x'],
      ],
      ['right'],
    ),
    [' PID  NAME', '   7  curl', '1234  x'],
  );
});

import {readFileSync} from 'node:fs';
import fc from 'fast-check';
import t from 'tap';
import {createEnvelopeReader, type Envelope} from '../../src/parsers/envelope.js';

const recordings = new URL('../fixtures/recordings/', import.meta.url);
const versions = ['0.11', '0.17', '0.23', '0.27'];

function read(line: string): Envelope {
  return createEnvelopeReader()(line);
}

function readFixture(name: string): Envelope[] {
  return readFileSync(new URL(name, recordings), 'latin1').split('\n').map(createEnvelopeReader());
}

const map = (name: string, entries: Record<string, bigint>): Envelope => ({
  kind: 'map',
  name,
  entries: new Map(Object.entries(entries)),
});

for (const version of versions) {
  t.test(`reads what bpftrace ${version} really printed, the same in JSON and in plain text`, (t) => {
    const json = readFixture(`exchange-${version}.json`).filter(({kind}) => kind === 'text' || kind === 'map');
    const text = readFixture(`exchange-${version}.text`).filter(({kind}) => kind === 'text' || kind === 'map');
    const shapes = (envelopes: Envelope[]) =>
      envelopes.map((each) =>
        each.kind === 'text' ? each.text.split('|')[0] : each.kind === 'map' ? each.name : each.kind,
      );
    // The anchor of 0.11 is one line in plain text; counts of whole seconds differ from run to run.
    t.same(new Set(shapes(json)), new Set(shapes(text)));
    t.notOk(readFixture(`exchange-${version}.json`).some(({kind}) => kind === 'malformed' || kind === 'message'));
    t.notOk(readFixture(`exchange-${version}.text`).some(({kind}) => kind === 'malformed' || kind === 'message'));
    t.end();
  });

  t.test(`reads maps, bytes and losses of bpftrace ${version} exactly`, (t) => {
    for (const format of ['json', 'text']) {
      const envelopes = readFixture(`oddities-${version}.${format}`);
      const maps = new Map(
        envelopes.flatMap((each) => (each.kind === 'map' ? [[each.name, each.entries] as const] : [])),
      );
      const printed = version === '0.27' && format === 'text' ? 0 : 1;
      t.same(maps.get('@connection'), new Map([['31663,94380000000000', 9007199254740993n]]), 'beyond 2^53');
      t.same(maps.get('@big'), new Map([['', version === '0.11' ? 9223372036854775807n : 18446744073709551615n]]));
      t.equal(maps.get('@moved')?.get('31663,94380000000000,2'), 82n);
      t.same(
        new Set(envelopes.flatMap((each) => (each.kind === 'text' ? [each.text] : []))),
        new Set(['caf\xc3\xa9\x01']),
      );
      const lost = envelopes.flatMap((each) => (each.kind === 'lost' ? [each.events] : []));
      t.ok(lost.length >= printed && lost.every((events) => [32, 56, 57, 1490].includes(events)), String(lost));
    }
    t.end();
  });
}

t.test('tells printed text with its newline from unfinished text', (t) => {
  t.same(read('{"type": "printf", "data": "E|1|2\\n"}'), {kind: 'text', text: 'E|1|2', isWhole: true});
  t.same(read('{"type": "printf", "data": "TK|1|5|"}'), {kind: 'text', text: 'TK|1|5|', isWhole: false});
  t.same(read('{"type": "time", "data": "1795403347\\n"}'), {kind: 'time', text: '1795403347'});
  t.same(read('{"type": "printf", "data": "a\\"b\\\\n"}'), {kind: 'text', text: 'a"b\\n', isWhole: false});
  t.same(read('{"type": "printf", "data": "a", "b": "\\n"}'), {kind: 'text', text: 'a', isWhole: false});
  t.end();
});

t.test('mends the escapes of bytes beyond 7f, and leaves text that looks like one alone', (t) => {
  t.same(read('{"type": "printf", "data": "\\uffffffe9\\n"}'), {kind: 'text', text: '\xe9', isWhole: true});
  t.same(read('{"type": "printf", "data": "\xe9\\u0001\\n"}'), {kind: 'text', text: '\xe9\x01', isWhole: true});
  t.same(read('{"type": "printf", "data": "\\\\uffffffe9\\n"}'), {kind: 'text', text: '\\uffffffe9', isWhole: true});
  t.end();
});

t.test('reads counts that have turned hexadecimal, and only those', (t) => {
  const lost = (digits: string) => `{"type": "lost_events", "count": ${digits}, "data": {"events": ${digits}}}`;
  const reader = createEnvelopeReader();
  t.same(reader(lost('12')), {kind: 'lost', events: 12});
  t.same(reader(lost('1f')), {kind: 'lost', events: 31}, 'no decimal number has an f');
  reader('{"type": "printf", "data": "\\u0001\\n"}');
  t.same(reader(lost('12')), {kind: 'lost', events: 18});
  t.same(reader('{"type": "lost_events", "data": {"events": 12}}'), {kind: 'lost', events: 12}, 'before 0.24');
  t.same(reader('{"type": "attached_probes", "count": 12, "data": {"probes": 12}}'), {kind: 'attached', probes: 18});
  t.end();
});

t.test('reads what bpftrace says of itself', (t) => {
  t.same(read('Attaching 8 probes...'), {kind: 'attached', probes: 8});
  t.same(read('Attached 1 probe'), {kind: 'attached', probes: 1});
  t.same(read('__BPFTRACE_NOTIFY_PROBES_ATTACHED'), {kind: 'ready'});
  t.same(read('Lost 12 events'), {kind: 'lost', events: 12});
  t.same(read(''), {kind: 'blank'});
  t.same(read('WARNING: Addrspace mismatch'), {kind: 'message', severity: 'warning', text: 'Addrspace mismatch'});
  t.same(read('{"type": "helper_error", "helper": "map_update_elem", "retcode": -7, "line": 1, "col": 2}'), {
    kind: 'message',
    severity: 'error',
    text: 'map_update_elem: -7',
  });
  t.same(read('{"type": "runtime_error", "msg": "divide by 0", "filename": "a.bt", "line": 1, "col": 2}'), {
    kind: 'message',
    severity: 'error',
    text: 'divide by 0',
  });
  t.same(read('{"type": "lost_events", "data": "Failed to attach watchpoint"}'), {
    kind: 'message',
    severity: 'error',
    text: 'Failed to attach watchpoint',
  });
  t.match(read('{"type": "hist", "data": {"@h": []}}'), {kind: 'message', severity: 'info'});
  t.match(read('{"type": "map", "data": {"@h": {"a": "b"}}}'), {kind: 'message', severity: 'info'});
  t.end();
});

t.test('reads maps with and without keys, whole or an entry a line', (t) => {
  t.same(read('@bytes_seen: 5'), map('@bytes_seen', {'': 5n}));
  t.same(read('@moved[1, 22, 2]: 7'), map('@moved', {'1,22,2': 7n}));
  t.same(read('{"type": "map", "data": {"@moved": {}}}'), map('@moved', {}));
  t.same(
    read('{"type": "map", "data": {"@moved": {"1,2": "9007199254740993", "3,4": -1}}}'),
    map('@moved', {
      '1,2': 9007199254740993n,
      '3,4': -1n,
    }),
  );
  t.end();
});

t.test('calls malformed what is cut or no object of bpftrace', (t) => {
  for (const line of [
    '{',
    '{"type": "printf", "data": "D|1',
    '{"a": 1}',
    '{"type": 5}',
    '[1]{',
    '{"type": "lost_ev\u{fffd}',
  ]) {
    const {kind} = read(line);
    t.ok(kind === 'malformed' || kind === 'text', line);
  }
  t.same(read('{"type": "printf", "data": "E|1|2'), {kind: 'malformed'});
  t.end();
});

t.test('never throws', (t) => {
  const piece = fc.constantFrom(
    '{"type": "',
    'printf',
    'map',
    'lost_events',
    '", "data": ',
    '{"@a": ',
    '"',
    '\\',
    'u',
    '}',
    '@a[',
    ']: 5',
    '\xff',
  );
  const line = fc.oneof(
    fc.string(),
    fc.array(piece, {maxLength: 12}).map((pieces) => pieces.join('')),
  );
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(line, (text) => void read(text)),
      {numRuns: 2000},
    ),
  );
  t.end();
});

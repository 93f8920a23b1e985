import t from 'tap';
import {BlockReader} from '../../src/protocols/http2/block-reader.js';
import {HpackDecoder} from '../../src/protocols/http2/hpack.js';
import {decodeHuffman} from '../../src/protocols/http2/huffman.js';

function decoder() {
  return new HpackDecoder(1000, {bytes: 0});
}

function lines(headers: readonly {name?: string; value?: string}[]): string[] {
  return headers.map(({name, value}) => `${name ?? '?'}: ${value ?? '?'}`);
}

function decodeHex(hpack: HpackDecoder, hex: string) {
  return hpack.decode(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
}

const first = [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com'];
const requests = [
  {headers: first, table: [':authority: www.example.com'], size: 57},
  {
    headers: [...first, 'cache-control: no-cache'],
    table: ['cache-control: no-cache', ':authority: www.example.com'],
    size: 110,
  },
  {
    headers: [
      ':method: GET',
      ':scheme: https',
      ':path: /index.html',
      ':authority: www.example.com',
      'custom-key: custom-value',
    ],
    table: ['custom-key: custom-value', 'cache-control: no-cache', ':authority: www.example.com'],
    size: 164,
  },
];
const dated = (second: number) => `date: Mon, 21 Oct 2013 20:13:2${second} GMT`;
const location = 'location: https://www.example.com';
const cookie = 'set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1';
const responses = [
  {
    headers: [':status: 302', 'cache-control: private', dated(1), location],
    table: [location, dated(1), 'cache-control: private', ':status: 302'],
    size: 222,
  },
  {
    headers: [':status: 307', 'cache-control: private', dated(1), location],
    table: [':status: 307', location, dated(1), 'cache-control: private'],
    size: 222,
  },
  {
    headers: [':status: 200', 'cache-control: private', dated(2), location, 'content-encoding: gzip', cookie],
    table: [cookie, 'content-encoding: gzip', dated(2)],
    size: 215,
  },
];

const sequences = [
  {
    name: 'C.3 requests without Huffman coding',
    expected: requests,
    blocks: [
      '828684410f7777772e6578616d706c652e636f6d',
      '828684be58086e6f2d6361636865',
      '828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565',
    ],
  },
  {
    name: 'C.4 requests with Huffman coding',
    expected: requests,
    blocks: [
      '828684418cf1e3c2e5f23a6ba0ab90f4ff',
      '828684be5886a8eb10649cbf',
      '828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf',
    ],
  },
  {
    name: 'C.5 responses without Huffman coding',
    expected: responses,
    tableBytes: '3fe101',
    blocks: [
      '4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d546e1768747470733a2f2f7777772e6578616d706c652e636f6d',
      '4803333037c1c0bf',
      '88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31',
    ],
  },
  {
    name: 'C.6 responses with Huffman coding',
    expected: responses,
    tableBytes: '3fe101',
    blocks: [
      '488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3',
      '4883640effc1c0bf',
      '88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007',
    ],
  },
];

for (const {name, expected, blocks, tableBytes} of sequences) {
  t.test(`decodes RFC 7541, ${name}`, async (t) => {
    const hpack = decoder();
    if (tableBytes) decodeHex(hpack, tableBytes);
    for (const [index, block] of blocks.entries()) {
      const decoded = decodeHex(hpack, block);
      t.strictSame(lines(decoded.headers), expected[index]?.headers);
      t.strictSame(lines(hpack.table), expected[index]?.table);
      t.equal(hpack.tableSize, expected[index]?.size);
      t.notOk(decoded.isBroken);
    }
  });
}

t.test('decodes RFC 7541, C.1 integers', async (t) => {
  t.equal(new BlockReader(Buffer.from('0a', 'hex')).integer(5), 10);
  t.equal(new BlockReader(Buffer.from('1f9a0a', 'hex')).integer(5), 1337);
  t.equal(new BlockReader(Buffer.from('2a', 'hex')).integer(8), 42);
});

t.test('decodes RFC 7541, C.2 header fields', async (t) => {
  const indexed = decoder();
  t.strictSame(lines(decodeHex(indexed, '400a637573746f6d2d6b65790d637573746f6d2d686561646572').headers), [
    'custom-key: custom-header',
  ]);
  t.equal(indexed.tableSize, 55);
  const literal = decoder();
  t.strictSame(lines(decodeHex(literal, '040c2f73616d706c652f70617468').headers), [':path: /sample/path']);
  t.strictSame(lines(decodeHex(literal, '100870617373776f726406736563726574').headers), ['password: secret']);
  t.equal(literal.tableSize, 0);
  t.strictSame(lines(decodeHex(literal, '82').headers), [':method: GET']);
});

t.test('marks what the lost table holds as unknown, and has the rest right', async (t) => {
  const hpack = decoder();
  hpack.lose();
  // The third request of C.3: its :authority and cache-control were sent before we came.
  const joined = decodeHex(hpack, '828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565');
  t.strictSame(lines(joined.headers), [
    ':method: GET',
    ':scheme: https',
    ':path: /index.html',
    '?: ?',
    'custom-key: custom-value',
  ]);
  t.equal(joined.unknown, 1);
  // Entry 62 is now custom-key; a literal with the unknown name 63 still has its value.
  const next = decodeHex(hpack, 'be 0f30 03616263');
  t.strictSame(lines(next.headers), ['custom-key: custom-value', '?: abc']);
});

t.test('does not believe an index that a table from its beginning cannot have', async (t) => {
  t.ok(decodeHex(decoder(), '82be84').isBroken);
  t.strictSame(lines(decodeHex(decoder(), '82be84').headers), [':method: GET']);
  t.ok(decodeHex(decoder(), '80').isBroken);
});

t.test('refuses broken Huffman strings and integers without end', async (t) => {
  t.equal(decodeHuffman(Buffer.from('ffffffff', 'hex')), undefined);
  t.equal(decodeHuffman(Buffer.from('00', 'hex')), undefined);
  t.ok(decodeHex(decoder(), 'ffffffffffffffffff').isBroken);
  t.ok(decodeHex(decoder(), '007f').isBroken);
});

t.test('bounds a block whose every byte stands for a large entry', async (t) => {
  const hpack = decoder();
  const value = Buffer.alloc(4000, 0x61);
  hpack.decode(Buffer.concat([Buffer.from('4001627fa11e', 'hex'), value]));
  const decoded = hpack.decode(Buffer.alloc(200_000, 0xbe));
  t.ok(decoded.headers.length <= 100);
  t.equal(decoded.headers.length + decoded.dropped, 200_000);
  t.ok(hpack.tableSize <= 4096);
});

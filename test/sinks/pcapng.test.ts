import {execFile} from 'node:child_process';
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {promisify} from 'node:util';
import {execaSync} from 'execa';
import t, {type Test} from 'tap';
import {createOtherEnds} from '../../src/connections/other-ends.js';
import type {ConnectionEvent, DataEvent, TraceEvent} from '../../src/model.js';
import {createPcapngSink} from '../../src/sinks/pcapng/sink.js';
import {dataEvent, time} from './events.js';

const run = promisify(execFile);
const noTshark = execaSync('tshark', ['--version'], {reject: false}).failed && 'tshark is not installed';

async function pcapng(t: Test, events: readonly TraceEvent[], showsPort80 = false): Promise<string> {
  const pieces: Uint8Array[] = [];
  const sink = createPcapngSink((bytes) => void pieces.push(bytes), 'tls-kit 0.1.0', showsPort80);
  for (const event of events) await sink.write(event);
  await sink.close();
  const path = join(t.testdir({}), 'export.pcapng');
  writeFileSync(path, Buffer.concat(pieces));
  return path;
}

/** Fields of packets, one a line, as tshark sees them, with every checksum verified. */
async function tshark(
  path: string,
  filter: string,
  fields: readonly string[],
  more: readonly string[] = [],
): Promise<string[]> {
  const options = ['ip.check_checksum:TRUE', 'tcp.check_checksum:TRUE'];
  const words = ['-r', path, ...options.flatMap((option) => ['-o', option]), ...more, '-Y', filter, '-T', 'fields'];
  const {stdout} = await run('tshark', [...words, ...fields.flatMap((field) => ['-e', field])], {maxBuffer: 1e8});
  return stdout.split('\n').slice(0, -1);
}

/** What tshark finds worth a warning, or worse: PI_WARN is 0x600000. Comments and the course of TCP are less. */
const warnings = '_ws.expert.severity >= 0x600000 || ip.checksum.status == "Bad" || tcp.checksum.status == "Bad"';

type Ends = Pick<DataEvent['connection'], 'local' | 'remote'>;

/** A conversation: calls with a `>` before what was sent, in the order in which they were made. */
function conversation(ends: Ends, ...calls: string[]): (ConnectionEvent | DataEvent)[] {
  const connection = {id: `1.${ends.local ?? ''}${ends.remote ?? ''}`, ...ends};
  const offsets = {send: 0, receive: 0};
  const events = calls.map((call): DataEvent => {
    const direction = call.startsWith('>') ? 'send' : 'receive';
    const event = dataEvent(Buffer.from(call.slice(1), 'latin1'), {direction, connection, offset: offsets[direction]});
    offsets[direction] += event.length;
    return event;
  });
  return [...events, {type: 'connection', event: 'close', time, pid: 8834, comm: 'curl', connection}];
}

const request = (path: string) => `>GET ${path} HTTP/1.1\r\nHost: a.example\r\n\r\n`;
const response = (body: string) => `<HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

t.test('tshark reads HTTP on any port but that of HTTPS, without a warning', {skip: noTshark}, async (t) => {
  const body = 'x'.repeat(1_000_000);
  const all: readonly (readonly [Ends, string, string])[] = [
    [{}, '192.0.2.2', '80'],
    [{local: '10.1.2.3:40000', remote: '10.9.8.7:4433'}, '10.1.2.3', '4433'],
    [{local: '10.1.2.3:40001', remote: '10.9.8.7:8443'}, '10.1.2.3', '8443'],
    [{local: '10.1.2.3:40002', remote: '10.9.8.7:30001'}, '10.1.2.3', '30001'],
    [{local: '[2001:db8:1::5]:40000', remote: '[::1]:9443'}, '2001:db8:1::5', '9443'],
    [{local: '[::ffff:10.0.0.1]:40000', remote: '10.0.0.2:5001'}, '::ffff:10.0.0.1', '5001'],
    [{remote: '[fe80::1%eth0]:7443'}, '2001:db8::2', '7443'],
  ];
  const events = all.flatMap(([ends], index) =>
    conversation(ends, request(`/a${index}`), response('hello'), request(`/b${index}`), response(body)),
  );
  const path = await pcapng(t, events);
  t.strictSame(await tshark(path, warnings, ['frame.number', '_ws.expert.message']), []);
  const requests = await tshark(path, 'http.request', ['ip.src', 'ipv6.src', 'tcp.dstport', 'http.request.uri']);
  t.strictSame(
    requests,
    all.flatMap(([, source, port], index) =>
      ['a', 'b'].map((name) => `${source.includes(':') ? `\t${source}` : `${source}\t`}\t${port}\t/${name}${index}`),
    ),
  );
  const responses = await tshark(path, 'http.response', ['http.response.code', 'http.content_length']);
  t.strictSame(
    responses,
    all.flatMap(() => ['200\t5', '200\t1000000']),
  );
  const comments = await tshark(path, 'http.request', ['frame.comment', 'frame.time_epoch']);
  t.match(comments[0], /^curl\[8834\] connection 1\., addresses made up\t1795408017\.121000000$/);
  t.match(comments[2], /^curl\[8834\] connection 1\.10\.1\.2\.3:4000010\.9\.8\.7:4433\t/);
});

t.test('a connection of which both ends are traced has its addresses once', {skip: noTshark}, async (t) => {
  const mark = createOtherEnds();
  const turned = (call: string) => call.replace(/^[<>]/, (arrow) => (arrow === '>' ? '<' : '>'));
  const [a, b] = ['10.1.2.3:40000', '10.9.8.7:8443'];
  const client = conversation({local: a, remote: b}, request('/'), response('hi'));
  const server = conversation({local: b, remote: a}, turned(request('/')), turned(response('hi')));
  const inTurn = client.flatMap((event, index) => [event, server[index] as DataEvent]).map(mark);
  const path = await pcapng(t, inTurn);
  t.strictSame(await tshark(path, warnings, ['frame.number', '_ws.expert.message']), []);
  t.strictSame(await tshark(path, 'http.request', ['ip.src', 'tcp.dstport']), ['10.1.2.3\t8443', '192.0.2.2\t80']);
  const comments = await tshark(path, 'http.request', ['frame.comment']);
  t.match(comments[1], /, the other end of connection 1\.10\.1\.2\.3:\S+, addresses made up$/);
});

t.test('a server is traced from its side', {skip: noTshark}, async (t) => {
  const turned = (call: string) => call.replace(/^[<>]/, (arrow) => (arrow === '>' ? '<' : '>'));
  const path = await pcapng(t, conversation({}, turned(request('/')), turned(response('hi'))));
  t.strictSame(await tshark(path, 'http', ['ip.src', 'tcp.dstport']), ['192.0.2.2\t80', '192.0.2.1\t49152']);
});

const toPort443 = {local: '10.1.2.3:40000', remote: '10.9.8.7:443'};

t.test('on port 443, tshark reads HTTP and warns that it is not encrypted', {skip: noTshark}, async (t) => {
  const path = await pcapng(t, conversation(toPort443, request('/'), response('hi')));
  t.strictSame(await tshark(path, 'http', ['http.request.uri', 'http.response.code']), ['/\t', '\t200']);
  t.equal((await tshark(path, warnings, ['frame.number'])).length, 2);
});

t.test('shown as port 80, it is read without a warning, and the comment tells', {skip: noTshark}, async (t) => {
  const path = await pcapng(t, conversation(toPort443, request('/'), response('hi')), true);
  t.strictSame(await tshark(path, warnings, ['frame.number']), []);
  const [comment = ''] = await tshark(path, 'http.request && tcp.dstport == 80', ['frame.comment']);
  t.match(comment, /, port 443 shown as 80$/);
});

t.test('HTTP/2 is read on port 80, and elsewhere when tshark is told', {skip: noTshark}, async (t) => {
  const settings = '\0\0\0\u0004\0\0\0\0\0';
  const get = '\0\0\u0003\u0001\u0005\0\0\0\u0001\u0082\u0084\u0087'; // :method GET, :path /, :scheme https
  const events = conversation(toPort443, `>PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${settings}${get}`, `<${settings}`);
  for (const [isShownAs80, more] of [
    [true, []],
    [false, ['-d', 'tcp.port==443,http']],
  ] as const) {
    const path = await pcapng(t, events, isShownAs80);
    const fields = ['http2.type', 'http2.headers.method', 'http2.headers.path'];
    t.strictSame(await tshark(path, 'http2', fields, more), ['4,1\tGET\t/', '4\t\t']);
    t.strictSame(await tshark(path, warnings, ['frame.number'], more), []);
  }
});

t.test(
  'what was cut or lost is a hole in the sequence, and the bytes after it are where they were',
  {skip: noTshark},
  async (t) => {
    const connection = {id: 'x'};
    const path = await pcapng(t, [
      dataEvent('abcd', {connection, length: 10}),
      dataEvent('12345', {connection, offset: 10, length: 8, gaps: [[2, 3]]}),
      dataEvent('peeked', {connection, direction: 'receive', peek: true}),
      dataEvent('zz', {connection, offset: 100}),
    ]);
    const segments = await tshark(path, 'tcp.len > 0', ['tcp.seq', 'tcp.payload']);
    t.strictSame(segments, ['1\t61626364', '11\t3132', '16\t333435', '101\t7a7a']);
  },
);

t.test('a connection that was open before has no handshake', {skip: noTshark}, async (t) => {
  const path = await pcapng(t, [dataEvent('abcd', {offset: 5_000_000_000})]);
  t.strictSame(await tshark(path, 'tcp', ['tcp.flags', 'tcp.seq_raw']), [
    `0x0018\t${(5_000_000_001 % 2 ** 32).toString()}`,
    '0x0010\t1',
  ]);
});

t.test('names of processes and hosts are shown, never obeyed', {skip: noTshark}, async (t) => {
  const path = await pcapng(t, [
    {type: 'session', schema: 1, tlsKit: '0', what: [], targets: [], host: 'a\u001b[31m', redaction: 'on'},
    dataEvent('abcd', {comm: 'e\u001b[2Jvil\u202e'}),
  ]);
  const comments = await tshark(path, 'tcp.len > 0', ['frame.comment']);
  t.equal(comments[0], 'e\\x1b[2Jvil\\u{202e}[8834] connection 8834.1, addresses made up');
});

t.test('a capture without data is an empty file that tshark reads', {skip: noTshark}, async (t) => {
  t.strictSame(await tshark(await pcapng(t, []), 'frame', ['frame.number']), []);
});

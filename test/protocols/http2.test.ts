import t from 'tap';
import {decode, receive, send} from './support/events.js';
import {data, frame, headers, literals, preface, request, settings} from './support/frames.js';

const opening = [send(Buffer.concat([preface, settings])), receive(settings)];
const ok = (id: number) => headers(id, {':status': '200'}, 0x5);

t.test('takes padding, priority and CONTINUATION apart', async (t) => {
  const block = literals({':method': 'PUT', ':scheme': 'https', ':path': '/p', 'x-a': 'b'});
  const padded = Buffer.concat([Buffer.from([3, 0, 0, 0, 0, 16]), block.subarray(0, 20), Buffer.alloc(3)]);
  const messages = decode([
    ...opening,
    send(
      Buffer.concat([
        frame(1, 0x28, 1, padded),
        frame(9, 0, 1, block.subarray(20, 30)),
        frame(9, 4, 1, block.subarray(30)),
      ]),
    ),
    send(frame(0, 0x9, 1, Buffer.concat([Buffer.from([5]), Buffer.from('body'), Buffer.alloc(5)]))),
    receive(
      Buffer.concat([
        headers(1, {':status': '103'}),
        headers(1, {':status': '200'}),
        data(1, 'ok'),
        headers(1, {digest: 'q'}, 0x5),
      ]),
    ),
  ]);
  t.match(messages, [
    {
      complete: true,
      side: 'client',
      protocol: 'http/2',
      streamId: 1,
      request: {method: 'PUT', target: '/p', headers: [{name: 'x-a', value: 'b'}], body: {text: 'body', length: 4}},
      response: {status: 200, informational: [103], body: {text: 'ok'}, trailers: [{name: 'digest', value: 'q'}]},
    },
  ]);
  t.equal(messages.length, 1);
});

t.test('says who reset a stream, and why', async (t) => {
  const code = (n: number) => Buffer.from([0, 0, 0, n]);
  const messages = decode([
    ...opening,
    send(Buffer.concat([request(1, '/cancelled'), request(3, '/refused'), request(5, '/gone')])),
    send(frame(3, 0, 1, code(8))),
    receive(frame(3, 0, 3, code(7))),
    receive(frame(7, 0, 0, Buffer.concat([code(3), code(11)]))),
  ]);
  t.match(messages, [
    {request: {target: '/cancelled'}, reset: {by: 'client', frame: 'RST_STREAM', code: 'CANCEL'}},
    {request: {target: '/refused'}, reset: {by: 'server', frame: 'RST_STREAM', code: 'REFUSED_STREAM'}},
    {request: {target: '/gone'}, reset: {by: 'server', frame: 'GOAWAY', code: 'ENHANCE_YOUR_CALM'}},
  ]);
  t.ok(messages.every(({complete}) => !complete));
});

t.test('shows what a server pushes', async (t) => {
  const promise = Buffer.concat([Buffer.from([0, 0, 0, 2]), literals({':method': 'GET', ':path': '/style.css'})]);
  const messages = decode([
    ...opening,
    send(request(1, '/')),
    receive(Buffer.concat([frame(5, 4, 1, promise), ok(1), headers(2, {':status': '200'}), data(2, 'css', 1)])),
  ]);
  t.match(messages, [
    {streamId: 1},
    {streamId: 2, pushed: true, request: {target: '/style.css'}, response: {body: {text: 'css'}}},
  ]);
});

t.test('keeps the rest right when a header block is lost', async (t) => {
  const added = (id: number, path: string) =>
    frame(1, 5, id, Buffer.concat([Buffer.from([0x82, 0x87]), literals({':path': path}, true)]));
  const messages = decode([
    ...opening,
    send(added(1, '/1')),
    receive(ok(1)),
    send(added(3, '/3'), {isLost: true}),
    // Entry 62 was /1 before the loss, and is /3 now: it must be neither.
    send(frame(1, 5, 5, Buffer.from([0x82, 0x87, 0xbe]))),
    receive(Buffer.concat([ok(3), ok(5)])),
  ]);
  t.equal(messages[0]?.request?.target, '/1');
  const five = messages.find(({streamId}) => streamId === 5);
  t.match(five, {complete: false, request: {method: 'GET', scheme: 'https', headers: [{}]}, response: {status: 200}});
  t.notOk(five?.request?.target);
  t.match(
    messages.find(({streamId}) => streamId === 3),
    {complete: false, response: {status: 200}},
  );
});

t.test('passes over missing bytes of DATA, and finds the next frame after lost ones', async (t) => {
  const body = data(1, 'x'.repeat(100), 1);
  const messages = decode([
    ...opening,
    send(Buffer.concat([request(1, '/1'), request(3, '/3')])),
    receive(Buffer.concat([headers(1, {':status': '200'}), body]), {cut: 60}),
    receive(Buffer.concat([headers(3, {':status': '200'}), data(3, 'lost')]), {isLost: true}),
    receive(data(3, 'seen', 1)),
    send(request(5, '/5')),
    receive(ok(5)),
  ]);
  t.match(messages, [
    {
      streamId: 1,
      complete: false,
      response: {body: {length: 100, captured: 40}},
      gaps: [{kind: 'missing', length: 60}],
    },
    {streamId: 3, complete: false, response: {body: {text: 'seen'}}},
    {streamId: 5, complete: true},
  ]);
});

t.test('joins in mid-connection at frames that fill a call', async (t) => {
  const messages = decode([
    send(request(101, '/101')),
    receive(
      Buffer.concat([frame(8, 0, 0, Buffer.from([0, 0, 0, 9])), headers(101, {':status': '200'}), data(101, 'ok', 1)]),
    ),
  ]);
  t.match(messages, [{streamId: 101, side: 'client', request: {target: '/101'}, response: {body: {text: 'ok'}}}]);
});

t.test('reads gRPC calls: name, status, message sizes', async (t) => {
  const grpcMessage = (size: number) => {
    const bytes = Buffer.alloc(5 + size, 1);
    bytes[0] = 0;
    bytes.writeUInt32BE(size, 1);
    return bytes;
  };
  const call = {
    ':method': 'POST',
    ':scheme': 'https',
    ':path': '/pkg.Echo/Say',
    'content-type': 'application/grpc+proto',
  };
  const both = Buffer.concat([grpcMessage(10), grpcMessage(0), grpcMessage(300)]);
  const [message] = decode([
    ...opening,
    send(Buffer.concat([headers(1, call), data(1, both.subarray(0, 17)), data(1, both.subarray(17), 1)])),
    receive(
      Buffer.concat([headers(1, {':status': '200', 'content-type': 'application/grpc'}), data(1, grpcMessage(7))]),
    ),
    receive(headers(1, {'grpc-status': '5', 'grpc-message': 'not%20found: %C3%A9'}, 0x5)),
  ]);
  t.equal(message?.protocol, 'grpc');
  t.ok(message?.complete);
  t.strictSame(message?.grpc, {
    service: 'pkg.Echo',
    method: 'Say',
    status: 5,
    message: 'not found: é',
    request: {messages: 3, bytes: 310, sizes: [10, 0, 300]},
    response: {messages: 1, bytes: 7, sizes: [7]},
  });
});

t.test('bounds the streams that never end', async (t) => {
  const calls = Array.from({length: 5000}, (_, n) => send(request(n * 2 + 1, `/${n}`, 0x4)));
  const messages = decode([...opening, ...calls], {limits: {openExchanges: 100}});
  t.equal(messages.length, 5000);
  t.ok(messages.every(({complete}) => !complete));
});

t.test('gives up on a header block without end, and goes on', async (t) => {
  const more = frame(9, 0, 1, 'a'.repeat(16_000));
  const messages = decode([
    ...opening,
    send(Buffer.concat([frame(1, 0, 1, Buffer.from([0x82]))])),
    ...Array.from({length: 100}, () => send(more)),
    send(Buffer.concat([frame(9, 4, 1), request(3, '/3')])),
    receive(ok(3)),
  ]);
  t.match(
    messages.find(({streamId}) => streamId === 3),
    {complete: true, request: {target: '/3'}},
  );
});

import fc from 'fast-check';
import t from 'tap';
import {TlsConversation, type WireFacts} from '../../src/connections/tls-records.js';
import {ja4} from '../../src/connections/wire/ja4.js';
import {cipherName, groupName, isGrease, signatureName, versionName} from '../../src/connections/wire/names.js';
import {bytesOf, factsOf, type Recording, recording, recordings} from './hellos.js';

/** Bytes of both directions, each in one piece. */
function factsOfBytes(send: Buffer, receive: Buffer): WireFacts {
  const conversation = new TlsConversation();
  conversation.push('send', send);
  conversation.push('receive', receive);
  conversation.end();
  return conversation.facts();
}

const named = (numbers: string, name: (number: number) => string) =>
  numbers === ''
    ? undefined
    : numbers
        .split(',')
        .map(Number)
        .filter((number) => !isGrease(number))
        .map(name);
const listed = (text: string) => (text === '' ? undefined : text.split(','));
const alertNumbers: Record<string, string> = {
  protocol_version: '70',
  handshake_failure: '40',
  no_application_protocol: '120',
  unknown_ca: '48',
};

t.test('real programs: what tshark reads is what we read', async (t) => {
  t.ok(recordings.length >= 30, `${recordings.length} recordings`);
  for (const each of recordings) {
    const {tshark} = each;
    const facts = factsOf(each);
    const [serverName, alpn, ja4, ciphers, version, versions, groups, signatures] = tshark.hello;
    const [cipher, answerVersion, chosenVersion, chosenAlpn] = tshark.answer ?? [];
    t.test(each.name, async (t) => {
      t.same(facts.role, 'client');
      t.same(facts.serverName, serverName || undefined);
      t.same(facts.ja4, ja4);
      t.same(facts.offered?.alpn, listed(alpn));
      t.same(facts.offered?.ciphers, named(ciphers, cipherName));
      t.same(facts.offered?.versions, named(versions || version, versionName));
      t.same(facts.offered?.groups, named(groups, groupName));
      // tshark gives signature_algorithms_cert under the same name, after these.
      const ours = facts.offered?.signatureAlgorithms;
      t.same(ours, named(signatures, signatureName)?.slice(0, ours?.length));
      t.same(facts.cipher, cipher && cipherName(Number(cipher)));
      t.same(facts.version, answerVersion && versionName(Number(chosenVersion || answerVersion)));
      t.same(facts.alpn, chosenAlpn || undefined);
      t.same(facts.helloRetry === true, tshark.answers === 2);
      t.same(
        facts.alerts.map((alert) => alertNumbers[alert.name]),
        tshark.alerts,
      );
      t.same(facts.incomplete, []);
      t.notOk(facts.plainAnswer);
    });
  }
});

t.test('the server sees the same handshake from its end', async (t) => {
  for (const each of recordings) {
    const {role, alerts, ...facts} = factsOf(each, 'server');
    const {role: _, alerts: clientsAlerts, ...clients} = factsOf(each, 'client');
    t.same(facts, clients, each.name);
    t.same(role, 'server');
    t.same(
      alerts.map(({direction}) => direction),
      clientsAlerts.map(({direction}) => (direction === 'send' ? 'receive' : 'send')),
    );
  }
});

t.test('resumption is told by the session id up to TLS 1.2 and by the pre-shared key in TLS 1.3', async (t) => {
  for (const each of recordings.filter(({tshark}) => tshark.answers > 0)) {
    t.same(factsOf(each).resumed, each.name.startsWith('openssl-resumed'), each.name);
  }
});

t.test('certificates are named up to TLS 1.2, the client’s too', async (t) => {
  const facts = factsOf(recording('openssl-client-certificate-12'));
  t.match(facts.certificates, [{subject: 'localhost', issuer: 'localhost', names: ['localhost', '127.0.0.1']}]);
  t.match(facts.certificates?.[0]?.notAfter, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  t.same(facts.certificateRequested, true);
  t.match(facts.clientCertificates, [{subject: 'client one'}]);
  t.same(factsOf(recording('openssl-expects-certificate-12')).clientCertificates, []);
  t.same(factsOf(recording('curl')).certificates, undefined);
});

t.test('TLS is found after the opening of another protocol', async (t) => {
  const found = recordings
    .filter(({name}) => /starttls|proxy/.test(name))
    .map((each) => [each.name, factsOf(each).opening]);
  t.same(Object.fromEntries(found), {
    'curl-http-proxy': 'http connect',
    'openssl-starttls-ftp': 'ftp',
    'openssl-starttls-imap': 'imap',
    'openssl-starttls-pop3': 'pop3',
    'openssl-starttls-postgres': 'postgresql',
    'openssl-starttls-smtp': 'smtp',
  });
});

t.test('PostgreSQL after a refused GSSENCRequest', async (t) => {
  const plain = recording('openssl-3.0');
  const send = Buffer.concat([Buffer.from('0000000804d216300000000804d2162f', 'hex'), bytesOf(plain, 'client')]);
  const facts = factsOfBytes(send, Buffer.concat([Buffer.from('NS'), bytesOf(plain, 'server')]));
  t.match(facts, {opening: 'postgresql', serverName: 'localhost', version: 'TLSv1.3'});
});

t.test('a hello in the middle of other bytes is none', async (t) => {
  const hello = bytesOf(recording('openssl-3.0'), 'client');
  for (const before of ['upload: ', 'DATA\r\n', 'NOT STARTTLS', 'x STLS y\r\n', '\0\0\0\x08\x04\xd2\x16']) {
    const conversation = new TlsConversation();
    conversation.push('send', Buffer.concat([Buffer.from(before, 'latin1'), hello]));
    conversation.end();
    t.notOk(conversation.isTls, before);
    t.notOk(conversation.facts().clientHello, before);
  }
});

t.test('any segmentation gives the same facts', async (t) => {
  fc.assert(
    fc.property(
      fc.constantFrom(...recordings),
      fc.array(fc.integer({min: 1, max: 400}), {minLength: 1, maxLength: 20}),
      (each, sizes) => {
        t.same(inPieces(each, sizes), factsOf(each), each.name);
      },
    ),
    {numRuns: 150},
  );
});

t.test('byte by byte too', async (t) => {
  for (const each of recordings) t.same(inPieces(each, [1]), factsOf(each), each.name);
});

function inPieces({chunks}: Recording, sizes: readonly number[]): WireFacts {
  const conversation = new TlsConversation();
  let turn = 0;
  for (const [side, base64] of chunks) {
    let rest = Buffer.from(base64, 'base64');
    while (rest.length > 0) {
      const size = sizes[turn++ % sizes.length] as number;
      conversation.push(side === 'client' ? 'send' : 'receive', rest.subarray(0, size));
      rest = rest.subarray(size);
    }
  }
  conversation.end();
  return conversation.facts();
}

t.test('handshake messages in records of any size, and several in one', async (t) => {
  for (const each of recordings.filter(({name}) => ['curl', 'openssl-old', 'java', 'gnutls-12'].includes(name))) {
    const whole = factsOf(each);
    for (const size of [1, 3, 5, 100, 16_000]) {
      const facts = factsOfBytes(reRecorded(bytesOf(each, 'client'), size), reRecorded(bytesOf(each, 'server'), size));
      t.same(facts, whole, `${each.name} in records of ${size}`);
    }
  }
});

/** The clear handshake records at the start of a stream, joined and cut again into records of another size. */
function reRecorded(bytes: Buffer, size: number): Buffer {
  let at = 0;
  const bodies: Buffer[] = [];
  while (bytes[at] === 22) {
    const length = bytes.readUInt16BE(at + 3);
    bodies.push(bytes.subarray(at + 5, at + 5 + length));
    at += 5 + length;
  }
  const joined = Buffer.concat(bodies);
  const records = Array.from({length: Math.ceil(joined.length / size)}, (_, index) => {
    const body = joined.subarray(index * size, (index + 1) * size);
    return Buffer.concat([Buffer.from([22, 3, 3, body.length >> 8, body.length & 0xff]), body]);
  });
  return Buffer.concat([...records, bytes.subarray(at)]);
}

t.test('a stream that is cut off only ever says less', async (t) => {
  for (const each of recordings.filter(({chunks}) => chunks[0]?.[0] === 'client')) {
    const whole = factsOf(each);
    const [client, server] = [bytesOf(each, 'client'), bytesOf(each, 'server')];
    const ends = (bytes: Buffer) =>
      Array.from({length: bytes.length + 1}, (_, end) => end).filter((end) => end % 7 === 0);
    const wrong = [
      ...ends(client).filter((end) => !saysLess(factsOfBytes(client.subarray(0, end), Buffer.alloc(0)), whole)),
      ...ends(server).filter((end) => !saysLess(factsOfBytes(client, server.subarray(0, end)), whole)),
    ];
    t.same(wrong, [], each.name);
  }
});

/** Every field that is there is the same in the whole; lists of certificates may end early, and a retry's choice is replaced. */
function saysLess(part: WireFacts, whole: WireFacts): boolean {
  return Object.entries(part).every(([key, value]) => {
    const full = whole[key as keyof WireFacts];
    if (key === 'incomplete' || key === 'plainAnswer') return true;
    if (key === 'serverHello' || key === 'clientHello') return value === full || value === false;
    if (Array.isArray(value))
      return JSON.stringify(value) === JSON.stringify((full as unknown[] | undefined)?.slice(0, value.length));
    if (key === 'offered')
      return Object.entries(value).every(
        ([name, list]) => JSON.stringify(list) === JSON.stringify(whole.offered?.[name as 'ciphers']),
      );
    return value === full;
  });
}

t.test('a message that is cut says so, and keeps what was read before', async (t) => {
  const facts = factsOfBytes(bytesOf(recording('curl'), 'client').subarray(0, 200), Buffer.alloc(0));
  t.same(facts.incomplete, ['send: ClientHello cut']);
  t.ok(facts.clientHello);
  t.ok(facts.offered?.ciphers);
  t.notOk(facts.ja4);
  t.notOk(facts.offered?.versions);
});

t.test('bytes that were not captured: the rest of a record is passed over', async (t) => {
  const each = recording('curl-12');
  const server = bytesOf(each, 'server');
  const conversation = new TlsConversation();
  conversation.push('send', bytesOf(each, 'client'));
  const first = 5 + server.readUInt16BE(3);
  conversation.push('receive', server.subarray(0, 20));
  conversation.skip('receive', first - 20);
  conversation.push('receive', server.subarray(first));
  conversation.end();
  const facts = conversation.facts();
  t.same(facts.incomplete, ['receive: ServerHello cut']);
  t.notOk(facts.cipher);
  t.match(facts.certificates, [{subject: 'localhost'}]);
});

t.test('a gap over a record’s end loses that direction, and says so', async (t) => {
  const each = recording('curl-12');
  const conversation = new TlsConversation();
  conversation.push('send', bytesOf(each, 'client'));
  conversation.push('receive', bytesOf(each, 'server').subarray(0, 40));
  conversation.skip('receive', 100_000);
  conversation.push('receive', Buffer.from('anything'));
  t.same(conversation.facts().incomplete, ['receive: ServerHello cut', 'receive: lost']);
  t.ok(conversation.isTls);
});

t.test('nothing more is read once all is encrypted', async (t) => {
  for (const name of ['curl', 'curl-12', 'openssl-retry', 'openssl-resumed-12']) {
    const conversation = new TlsConversation();
    for (const [side, bytes] of recording(name).chunks)
      conversation.push(side === 'client' ? 'send' : 'receive', Buffer.from(bytes, 'base64'));
    t.ok(conversation.isDone, name);
  }
});

t.test('joined in the middle: late, and no facts', async (t) => {
  for (const first of ['1703030100', '1403030001', '160303002800000000', '15030300131122']) {
    const conversation = new TlsConversation();
    conversation.push('send', Buffer.from(first, 'hex'));
    conversation.end();
    t.notOk(conversation.isTls);
    t.same(conversation.facts().incomplete, ['send: late'], first);
  }
});

t.test('what is said instead of TLS is recognised', async (t) => {
  const hello = bytesOf(recording('openssl-3.0'), 'client');
  const answers: [string, object][] = [
    ['HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n', {protocol: 'HTTP', line: 'HTTP/1.1 400 Bad Request'}],
    ['220 mail.example ESMTP\r\n', {protocol: 'an SMTP or FTP greeting'}],
    ['SSH-2.0-OpenSSH_9.2p1\r\n', {protocol: 'SSH', line: 'SSH-2.0-OpenSSH_9.2p1'}],
    ['* OK ready\r\n', {protocol: 'an IMAP greeting'}],
    ['+OK ready\r\n', {protocol: 'a POP3 greeting'}],
    ['HTTP/1.0 200 OK', {protocol: 'HTTP'}],
  ];
  for (const [text, expected] of answers)
    t.match(factsOfBytes(hello, Buffer.from(text)).plainAnswer, {direction: 'receive', ...expected}, text);
  t.same(factsOfBytes(hello, Buffer.from('\x90\x91garbage', 'latin1')).plainAnswer, {direction: 'receive'});
  t.same(factsOfBytes(hello, Buffer.from('SSH-2.0-\x1b[31m\r\n')).plainAnswer?.line, 'SSH-2.0-\\x1b[31m');
});

t.test('a hello of SSL 2.0 is told as such, and its like is not', async (t) => {
  const header = '802e0100020015000000100100800200800300800400800500800600400700c0';
  const hello = Buffer.concat([Buffer.from(header, 'hex'), Buffer.alloc(16)]);
  t.match(factsOfBytes(Buffer.alloc(0), hello), {role: 'server', sslv2: true});
  hello[6] = 0x16;
  t.notOk(factsOfBytes(Buffer.alloc(0), hello).sslv2);
});

t.test('lengths that lie inside a hello are called malformed', async (t) => {
  const client = bytesOf(recording('openssl-3.0'), 'client');
  // The session id's length, at 5 (record) + 4 (message) + 2 + 32.
  client[43] = 0xff;
  t.same(factsOfBytes(client, Buffer.alloc(0)).incomplete, ['send: ClientHello malformed']);
});

t.test('names that a peer sends can do nothing to a terminal', async (t) => {
  const client = bytesOf(recording('openssl-3.0'), 'client');
  client.write('lo\x1b[2Jst', client.indexOf('localhost'), 'latin1');
  t.match(factsOfBytes(client, Buffer.alloc(0)).serverName, /^lo\\x1b\[2Jst/);
});

t.test('GREASE counts nowhere', async (t) => {
  const facts = factsOfBytes(greased(bytesOf(recording('python'), 'client')), Buffer.alloc(0));
  t.same(facts.ja4, factsOf(recording('python')).ja4);
  t.same(facts.offered, factsOf(recording('python')).offered);
});

/** Adds a GREASE cipher and a GREASE extension, and mends the lengths. */
function greased(bytes: Buffer): Buffer {
  const body = bytes.subarray(9, 9 + bytes.readUIntBE(6, 3));
  const sessionEnd = 35 + (body[34] as number);
  const ciphersEnd = sessionEnd + 2 + body.readUInt16BE(sessionEnd);
  const extensionsAt = ciphersEnd + 2;
  const u16 = (number: number) => Buffer.from([number >> 8, number & 0xff]);
  const message = Buffer.concat([
    body.subarray(0, sessionEnd),
    u16(body.readUInt16BE(sessionEnd) + 2),
    Buffer.from('1a1a', 'hex'),
    body.subarray(sessionEnd + 2, extensionsAt),
    u16(body.readUInt16BE(extensionsAt) + 5),
    Buffer.from('3a3a000100', 'hex'),
    body.subarray(extensionsAt + 2),
  ]);
  return Buffer.concat([
    Buffer.from([22, 3, 1]),
    u16(message.length + 4),
    Buffer.from([1, 0]),
    u16(message.length),
    message,
  ]);
}

t.test('no bytes make it throw', async () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...recordings),
      fc.array(fc.tuple(fc.nat(3000), fc.nat(255)), {maxLength: 12}),
      fc.option(fc.nat(2000)),
      (each, changes, gap) => {
        const [client, server] = [bytesOf(each, 'client'), bytesOf(each, 'server')];
        for (const [at, value] of changes) (at % 2 ? client : server)[at >> 1] = value;
        const conversation = new TlsConversation();
        conversation.push('send', client);
        if (gap !== null) conversation.skip('receive', gap);
        conversation.push('receive', server);
        conversation.end();
        return typeof conversation.facts().clientHello === 'boolean';
      },
    ),
    {numRuns: 1500},
  );
  fc.assert(
    fc.property(
      fc.uint8Array({maxLength: 3000}),
      fc.constantFrom('', '160301', '1603010010010000', '80'),
      (bytes, start) => {
        const facts = factsOfBytes(Buffer.concat([Buffer.from(start, 'hex'), bytes]), Buffer.from(bytes));
        return facts.alerts.length <= bytes.length;
      },
    ),
    {numRuns: 500},
  );
});

t.test('a message that claims 16 MiB is not kept', async (t) => {
  const conversation = new TlsConversation();
  const fragment = Buffer.concat([Buffer.from('16030340000bfffffffffffc', 'hex'), Buffer.alloc(16_377)]);
  conversation.push('send', bytesOf(recording('curl-12'), 'client'));
  conversation.push(
    'receive',
    bytesOf(recording('curl-12'), 'server').subarray(0, 5 + bytesOf(recording('curl-12'), 'server').readUInt16BE(3)),
  );
  const before = process.memoryUsage().arrayBuffers;
  conversation.push('receive', fragment);
  const record = Buffer.concat([Buffer.from('1603034000', 'hex'), Buffer.alloc(16_384)]);
  for (let count = 0; count < 1000; count++) conversation.push('receive', record);
  t.ok(process.memoryUsage().arrayBuffers - before < 4 * 1024 * 1024);
  conversation.end();
  t.same(conversation.facts().incomplete, ['receive: Certificate cut']);
});

t.test('JA4 of FoxIO’s own example, and of protocols that are no text', async (t) => {
  const numbers = (text: string) => text.split(',').map((each) => Number.parseInt(each, 16));
  const hello = {
    legacyVersion: 0x0303,
    versions: numbers('fafa,0304,0303'),
    ciphers: numbers('0a0a,1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,c014,009c,009d,002f,0035'),
    extensions: numbers('aaaa,0000,0017,ff01,000a,000b,0023,0010,0005,000d,0012,0033,002d,002b,001b,4469,caca,0015'),
    signatureAlgorithms: numbers('0403,0804,0401,0503,0805,0501,0806,0601'),
    alpn: [Buffer.from('h2')],
  };
  t.equal(ja4(hello), 't13d1516h2_8daaf6152771_e5627efa2ab1');
  const code = (hex: string) => ja4({...hello, alpn: [Buffer.from(hex, 'hex')]}).slice(8, 10);
  t.same(['ab', 'abcd', '30ab', '3031abcd', '30abcd31', '', '78'].map(code), [
    'ab',
    'ad',
    '3b',
    '3d',
    '01',
    '00',
    'xx',
  ]);
  t.equal(ja4({}), 't00i000000_000000000000_000000000000');
});

t.test('a stream made to be slow to search is given up soon', async (t) => {
  const teasing = Buffer.from(`${'HTTP/1.1 200\n'.repeat(1200)}\x15\x03\x03\x00\x02\x02\x28`.repeat(3), 'latin1');
  const conversation = new TlsConversation();
  for (let at = 0; at < teasing.length; at += 50) conversation.push('receive', teasing.subarray(at, at + 50));
  t.notOk(conversation.isTls);
  conversation.push('send', Buffer.alloc(20_000, 'x'));
  t.ok(conversation.isDone);
});

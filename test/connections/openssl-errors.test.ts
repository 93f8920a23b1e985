import {execFileSync} from 'node:child_process';
import {existsSync, readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import {functions} from '../../src/connections/openssl/functions.js';
import {releaseOf} from '../../src/connections/openssl/releases.js';
import {verifyCodes} from '../../src/connections/openssl/verify-codes.js';
import {describeError, describeVerify, receivedAlert, unpackError} from '../../src/connections/openssl-errors.js';
import {inside, installations} from './installations.js';

for (const installation of installations) {
  const {release, root, absent} = installation;
  const include = join(root, 'usr/include/openssl');
  const skip = absent ?? (existsSync(join(include, 'err.h')) ? false : `no OpenSSL headers in ${include}`);

  t.test(`${release}: every reason of the headers has the text that openssl errstr prints`, {skip}, async (t) => {
    const numbers = defines(include, /^(\w+?)_R_\w+$/);
    t.ok(numbers.length > 1000, `${numbers.length} reasons`);
    const errors = numbers.map(([library, reason]) => describeError({library, reason}, release));
    const printed = errstr(errors.map(({code}) => code));
    t.same(
      errors.map(({code, library, text}) => `${code} ${library} ${text}`),
      printed.map(({code, library, text}) => `${code} ${library} ${text}`),
    );
  });

  t.test(`${release}: reasons common to all libraries, and errno`, {skip}, async (t) => {
    const codes =
      release === '1.1.1' ? ['14000044', '14000041', '02000068'] : ['0A0C0103', '0A0C0100', '0A08010C', '80000068'];
    const ours = codes.map((code) => describeError(unpackError(Number.parseInt(code, 16), release), release));
    t.same(
      ours.map(({text, code}) => [code, text]),
      errstr(codes).map(({text, code}) => [code, text]),
    );
  });

  t.test(`${release}: verify codes have the names of the header and the texts of the library`, {skip}, async (t) => {
    const header = readFileSync(join(include, 'x509_vfy.h'), 'utf8');
    const codes = [...header.matchAll(/^#\s*define\s+(X509_V_(?:OK|ERR_\w+))\s+(\d+)\b/gm)];
    t.ok(codes.length >= 80, `${codes.length} codes`);
    const libraries = join(root, 'usr/lib/x86_64-linux-gnu');
    const library = readdirSync(libraries).find((name) => /^libcrypto\.so\.\d/.test(name)) as string;
    const texts = readFileSync(join(libraries, library));
    for (const [, name, code] of codes) {
      const described = describeVerify(Number(code), 0, release);
      t.equal(described.name, name);
      t.ok(texts.includes(Buffer.from(`${described.text}\0`)), `${name}: ${described.text}`);
    }
  });

  t.test(`${release}: functions have numbers before 3.0 only`, {skip: skip || release !== '1.1.1'}, async (t) => {
    const numbers = defines(include, /^(\w+?)_F_\w+$/);
    t.ok(numbers.length > 1000, `${numbers.length} functions`);
    const errors = numbers.map(([library, functionNumber]) =>
      describeError({library, functionNumber, reason: 1}, release),
    );
    t.same(
      // A number of old has an empty name.
      errors.map((error) => error.function ?? ''),
      errstr(errors.map(({code}) => code)).map((error) => error.function),
    );
  });

  function errstr(codes: string[]) {
    const lines = execFileSync(...inside(installation, 'openssl', 'errstr', ...codes), {encoding: 'utf8'}).trimEnd();
    return lines.split('\n').map((line) => {
      const [, code, library, name, ...text] = line.split(':');
      return {code, library, function: name, text: text.join(':')};
    });
  }
}

/** [library, number] of each macro of the headers that matches. */
function defines(include: string, pattern: RegExp): [number, number][] {
  const headers = readdirSync(include).filter((name) => name.endsWith('err.h'));
  const text = headers.map((name) => readFileSync(join(include, name), 'utf8')).join('\n');
  const found = [...text.matchAll(/^#\s*define\s+(\w+)\s+(\d+)\b/gm)];
  const library = (name: string) => Number(found.find(([, each]) => each === `ERR_LIB_${name}`)?.[2]);
  return found.flatMap(([, name = '', number]): [number, number][] => {
    const prefix = pattern.exec(name)?.[1];
    return prefix !== undefined && library(prefix) > 0 ? [[library(prefix), Number(number)]] : [];
  });
}

t.test('the same number can mean something else in another release', async (t) => {
  t.equal(describeError({library: 20, reason: 294}, '1.1.1w').text, 'ocsp callback failure');
  t.equal(describeError({library: 20, reason: 294}, '3.0.22').text, 'unexpected eof while reading');
  t.equal(describeError({library: 20, reason: 1042}, '3.0.22').text, 'sslv3 alert bad certificate');
  t.equal(describeError({library: 20, reason: 1042}, '3.5.7').text, 'ssl/tls alert bad certificate');
  t.equal(describeVerify(79, 0, '1.1.1w').name, 'X509_V_ERR_EC_KEY_EXPLICIT_PARAMS');
  t.equal(describeVerify(79, 0, '3.0.22').name, 'X509_V_ERR_INVALID_CA');
});

t.test('a version falls to the newest tabled release that is not newer', async (t) => {
  const versions = ['1.0.2u', '1.1.1w', '3.0.0', '3.4.1', '3.5.7', '3.6.5', '3.9.0', '4.0.0', undefined];
  t.same(versions.map(releaseOf), ['1.1.1', '1.1.1', '3.0', '3.0', '3.5', '3.6', '3.6', '3.6', '3.6']);
});

t.test('an error keeps where it was raised', async (t) => {
  const file = '../ssl/record/rec_layer_s3.c';
  t.same(describeError({library: 20, reason: 1070, file, line: 1602, function: 'ssl3_read_bytes'}, '3.0.22'), {
    library: 'SSL routines',
    reason: 1070,
    code: '0A00042E',
    text: 'tlsv1 alert protocol version',
    file,
    line: 1602,
    function: 'ssl3_read_bytes',
  });
  t.match(describeError({library: 20, reason: 134, functionNumber: 367}, '1.1.1w'), {
    code: '1416F086',
    function: functions[20]?.[367],
  });
});

t.test('reasons from 1000 on are alerts received', async (t) => {
  t.equal(receivedAlert({library: 'SSL routines', reason: 1070}), 'protocol_version');
  t.equal(receivedAlert({library: 'SSL routines', reason: 1116}), 'certificate_required');
  t.equal(receivedAlert({library: 'SSL routines', reason: 1099}), 'alert_99');
  t.equal(receivedAlert({library: 'SSL routines', reason: 134}), undefined);
  t.equal(receivedAlert({library: 'x509 certificate routines', reason: 1070}), undefined);
});

t.test('any numbers are put in words, and codes come back as they went', async () => {
  const release = fc.constantFrom('1.1.1', '3.0', '3.5', '3.6');
  fc.assert(
    fc.property(fc.nat(0xffff_ffff), release, (code, version) => {
      // 3.x marks errno by the highest bit, and never packs library 2.
      fc.pre(version === '1.1.1' || code >>> 23 !== 2);
      const error = describeError(unpackError(code, version), version);
      return Number.parseInt(error.code, 16) === code && error.text !== '' && error.library !== '';
    }),
  );
  fc.assert(
    fc.property(fc.integer(), release, (code, version) => describeVerify(code, undefined, version).text !== ''),
  );
});

t.test('unknown numbers are told as OpenSSL tells them', async (t) => {
  t.match(describeError({library: 99, reason: 4711}), {library: 'lib(99)', text: 'reason(4711)'});
  t.same(describeVerify(4711), {code: 4711, text: 'unknown verify code 4711'});
  t.same(describeVerify(0), {code: 0, name: 'X509_V_OK', text: verifyCodes[0]?.[1]});
});

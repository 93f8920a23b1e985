import {functions} from './openssl/functions.js';
import {commonReasons, libraryTitles, olderReasons, reasons, systemReasons} from './openssl/reasons.js';
import {type OpenSslRelease, releaseOf} from './openssl/releases.js';
import {olderVerifyCodes, verifyCodes} from './openssl/verify-codes.js';
import {alertName} from './wire/names.js';

/** An error as it was put in OpenSSL's queue: the arguments of ERR_vset_error (3.x) or ERR_put_error (1.1.1). */
export interface RaisedError {
  readonly library: number;
  readonly reason: number;
  /** The number of the function: ERR_put_error only. */
  readonly functionNumber?: number;
  /** Of ERR_set_debug, or of ERR_put_error. */
  readonly file?: string;
  readonly line?: number;
  /** The name of the function: ERR_set_debug only. */
  readonly function?: string;
}

/** The same error in OpenSSL's own words, as `errors` of an event holds it. */
export interface OpenSslError {
  /** OpenSSL's title of the library, as in `SSL routines`. */
  readonly library: string;
  readonly reason: number;
  /** Eight hexadecimal digits, as `openssl errstr` takes them. */
  readonly code: string;
  readonly text: string;
  readonly file?: string;
  readonly line?: number;
  readonly function?: string;
}

/** The result of a certificate verification (X509_STORE_CTX_get_error). */
export interface VerifyResult {
  readonly code: number;
  /** X509_V_ERR_*: absent for a number that no release knows. */
  readonly name?: string;
  readonly text: string;
  /** Which certificate: 0 is the peer's own. */
  readonly depth?: number;
}

const sslLibrary = 20;
const systemLibrary = 2;
/** SSL_AD_REASON_OFFSET (ssl.h): reason 1000 + n of the SSL library is alert n, received. */
const alertOffset = 1000;

/** Puts an error in words. `version` is that of the library that raised it; without one, the newest release speaks. */
export function describeError(raised: RaisedError, version?: string): OpenSslError {
  const release = releaseOf(version);
  const name = raised.function || functions[raised.library]?.[raised.functionNumber ?? 0];
  return {
    library: libraryTitles[raised.library] ?? `lib(${raised.library})`,
    reason: raised.reason,
    code: pack(raised, release),
    text: reasonText(raised.library, raised.reason, release),
    ...(raised.file && {file: raised.file}),
    ...(raised.line && {line: raised.line}),
    ...(name && {function: name}),
  };
}

/** Takes apart an error code as ERR_get_error returns it: 8 bits library, 12 function, 12 reason in 1.1.1; 8 and 23 in 3.x (err.h). */
export function unpackError(code: number, version?: string): RaisedError {
  const bits = code >>> 0;
  if (releaseOf(version) === '1.1.1') {
    return {library: bits >>> 24, functionNumber: (bits >>> 12) & 0xfff, reason: bits & 0xfff};
  }
  if (bits >= 0x8000_0000) return {library: systemLibrary, reason: bits & 0x7fff_ffff};
  return {library: (bits >>> 23) & 0xff, reason: bits & 0x7f_ffff};
}

/** The name of the alert whose arrival this error reports. */
export function receivedAlert({library, reason}: Pick<OpenSslError, 'library' | 'reason'>): string | undefined {
  const number = reason - alertOffset;
  return library === libraryTitles[sslLibrary] && number >= 0 && number <= 255 ? alertName(number) : undefined;
}

/** Puts a verify code in words. `version` as in describeError. */
export function describeVerify(code: number, depth?: number, version?: string): VerifyResult {
  const release = releaseOf(version);
  const [name, text] = (release === '3.6' ? undefined : olderVerifyCodes[release][code]) ?? verifyCodes[code] ?? [];
  return {
    code,
    ...(name && {name}),
    text: text ?? `unknown verify code ${code}`,
    ...(depth !== undefined && {depth}),
  };
}

function reasonText(library: number, reason: number, release: OpenSslRelease): string {
  const own = (release === '3.6' ? undefined : olderReasons[release][library]?.[reason]) ?? reasons[library]?.[reason];
  const common = commonReasons[release === '1.1.1' ? '1.1.1' : '3'][reason];
  const system = library === systemLibrary ? systemReasons[reason] : undefined;
  // OpenSSL, too, prints the number of a reason that it has no text for.
  return system ?? own ?? common ?? `reason(${reason})`;
}

function pack({library, reason, functionNumber = 0}: RaisedError, release: OpenSslRelease): string {
  const code = packed(library, functionNumber, reason, release);
  return code.toString(16).toUpperCase().padStart(8, '0');
}

function packed(library: number, functionNumber: number, reason: number, release: OpenSslRelease): number {
  if (release === '1.1.1') return library * 2 ** 24 + functionNumber * 2 ** 12 + reason;
  return library === systemLibrary ? 2 ** 31 + reason : library * 2 ** 23 + reason;
}

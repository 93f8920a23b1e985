import {cipherSuites, groups, signatureSchemes} from './registry.js';

/** Versions as OpenSSL, curl and nginx print them. */
const versions: Readonly<Record<number, string>> = {
  2: 'SSLv2',
  768: 'SSLv3',
  769: 'TLSv1',
  770: 'TLSv1.1',
  771: 'TLSv1.2',
  772: 'TLSv1.3',
};

/** Alerts by the names of RFC 8446, 6 and of the RFCs before it. */
const alerts: Readonly<Record<number, string>> = {
  0: 'close_notify',
  10: 'unexpected_message',
  20: 'bad_record_mac',
  21: 'decryption_failed',
  22: 'record_overflow',
  30: 'decompression_failure',
  40: 'handshake_failure',
  41: 'no_certificate',
  42: 'bad_certificate',
  43: 'unsupported_certificate',
  44: 'certificate_revoked',
  45: 'certificate_expired',
  46: 'certificate_unknown',
  47: 'illegal_parameter',
  48: 'unknown_ca',
  49: 'access_denied',
  50: 'decode_error',
  51: 'decrypt_error',
  52: 'too_many_cids_requested',
  60: 'export_restriction',
  70: 'protocol_version',
  71: 'insufficient_security',
  80: 'internal_error',
  86: 'inappropriate_fallback',
  90: 'user_canceled',
  100: 'no_renegotiation',
  109: 'missing_extension',
  110: 'unsupported_extension',
  111: 'certificate_unobtainable',
  112: 'unrecognized_name',
  113: 'bad_certificate_status_response',
  114: 'bad_certificate_hash_value',
  115: 'unknown_psk_identity',
  116: 'certificate_required',
  120: 'no_application_protocol',
  121: 'ech_required',
};

export const versionName = (number: number) => versions[number] ?? hexadecimal(number);
export const cipherName = (number: number) => cipherSuites[number] ?? hexadecimal(number);
export const groupName = (number: number) => groups[number] ?? hexadecimal(number);
export const signatureName = (number: number) => signatureSchemes[number] ?? hexadecimal(number);

/** The name of an alert, or its number. */
export const alertName = (number: number) => alerts[number] ?? `alert_${number}`;

/** Values that mean nothing and keep peers tolerant (RFC 8701): 0x0a0a, 0x1a1a, … 0xfafa. */
export function isGrease(number: number): boolean {
  return (number & 0x0f0f) === 0x0a0a && number >> 8 === (number & 0xff);
}

/** Text that a peer sent: what is not printable ASCII stands as \xNN, so that it can do nothing to a terminal. */
export function printable(bytes: Buffer): string {
  return bytes.toString('latin1').replace(/[^\x20-\x5b\x5d-\x7e]/g, (sign) => `\\x${hex(sign.charCodeAt(0), 2)}`);
}

function hexadecimal(number: number): string {
  return `0x${hex(number, 4)}`;
}

function hex(number: number, digits: number): string {
  return number.toString(16).padStart(digits, '0');
}

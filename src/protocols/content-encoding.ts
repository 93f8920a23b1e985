import * as zlib from 'node:zlib';

/** Output that one attempt may make: above it the input is halved, so a bomb costs a few attempts of this size. */
const maxAttemptBytes = 1024 * 1024;

/**
 * Undoes content codings, last applied first. The input may be cut short: what can be had is returned.
 * Undefined where a coding is unknown to this Node.js (zstd before 22.15) or the bytes are not what the coding says.
 */
export function decodeContent(bytes: Buffer, codings: readonly string[]): {bytes: Buffer; isCut: boolean} | undefined {
  if (codings.length > 4) return undefined;
  let decoded = bytes;
  let isCut = false;
  for (const coding of codings.toReversed()) {
    const once = decoders.get(coding);
    const result = once && withinLimit(once, decoded);
    if (!result) return undefined;
    decoded = result.bytes;
    isCut ||= result.isCut;
  }
  return {bytes: decoded, isCut};
}

/** The codings in a Content-Encoding value, without `identity`. */
export function contentCodings(value: string | undefined): string[] {
  if (!value) return [];
  return value
    .toLowerCase()
    .split(',')
    .map((coding) => coding.trim())
    .filter((coding) => coding !== '' && coding !== 'identity');
}

type Decode = (bytes: Buffer) => Buffer;

const zlibOptions = {finishFlush: zlib.constants.Z_SYNC_FLUSH, maxOutputLength: maxAttemptBytes};
const gunzip: Decode = (bytes) => zlib.gunzipSync(bytes, zlibOptions);
const inflate: Decode = (bytes) => {
  // RFC 9110, 8.4.1.2: some senders leave out the zlib wrapper.
  const isWrapped = bytes.length >= 2 && ((bytes[0] as number) & 0x0f) === 8 && bytes.readUInt16BE(0) % 31 === 0;
  return isWrapped ? zlib.inflateSync(bytes, zlibOptions) : zlib.inflateRawSync(bytes, zlibOptions);
};
const brotli: Decode = (bytes) =>
  zlib.brotliDecompressSync(bytes, {
    finishFlush: zlib.constants.BROTLI_OPERATION_FLUSH,
    maxOutputLength: maxAttemptBytes,
  });

const decoders = new Map<string, Decode>([
  ['gzip', gunzip],
  ['x-gzip', gunzip],
  ['deflate', inflate],
  ['br', brotli],
]);
if ('zstdDecompressSync' in zlib) {
  const zstd = zlib.zstdDecompressSync as (bytes: Buffer, options: object) => Buffer;
  decoders.set('zstd', (bytes) => zstd(bytes, {maxOutputLength: maxAttemptBytes, finishFlush: 1 /* ZSTD_e_flush */}));
}

function withinLimit(decode: Decode, bytes: Buffer): {bytes: Buffer; isCut: boolean} | undefined {
  for (let length = bytes.length; ; length = length >> 1) {
    try {
      return {bytes: decode(bytes.subarray(0, length)), isCut: length < bytes.length};
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_BUFFER_TOO_LARGE' || length === 0) return undefined;
    }
  }
}

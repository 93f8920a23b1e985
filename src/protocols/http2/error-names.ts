/** Names of the error codes of RST_STREAM and GOAWAY (RFC 9113, 7). */
const names = [
  'NO_ERROR',
  'PROTOCOL_ERROR',
  'INTERNAL_ERROR',
  'FLOW_CONTROL_ERROR',
  'SETTINGS_TIMEOUT',
  'STREAM_CLOSED',
  'FRAME_SIZE_ERROR',
  'REFUSED_STREAM',
  'CANCEL',
  'COMPRESSION_ERROR',
  'CONNECT_ERROR',
  'ENHANCE_YOUR_CALM',
  'INADEQUATE_SECURITY',
  'HTTP_1_1_REQUIRED',
];

/** The name of the code at `at`, its number where it has none, `unknown` where its bytes are missing. */
export function errorName(payload: Buffer, at: number): string {
  if (payload.length < at + 4) return 'unknown';
  const code = payload.readUInt32BE(at);
  return names[code] ?? String(code);
}

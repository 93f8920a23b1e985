/** Frame types (RFC 9113, 6). */
export const frameType = {
  data: 0,
  headers: 1,
  priority: 2,
  resetStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const flag = {endStream: 0x1, acknowledge: 0x1, endHeaders: 0x4, padded: 0x8, priority: 0x20} as const;

export const frameHeaderBytes = 9;

/** What a client says first (RFC 9113, 3.4). */
export const connectionPreface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

export interface FrameHeader {
  readonly length: number;
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
}

/** The header at `at`: length in 24 bits, type, flags, stream in 31 bits, all big-endian (RFC 9113, 4.1). */
export function readFrameHeader(bytes: Buffer, at: number): FrameHeader {
  return {
    length: bytes.readUIntBE(at, 3),
    type: bytes[at + 3] as number,
    flags: bytes[at + 4] as number,
    streamId: bytes.readUInt32BE(at + 5) & 0x7fffffff,
  };
}

/** Whether a frame with this header breaks no rule about lengths and streams. Unknown types are allowed (RFC 9113, 5.5). */
export function isAllowed({length, type, flags, streamId}: FrameHeader): boolean {
  switch (type) {
    case frameType.data:
      return streamId > 0;
    case frameType.headers:
      return streamId > 0 && length >= (flags & flag.padded ? 1 : 0) + (flags & flag.priority ? 5 : 0);
    case frameType.priority:
      return streamId > 0 && length === 5;
    case frameType.resetStream:
      return streamId > 0 && length === 4;
    case frameType.settings:
      return streamId === 0 && length % 6 === 0 && (!(flags & flag.acknowledge) || length === 0);
    case frameType.pushPromise:
      return streamId > 0 && length >= 4;
    case frameType.ping:
      return streamId === 0 && length === 8;
    case frameType.goAway:
      return streamId === 0 && length >= 8;
    case frameType.windowUpdate:
      return length === 4;
    case frameType.continuation:
      return streamId > 0;
    default:
      return true;
  }
}

/** Whether the stream begins with a SETTINGS frame that is no acknowledgement: how each side must begin. */
export function isFirstSettings(bytes: Buffer): 'more' | 'no' | 'yes' {
  const settings = [0, 0, undefined, frameType.settings, 0, 0, 0, 0, 0];
  const known = Math.min(bytes.length, frameHeaderBytes);
  for (let at = 0; at < known; at++) {
    if (settings[at] !== undefined && bytes[at] !== settings[at]) return 'no';
  }
  const length = bytes[2] ?? 0;
  if (length % 6 !== 0) return 'no';
  return bytes.length < frameHeaderBytes + length ? 'more' : 'yes';
}

/**
 * Whether these bytes of one call are certain to be frames: one after another up to exactly the end of the call, or
 * three whole ones. For joining in mid-connection and after a gap, where nothing else says where a frame begins.
 */
export function chainOfFrames(bytes: Buffer, rest: number): boolean {
  const callLength = bytes.length + rest;
  let at = 0;
  let whole = 0;
  while (at + frameHeaderBytes <= bytes.length) {
    const header = readFrameHeader(bytes, at);
    if (!isUsual(header, bytes, at)) return false;
    at += frameHeaderBytes + header.length;
    if (at <= bytes.length) whole++;
  }
  return at > 0 && (at === callLength || (whole >= 3 && at <= bytes.length + maxUsualLength));
}

/** The default SETTINGS_MAX_FRAME_SIZE (RFC 9113, 6.5.2), which most never raise. */
const maxUsualLength = 16_384;

const usualFlags = [0x9, 0x2d, 0, 0, 0x1, 0xc, 0x1, 0, 0, 0x4];

function isUsual(header: FrameHeader, bytes: Buffer, at: number): boolean {
  const allowedFlags = usualFlags[header.type];
  return (
    allowedFlags !== undefined &&
    (header.flags & ~allowedFlags) === 0 &&
    header.length <= maxUsualLength &&
    ((bytes[at + 5] as number) & 0x80) === 0 &&
    isAllowed(header)
  );
}

/** TLS record types (RFC 8446, 5.1; 24 is heartbeat, RFC 6520). */
export const recordType = {changeCipherSpec: 20, alert: 21, handshake: 22, applicationData: 23, heartbeat: 24} as const;

export const recordHeaderBytes = 5;

/** The longest body that any version allows: TLS 1.2 lets encryption add 2048 bytes to 2^14. */
const maxBodyBytes = 16_384 + 2048;

export interface RecordHeader {
  readonly type: number;
  readonly length: number;
}

/** Reads type (1 byte), version (2) and length (2, big-endian); undefined where they can't be those of a TLS record. */
export function readRecordHeader(bytes: Buffer): RecordHeader | undefined {
  const type = bytes.readUInt8(0);
  const length = bytes.readUInt16BE(3);
  return hasRecordStart(bytes) && length <= maxBodyBytes ? {type, length} : undefined;
}

/** Whether bytes, of which there may be only one or two yet, begin as a record does. */
export function hasRecordStart(bytes: Buffer): boolean {
  const [type = recordType.handshake, major = 3, minor = 0] = bytes;
  return type >= recordType.changeCipherSpec && type <= recordType.heartbeat && major === 3 && minor <= 4;
}

/** Builds the frames that a real peer would not send at will: gaps in them, resets, cut blocks. */

export const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

export function frame(type: number, flags: number, streamId: number, payload: Buffer | string = ''): Buffer {
  const bytes = Buffer.from(payload as string, 'latin1');
  const head = Buffer.alloc(9);
  head.writeUIntBE(bytes.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, bytes]);
}

export const settings = frame(4, 0, 0);

/** A header block of literals: `add` puts each into the dynamic table. */
export function literals(headers: Record<string, string>, add = false): Buffer {
  return Buffer.concat(
    Object.entries(headers).map(([name, value]) =>
      Buffer.concat([
        Buffer.from([add ? 0x40 : 0, name.length]),
        Buffer.from(name),
        Buffer.from([value.length]),
        Buffer.from(value),
      ]),
    ),
  );
}

export function headers(streamId: number, fields: Record<string, string>, flags = 0x4): Buffer {
  return frame(1, flags, streamId, literals(fields));
}

export function request(streamId: number, path: string, flags = 0x5): Buffer {
  return headers(streamId, {':method': 'GET', ':scheme': 'https', ':path': path, ':authority': 'a.test'}, flags);
}

export function data(streamId: number, payload: Buffer | string, flags = 0): Buffer {
  return frame(0, flags, streamId, payload);
}

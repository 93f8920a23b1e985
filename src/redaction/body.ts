import {isUtf8} from 'node:buffer';
import type {Mask} from './mask.js';
import {maskForm, maskText} from './text.js';

/** A body, or another text that is a message of its own, with its secrets masked. */
export function maskBody(text: string, contentType: string | undefined, mask: Mask): string {
  return contentType && /^application\/x-www-form-urlencoded\b/i.test(contentType)
    ? maskForm(text, mask)
    : maskText(text, mask);
}

/** Whether the bytes of a body can be read for secrets: they are text, as they are. */
export function isReadable(
  bytes: Buffer,
  contentType: string | undefined,
  contentEncoding: string | undefined,
): boolean {
  const isPlain = contentEncoding === undefined || /^\s*(?:identity)?\s*$/i.test(contentEncoding);
  return isPlain && isUtf8(bytes) && isText(bytes.toString('latin1'), contentType);
}

/**
 * Whether this is text in more than its encoding: UTF-16, and formats whose fields have numbers for names, may be UTF-8 by chance.
 */
export function isText(text: string, contentType?: string): boolean {
  if (contentType !== undefined && binaryTypes.test(contentType)) return false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 0x09 || (code > 0x0d && code < 0x20)) return false;
  }
  return true;
}

const binaryTypes = /^\s*application\/(?:grpc\b|cbor\b|\S*(?:protobuf|proto\b|msgpack|messagepack|thrift|avro))/i;

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
export function isReadable(bytes: Buffer, contentEncoding: string | undefined): boolean {
  const isPlain = contentEncoding === undefined || /^\s*(?:identity)?\s*$/i.test(contentEncoding);
  return isPlain && isUtf8(bytes) && !hasControls(bytes);
}

/** Text has no zero bytes and no escapes: UTF-16, and formats that only look like text, do. */
function hasControls(bytes: Buffer): boolean {
  for (const byte of bytes) if (byte < 0x09 || (byte > 0x0d && byte < 0x20)) return true;
  return false;
}

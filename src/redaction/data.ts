import type {DataEvent, SocketEvent} from '../events.js';
import {isReadable, maskBody} from './body.js';
import {maskHead} from './head.js';
import {asterisks, type Mask} from './mask.js';
import {maskText} from './text.js';

/** What some bytes of a call were read as; see Span in protocols, which gives them. */
export interface ReadSpan {
  readonly kind: 'body' | 'ciphertext' | 'framing' | 'head' | 'unknown';
  readonly offset: number;
  readonly bytes: Buffer;
  readonly before?: Buffer;
  readonly contentType?: string;
  readonly contentEncoding?: string;
}

/** A call that moved bytes. */
type Call = DataEvent | SocketEvent;

const asterisk = 0x2a;

/** A call whose payload holds only what was read and is no secret; all else of it is asterisks, so that lengths stay true. */
export interface RedactedData<Event extends Call> {
  readonly event: Event;
  /** Bytes shown that no protocol explains: they may hold secrets. */
  readonly uninspected: number;
}

/** Redacts a call, given what its bytes were read as. What no span covers is withheld. @param offset of the call, as spans have it. */
export function redactData<Event extends Call>(
  event: Event,
  offset: number,
  spans: readonly ReadSpan[],
  mask: Mask,
): RedactedData<Event> {
  const {captured = 0} = event;
  // Where bytes are missing inside a call, what follows them may belong to another line.
  const inside = event.gaps
    ? []
    : spans.filter((span) => span.offset >= offset && span.offset + span.bytes.length <= offset + captured);
  if (inside.length === 0) return {event: withheld(event), uninspected: 0};
  const payload = Buffer.alloc(captured, asterisk);
  let shown = 0;
  let uninspected = 0;
  for (const span of inside) {
    const bytes = redactSpan(span, mask);
    if (!bytes) continue;
    bytes.copy(payload, span.offset - offset);
    shown += bytes.length;
    if (span.kind === 'unknown') uninspected += bytes.length;
  }
  return {event: {...event, payload: payload.toString('base64'), ...kept(captured - shown)}, uninspected};
}

/** The same call without any of its payload. */
export function withheld<Event extends Call>(event: Event): Event {
  const {captured = 0} = event;
  return {...event, payload: asterisksInBase64(captured), ...kept(captured)};
}

/** So many asterisks in base64: three of them are `Kioq`. */
function asterisksInBase64(length: number): string {
  return 'Kioq'.repeat(Math.floor(length / 3)) + (['', 'Kg==', 'Kio='][length % 3] as string);
}

function kept(bytes: number): {withheld?: number} {
  return bytes > 0 ? {withheld: bytes} : {};
}

function redactSpan({kind, bytes, before, contentType, contentEncoding}: ReadSpan, mask: Mask): Buffer | undefined {
  if (kind === 'framing') return bytes;
  if (kind === 'body' && !isReadable(bytes, contentType, contentEncoding)) return undefined;
  const start = before?.length ?? 0;
  const text = (before?.toString('latin1') ?? '') + bytes.toString('latin1');
  const masked = maskSpan(kind, text, contentType, {...mask, replace: (secret) => hide(secret, mask)});
  if (masked === text) return bytes;
  // A mask that changed the length would move what stands behind it.
  return masked.length === text.length ? Buffer.from(masked.slice(start), 'latin1') : undefined;
}

function maskSpan(kind: ReadSpan['kind'], text: string, contentType: string | undefined, mask: Mask): string {
  if (kind === 'head') return maskHead(text, mask);
  return kind === 'body' ? maskBody(text, contentType, mask) : maskText(text, mask);
}

function hide(secret: string, mask: Mask): string {
  mask.replace(secret); // counts it
  return asterisks(secret);
}

import type {Head} from './head.js';

/** How a body ends. `unclear`: parsers would disagree, so nothing after the head is certain. */
export type Framing =
  | {readonly kind: 'chunked' | 'none' | 'unclear' | 'until close'}
  | {readonly kind: 'length'; readonly length: number};

/** How the body of a request ends (RFC 9112, 6.3). */
export function requestFraming(head: Head): Framing {
  const coding = transferCoding(head);
  if (coding === 'chunked' || coding === 'unclear') return {kind: coding};
  return coding === 'other' ? unclear(head, 'unclear transfer coding') : lengthFraming(head, {kind: 'none'});
}

/** How the body of a response ends: the method of its request may say that there is none. */
export function responseFraming(head: Head, status: number, method: string | undefined): Framing {
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return {kind: 'none'};
  const coding = transferCoding(head);
  if (coding === 'chunked' || coding === 'unclear') return {kind: coding};
  return coding === 'other' ? {kind: 'until close'} : lengthFraming(head, {kind: 'until close'});
}

function transferCoding(head: Head): 'chunked' | 'none' | 'other' | 'unclear' {
  const values = fieldValues(head, 'transfer-encoding');
  if (isDisputed(head, 'transfer-encoding') || isDisputed(head, 'content-length')) {
    return unclear(head, 'disputed body length').kind;
  }
  if (values.length === 0) return 'none';
  const isChunked = values.join(',').split(',').at(-1)?.trim().toLowerCase() === 'chunked';
  // RFC 9112, 6.1: chunked in HTTP/1.0 is faulty framing, for its receivers may not know it.
  if (head.start.version === '1.0') return unclear(head, 'transfer coding in HTTP/1.0').kind;
  if (values.length > 1) head.oddities.add('repeated transfer coding');
  if (isChunked && fieldValues(head, 'content-length').length > 0) head.oddities.add('length and chunked');
  return isChunked ? 'chunked' : 'other';
}

function lengthFraming(head: Head, without: Framing): Framing {
  const fields = fieldValues(head, 'content-length');
  const values =
    fields.length === 0
      ? fields
      : fields
          .join(',')
          .split(',')
          .map((value) => value.trim());
  const [first] = values;
  if (first === undefined) return without;
  if (values.some((value) => value !== first)) return unclear(head, 'differing lengths');
  if (!/^\d{1,15}$/.test(first)) return unclear(head, 'invalid length');
  if (values.length > 1) head.oddities.add('repeated length');
  return {kind: 'length', length: Number(first)};
}

function fieldValues({headers}: Head, wanted: string): string[] {
  const values: string[] = [];
  for (const {name, value} of headers) {
    if (name?.length === wanted.length && name.toLowerCase() === wanted) values.push(value ?? '');
  }
  return values;
}

function isDisputed({disputed}: Head, name: string): boolean {
  return disputed.size > 0 && disputed.has(name);
}

function unclear(head: Head, oddity: string): {readonly kind: 'unclear'} {
  head.oddities.add(oddity);
  return {kind: 'unclear'};
}

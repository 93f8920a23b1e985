import type {Mask} from './mask.js';

/**
 * Masks the secrets that can be told in any text, whole or cut: values behind a name that says so (JSON, YAML, forms, query
 * strings, multipart, XML, header lines), credentials in URLs, and strings of a shape that only secrets have. In time that grows
 * with the length of the text: each expression moves on, or looks ahead a bounded way.
 */
export function maskText(text: string, mask: Mask): string {
  if (text === '' || mask.harmless.has(text)) return text;
  const masked = search(text, mask);
  if (masked === text && text.length <= longestRemembered) {
    if (mask.harmless.size >= rememberedTexts) mask.harmless.clear();
    mask.harmless.add(text);
  }
  return masked;
}

const longestRemembered = 256;
const rememberedTexts = 10_000;

function search(text: string, mask: Mask): string {
  let masked = pairSign.test(text) ? maskPairs(text, mask) : text;
  if (masked.includes('<')) masked = maskElements(masked, mask);
  if (masked.includes('name=')) masked = maskParts(masked, mask);
  if (schemeHint.test(masked)) masked = maskUserinfo(masked, mask);
  if (queryOnly.test(masked))
    masked = masked.replaceAll(queryOnlyPairs, (_, name: string, value: string) => name + mask.replace(value));
  if (shapeHint.test(masked))
    for (const shape of shapes)
      masked = masked.replaceAll(shape, (_, before: string, secret: string) => before + mask.replace(secret));
  return masked;
}

/** A form (`application/x-www-form-urlencoded`): only `&` ends a value, whatever was left unescaped. */
export function maskForm(text: string, mask: Mask): string {
  return text
    .split('&')
    .map((pair) => {
      const equals = pair.indexOf('=');
      const name = equals < 0 ? '' : pair.slice(0, equals);
      if (!isNamed(name, mask)) return maskText(pair, mask);
      return `${name}=${mask.replace(pair.slice(equals + 1))}`;
    })
    .join('&');
}

/** Names that are harmless words elsewhere, and secrets in a query string (the code of OAuth, the key of an API). */
const queryOnly = /(?:code|key|code_verifier)(?:=|%(?:25){0,3}3D)/i;
const queryOnlyPairs =
  /((?:[?&]|%(?:25){0,3}(?:3F|26))(?:code|key|code_verifier)(?:=|%(?:25){0,3}3D))((?:(?!%(?:25){0,3}26)[^&\s"'<>])+)/gi;

const shapeHint = /eyJ|-----BEGIN|bearer|basic|gh[pousr]_|github_pat_|glpat-|xox[abeprs]-|sk[-_]|AIza|AKIA/i;

/** What comes before, and the secret. */
const shapes: readonly RegExp[] = [
  /(-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----)([\s\S]*?)(?=-----END|$)/g,
  /(\b(?:Bearer|Basic)(?: |%20|\+){1,8})([\w.~+/=-]{6,})/gi,
  /()(\beyJ[\w-]{8,8192}\.[\w-]{2,65536}(?:\.[\w-]{0,8192})?)/g,
  /()(\b(?:gh[pousr]_|github_pat_|glpat-|xox[abeprs]-|sk[-_](?:live_|test_|proj-|ant-)?)[\w-]{16,})/g,
  /()(\b(?:AIza[\w-]{30,}|AKIA[0-9A-Z]{16}))/g,
];

/**
 * A name, and what stands between it and its value. The name begins where a word begins, or behind an escaped sign that can be in
 * no name (as in a URL that is the value of a parameter), so no place is read twice.
 */
const pairStart = new RegExp(
  [
    String.raw`(?:(?<![\w.\-[\]%$\\])|(?<=${escapedSign()}))`,
    String.raw`((?:[\w.\-[\]$\\]|(?!${escapedSign()})%){1,256}?)`,
    String.raw`(\\*["']?\s*(?:=>|=|:|%(?:25){0,3}3[DA])\s*(?:\\*["'])?)`,
  ].join(''),
  'gi',
);

/** Without one of these there is no pair. */
const pairSign = /[=:%]/;

/** Blank, quote, # & ' , / : ; < = > ? @ in a URL, escaped up to four times. */
function escapedSign(): string {
  return '%(?:25){0,3}(?:2[02367CF]|3[A-F]|40)';
}

function maskPairs(text: string, mask: Mask): string {
  let masked = '';
  let done = 0;
  pairStart.lastIndex = 0;
  for (let found = pairStart.exec(text); found; found = pairStart.exec(text)) {
    const [whole, name = '', between = ''] = found;
    if (!isNamed(name, mask)) {
      // The value may itself be a name: `a=password=x`.
      pairStart.lastIndex = found.index + whole.length;
      continue;
    }
    const start = found.index + whole.length;
    const end = valueEnd(text, start, between);
    masked += text.slice(done, start) + mask.replace(text.slice(start, end));
    done = end;
    pairStart.lastIndex = Math.max(end, start);
  }
  return done === 0 ? text : masked + text.slice(done);
}

function isNamed(name: string, mask: Mask): boolean {
  return name !== '' && mask.isSecret(name);
}

/** Where the value ends that begins at `start`, behind `between`. */
function valueEnd(text: string, start: number, between: string): number {
  const quote = /(\\*)(["'])$/.exec(between);
  const isOpened = quote && /[=:>DA]\s*\\*["']$/.test(between);
  if (isOpened) return quoteEnd(text, start, quote[2] as string, (quote[1] as string).length);
  const isEncoded = /%(?:25){0,3}3[DA]/i.test(between);
  const first = text[start];
  if (first === '{' || first === '[') return nestedEnd(text, start);
  if (between.includes('=') && !between.includes('>')) return endAt(text, start, /[&\s"'<>]/g);
  if (isEncoded) return endAt(text, start, /[&\s"'<>]|%(?:25){0,3}26/gi);
  // `"name": 123` of JSON ends at what follows in JSON; a line (`name: value`) at its end.
  if (/^\\*["']/.test(between)) return endAt(text, start, /[,}\]\s]/g);
  return endAt(text, start, /[\r\n"]|\\r|\\n/g);
}

/** Where a quoted string ends: at the quote that has no more backslashes than the opening one. */
function quoteEnd(text: string, start: number, quote: string, depth: number): number {
  for (let at = text.indexOf(quote, start); at >= 0; at = text.indexOf(quote, at + 1)) {
    let backslashes = 0;
    while (at - backslashes > start && text[at - 1 - backslashes] === '\\') backslashes++;
    if (depth === 0 ? backslashes % 2 === 0 : backslashes <= depth) return at - (depth === 0 ? 0 : backslashes);
  }
  return text.length;
}

/** Where an object or a list ends, strings passed over; the end of the text when it is cut. */
function nestedEnd(text: string, start: number): number {
  let depth = 0;
  const token = /["{}[\]]/g;
  token.lastIndex = start;
  for (let found = token.exec(text); found; found = token.exec(text)) {
    const [sign] = found;
    if (sign === '"') token.lastIndex = quoteEnd(text, found.index + 1, '"', 0) + 1;
    else if (sign === '{' || sign === '[') depth++;
    else if (--depth === 0) return found.index + 1;
  }
  return text.length;
}

function endAt(text: string, start: number, end: RegExp): number {
  end.lastIndex = start;
  return end.exec(text)?.index ?? text.length;
}

/** `<password>...</password>`, with a prefix, attributes or CDATA. */
function maskElements(text: string, mask: Mask): string {
  return text.replaceAll(
    /(<([\w:.-]{1,128})(?:\s[^<>]*)?>\s*(?:<!\[CDATA\[)?)([^<]+)/g,
    (whole, before: string, name: string, value: string) =>
      isNamed(name.slice(name.indexOf(':') + 1), mask) ? before + mask.replace(value) : whole,
  );
}

/** A part of multipart/form-data: its content stands behind an empty line, and ends at the next boundary. */
function maskParts(text: string, mask: Mask): string {
  return text.replaceAll(
    /(\bname="?([^"\r\n;]{1,256})"?[^\r\n]{0,1024}\r?\n(?:[^\r\n]{1,1024}\r?\n){0,8}\r?\n)([\s\S]*?)(?=\r?\n--|$)/g,
    (whole, before: string, name: string, value: string) =>
      isNamed(name, mask) ? before + mask.replace(value) : whole,
  );
}

const schemeHint = /[a-z](?::|%(?:25){0,3}3A)(?:\\?\/|%(?:25){0,3}2F){2}/i;
const userinfo = new RegExp(
  [
    String.raw`(\b[a-z][a-z0-9+.-]{0,30}(?::|%(?:25){0,3}3A)(?:\\?\/|%(?:25){0,3}2F){2})`,
    String.raw`((?:(?!%(?:25){0,3}(?:2F|3F|23))[^\s/?#"'<>\\]){1,1024})`,
    '(@|%(?:25){0,3}40|$)',
  ].join(''),
  'gi',
);
/** `host`, or `host:port`: what may stand at the end of a text, where a user and a password may have been cut off. */
const hostAlone = /^(?:\[[\da-f:.]*\]|(?:(?!%(?:25){0,3}3A)[^:])*)(?:(?::|%(?:25){0,3}3A)\d{0,5})?$/i;

/** `https://user:password@host`, escaped too: all of it, since a token may stand alone. */
function maskUserinfo(text: string, mask: Mask): string {
  return text.replaceAll(userinfo, (whole, before: string, secret: string, at: string) =>
    at === '' && hostAlone.test(secret) ? whole : before + mask.replace(secret) + at,
  );
}

/** The end of a text that was cut off: what looks like a host there may be a user or his password, and of a token the rest is missing. */
export function maskCutEnd(text: string, mask: Mask): string {
  return cutEnds.reduce(
    (masked, end) => masked.replace(end, (_, before: string, secret: string) => before + mask.replace(secret)),
    text,
  );
}

const cutEnds: readonly RegExp[] = [
  /(\b[a-z][a-z0-9+.-]{0,30}(?::|%3A)(?:\\?\/|%2F){2})([^\s/?#"'<>\\]{1,1024})$/i,
  /()(\b(?:eyJ|gh[pousr]_|github_pat_|glpat-|xox[abeprs]-|sk[-_]|AIza|AKIA)[\w.-]{0,1024})$/,
];

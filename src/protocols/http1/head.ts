import {isAscii, isUtf8} from 'node:buffer';
import type {Header} from '../message.js';

export type StartLine =
  | {readonly kind: 'request'; readonly method: string; readonly target: string; readonly version: string}
  | {readonly kind: 'response'; readonly version: string; readonly status: number; readonly reason: string};

export interface Head {
  readonly start: StartLine;
  readonly headers: Header[];
  /** Shapes that parsers disagree about. */
  readonly oddities: Set<string>;
  /** Fields, in small letters, that some parsers would not see, or see otherwise. */
  readonly disputed: Set<string>;
}

/** Reads a head, its last line ended by a line end. Undefined where its first line is not what `kind` begins with. */
export function parseHead(block: Buffer, kind: StartLine['kind'], maxHeaders: number): Head | undefined {
  const lines = (isUtf8(block) && !isAscii(block) ? block.toString('utf8') : block.toString('latin1')).split('\n');
  lines.pop();
  const oddities = new Set<string>();
  const start = parseStartLine(endless(lines[0] ?? '', oddities), kind, oddities);
  if (!start) return undefined;
  const head = {start, headers: [], oddities, disputed: new Set<string>()};
  parseFields(lines.slice(1), head, maxHeaders);
  return head;
}

/** Reads trailers, which are fields without a first line. */
export function parseTrailers(block: Buffer, maxHeaders: number): Header[] {
  const lines = block.toString('latin1').split('\n');
  lines.pop();
  const fields = {headers: [] as Header[], oddities: new Set<string>(), disputed: new Set<string>()};
  parseFields(lines, fields, maxHeaders);
  return fields.headers;
}

/** Where the head ends, after its empty line; -1 when it goes on. Lines may end in a bare LF (RFC 9112, 2.2). */
export function headEnd(bytes: Buffer, from: number): number {
  for (let feed = bytes.indexOf(0x0a, from); feed >= 0; feed = bytes.indexOf(0x0a, feed + 1)) {
    if (bytes[feed + 1] === 0x0a) return feed + 2;
    if (bytes[feed + 1] === 0x0d && bytes[feed + 2] === 0x0a) return feed + 3;
  }
  return -1;
}

/** Whether a line (with its line end) can be the first of a request or a response. */
export function isStartLine(line: Buffer, kind: StartLine['kind']): boolean {
  const text = line.toString('latin1').replace(/\r?\n$/, '');
  return parseStartLine(text, kind, new Set()) !== undefined;
}

const requestLine = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) (.+) HTTP\/(1\.[01])$/;
const statusLine = /^HTTP\/(1\.[01]) ([1-9]\d\d)(?: (.*))?$/;
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

function parseStartLine(line: string, kind: StartLine['kind'], oddities: Set<string>): StartLine | undefined {
  if (kind === 'request') {
    const [, method, target, version] = requestLine.exec(line) ?? [];
    if (!method || !target || !version) return undefined;
    if (/\s/.test(target)) oddities.add('space in target');
    return {kind, method, target, version};
  }
  const [, version, status, reason = ''] = statusLine.exec(line) ?? [];
  return version ? {kind, version, status: Number(status), reason} : undefined;
}

function parseFields(lines: readonly string[], head: Omit<Head, 'start'>, maxHeaders: number): void {
  const {headers, oddities, disputed} = head;
  for (const raw of lines) {
    const line = endless(raw, oddities);
    if (line === '') continue;
    const previous = headers.at(-1);
    if ((line.startsWith(' ') || line.startsWith('\t')) && previous) {
      oddities.add('folded header');
      disputed.add(previous.name?.toLowerCase() ?? '');
      headers[headers.length - 1] = {...previous, value: `${previous.value} ${line.trim()}`};
      continue;
    }
    if (headers.length >= maxHeaders) {
      oddities.add('too many headers');
      // Among those left out may be the one that says how long the body is.
      disputed.add('content-length');
      return;
    }
    headers.push(parseField(line, oddities, disputed));
  }
}

function parseField(line: string, oddities: Set<string>, disputed: Set<string>): Header {
  const colon = line.indexOf(':');
  const rawName = colon < 0 ? line : line.slice(0, colon);
  const value = colon < 0 ? '' : withoutBlanks(line, colon + 1);
  if (colon >= 0 && token.test(rawName)) {
    if (hasControl(value)) {
      oddities.add('control character');
      disputed.add(rawName.toLowerCase());
    }
    return {name: rawName, value};
  }
  const name = rawName.trim();
  oddities.add(colon >= 0 && token.test(name) ? 'space around name' : 'invalid header');
  disputed.add(name.toLowerCase());
  return {name, value};
}

/** The line from `start` without the spaces and tabs at its ends (no other white space: RFC 9112, 5.1). */
function withoutBlanks(line: string, start: number): string {
  let from = start;
  let to = line.length;
  while (from < to && isBlank(line.charCodeAt(from))) from++;
  while (to > from && isBlank(line.charCodeAt(to - 1))) to--;
  return line.slice(from, to);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function hasControl(value: string): boolean {
  for (let at = 0; at < value.length; at++) {
    const code = value.charCodeAt(at);
    if ((code < 0x20 && code !== 0x09) || code === 0x7f) return true;
  }
  return false;
}

function endless(line: string, oddities: Set<string>): string {
  if (line.endsWith('\r')) return line.slice(0, -1);
  oddities.add('bare line feed');
  return line;
}

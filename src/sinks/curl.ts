import type {MessageEvent, SessionEvent} from '../model.js';
import {authorityOf, type Body, type HttpRequest, hasMask, headerOf, urlOf} from './http.js';
import type {Sink, Write} from './sink.js';
import {plural} from './units.js';
import {visible} from './visible.js';

/** Writes a shell script (POSIX sh) with a curl command for each request. What cannot be sent again as it was is said above it. */
export function createCurlSink(write: Write): Sink {
  let isFirst = true;
  return {
    write: (event) => {
      if (event.type !== 'session' && event.type !== 'message') return undefined;
      const lines = event.type === 'session' ? headLines(event) : commandLines(event);
      if (lines.length === 0) return undefined;
      const text = `${isFirst ? '#!/bin/sh\n' : '\n'}${lines.join('\n')}\n`;
      isFirst = false;
      return write(text);
    },
    flush: async () => {},
    close: async () => {},
  };
}

function headLines({host, startedAt, redaction}: SessionEvent): string[] {
  const where = host === undefined ? '' : ` on ${visible(host)}`;
  return [
    `# The requests that tls-kit saw${where}${startedAt === undefined ? '' : `, from ${startedAt}`}.`,
    ...(redaction === 'on' ? ['# Secrets are missing: they were masked when this was captured.'] : []),
  ];
}

/** The command of one message, with its remarks; nothing for one that is no HTTP request. */
export function commandLines(message: MessageEvent): string[] {
  const {request} = message;
  if (!request) return [];
  const title = `# ${titleOf(message)}`;
  if (request.method === 'CONNECT') return [title, '# CONNECT opens a tunnel, and is no request to send again.'];
  if (/[\0\r\n]/.test(request.target ?? '')) return [title, '# The target was not what HTTP allows.'];
  const {words, input, remarks} = commandOf(message, request);
  const command = words.join(' ');
  const masked = hasMask(command) || hasMask(request.body?.text ?? '');
  const all = [...remarks, ...(masked ? ['Secrets are missing: they were masked when this was captured.'] : [])];
  return [
    title,
    ...all.map((remark) => `# ${remark}`),
    `${input === undefined ? '' : `printf %s ${shellWord(input)} | base64 -d | `}${command}`,
  ];
}

function titleOf({time, timings, comm, pid, side, response}: MessageEvent): string {
  const who = `${visible(comm ?? '?')}[${pid}]${side === 'server' ? ' as server' : ''}`;
  return `${timings?.startedAt ?? time} ${who}${response?.status === undefined ? '' : `: ${response.status}`}`;
}

interface CurlCommand {
  words: string[];
  /** What goes to standard input, in base64. */
  input?: string;
  /** What is not as it was. */
  remarks: string[];
}

function commandOf(message: MessageEvent, request: HttpRequest): CurlCommand {
  const remarks: string[] = [];
  const {isNamed} = authorityOf(message);
  const target = targetOf(message, request);
  const method = methodOf(request, remarks);
  const headers = headerWords(request, isNamed, remarks);
  const body = bodyWords(request, remarks);
  if (request.trailers) remarks.push('The trailers are left out.');
  if (isUnsure(message))
    remarks.push('Bytes are missing or were not understood: parts of this request may be unknown.');
  return {
    words: ['curl', '--globoff', '--path-as-is', versionOf(request), ...method, ...target, ...headers, ...body.words],
    ...(body.input !== undefined && {input: body.input}),
    remarks,
  };
}

function isUnsure({gaps, side}: MessageEvent): boolean {
  const ofRequest = side === 'server' ? 'receive' : 'send';
  return gaps.some(({direction}) => direction === ofRequest);
}

function versionOf({version}: HttpRequest): string {
  return version === '1.0' ? '--http1.0' : version.startsWith('1') ? '--http1.1' : '--http2';
}

/** A token, RFC 9110, 5.6.2: what a method and the name of a header are made of. */
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

function methodOf({method, body}: HttpRequest, remarks: string[]): string[] {
  if (method === undefined || !token.test(method)) {
    remarks.push(method === undefined ? 'The method is unknown.' : 'The method was no word of HTTP, and is left out.');
    return [];
  }
  if (method === 'HEAD') return ['--head'];
  if (method === (body ? 'POST' : 'GET')) return [];
  return ['--request', shellWord(method)];
}

/** What curl itself would change (a fragment, a space, a full URL) is given as it was. */
function targetOf(message: MessageEvent, {target = '/'}: HttpRequest): string[] {
  const url = urlOf(message);
  if (/^\/[A-Za-z0-9\-._~!$&'()*+,;=:@/?%[\]{}|]*$/.test(target)) return [shellWord(url)];
  return ['--request-target', shellWord(target), shellWord(`https://${authorityOf(message).authority}/`)];
}

/** What curl sends unasked, and is told not to. */
const unasked = ['Accept', 'User-Agent'];
/** What says how a message is framed on its own connection: curl does that itself. */
const framing = new Set([
  'content-length',
  'connection',
  'keep-alive',
  'proxy-connection',
  'http2-settings',
  'upgrade',
]);

function headerWords({headers, version, body}: HttpRequest, isNamed: boolean, remarks: string[]): string[] {
  const words: string[] = [];
  const isOne = version.startsWith('1');
  let unknown = 0;
  let unsendable = 0;
  for (const {name, value} of headers) {
    if (name === undefined || value === undefined) unknown++;
    else if (name.startsWith(':')) continue;
    else if (!token.test(name) || /[\r\n\0]/.test(value)) unsendable++;
    else if (isLeftOut(name.toLowerCase(), {isOne, isNamed, body})) continue;
    else words.push('--header', shellWord(value === '' ? `${name};` : `${name}: ${value}`));
  }
  const silenced = [...unasked, ...(body || isEmptied(headers) ? ['Content-Type', 'Expect'] : [])];
  for (const name of silenced) {
    if (headerOf(headers, name.toLowerCase()) === undefined) words.push('--header', `${name}:`);
  }
  if (unknown > 0) remarks.push(`${plural(unknown, 'header')} left out: unknown, from before the capture or lost.`);
  if (unsendable > 0) remarks.push(`${plural(unsendable, 'header')} left out: not what HTTP allows.`);
  return words;
}

function isLeftOut(
  name: string,
  {isOne, isNamed, body}: {isOne: boolean; isNamed: boolean; body: Body | undefined},
): boolean {
  if (name === 'host') return isNamed;
  if (name === 'content-encoding') return body?.decoded === true;
  if (name === 'transfer-encoding') return !isOne;
  return name === 'content-length' || (!isOne && framing.has(name));
}

/** The request said that its body is empty, as POST does. */
function isEmptied(headers: HttpRequest['headers']): boolean {
  return headerOf(headers, 'content-length') === '0';
}

function bodyWords({headers, body}: HttpRequest, remarks: string[]): {words: string[]; input?: string} {
  if (!body) return {words: isEmptied(headers) ? ['--data-binary', "''"] : []};
  if (body.truncated)
    remarks.push(`The body is not whole: ${plural(body.captured, 'byte')} of ${body.length} are known.`);
  if (body.decoded) remarks.push('The body was compressed, and is not any more: its Content-Encoding is left out.');
  const {text} = body;
  // curl takes what begins with @ for the name of a file.
  const isWord = text !== undefined && !text.startsWith('@') && isSeen(text.replaceAll(/[\t\n]/g, ''));
  if (isWord) return {words: ['--data-binary', quoted(text)]};
  return {words: ['--data-binary', '@-'], input: body.base64 ?? Buffer.from(text ?? '').toString('base64')};
}

/**
 * A word that every POSIX shell takes as it is, for text of one line. What a terminal obeys or hides is written in octal for
 * printf(1): a command can be looked at, and pasted, without doing anything else.
 */
export function shellWord(text: string): string {
  if (/^[A-Za-z0-9_/.:=@%+,-]+$/.test(text)) return text;
  if (isSeen(text)) return quoted(text);
  const format = [...Buffer.from(text)].map((byte) => {
    const character = String.fromCharCode(byte);
    if (character === '%') return '%%';
    return /[ -~]/.test(character) && !/['\\]/.test(character) ? character : `\\${byte.toString(8).padStart(3, '0')}`;
  });
  return `"$(printf '${format.join('')}')"`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function isSeen(text: string): boolean {
  return visible(text) === text;
}

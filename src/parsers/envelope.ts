import {readPlainLine} from './plain-line.js';

/** What one line of bpftrace's output is. */
export type Envelope =
  /** What one printf of the script wrote, without its newline; `isWhole` is false when it wrote none. */
  | {readonly kind: 'text'; readonly text: string; readonly isWhole: boolean}
  /** What `time()` wrote: it goes on with an unfinished text. */
  | {readonly kind: 'time'; readonly text: string}
  | MapEnvelope
  | {readonly kind: 'lost'; readonly events: number}
  /** bpftrace's own count of its probes. Not a sign of being ready: it comes before the fact until 0.23. */
  | {readonly kind: 'attached'; readonly probes: number}
  /** Every probe is attached: `__BPFTRACE_NOTIFY_PROBES_ATTACHED`, on standard output since 0.23. */
  | {readonly kind: 'ready'}
  | {readonly kind: 'message'; readonly severity: 'info' | 'warning' | 'error'; readonly text: string}
  | {readonly kind: 'blank'}
  | {readonly kind: 'malformed'};

/** A map, or (in plain text) one entry of it. Keys as `1,2`. A map without keys has the one entry ``. */
export interface MapEnvelope {
  readonly kind: 'map';
  readonly name: string;
  readonly entries: ReadonlyMap<string, bigint>;
}

/**
 * A reader for the lines (bytes as latin1) that one bpftrace prints, of any version from 0.11 to 0.27, under `-f json` or in
 * plain text, each line told apart on its own. It only remembers whether that bpftrace has come to print counts in hexadecimal.
 */
export function createEnvelopeReader(): (line: string) => Envelope {
  let hasTurnedHex = false;
  return (line) => {
    const text = plainPrintf(line);
    if (text !== undefined) return {kind: 'text', text, isWhole: true};
    if (!line.startsWith('{')) return readPlainLine(line);
    hasTurnedHex ||= turnsHex.test(line);
    return readObject(line, hasTurnedHex);
  };
}

const printfHead = '{"type": "printf", "data": "';
const printfTail = '\\n"}';

/** The shape of nearly every line of a recording, without JSON.parse: a printf with no escape but the newline at its end. */
function plainPrintf(line: string): string | undefined {
  if (!line.startsWith(printfHead)) return undefined;
  const end = line.length - printfTail.length;
  if (line.indexOf('\\', printfHead.length) !== end || line.indexOf('"', printfHead.length) !== end + 2)
    return undefined;
  return line.endsWith(printfTail) ? line.slice(printfHead.length, end) : undefined;
}

/** From 0.24 on, an escaped byte leaves bpftrace's output stream in hexadecimal (std::hex in output/json.cpp): see `readCounted`. */
const turnsHex = /\\u(?:00|ffff)/;

const counted =
  /^\{"type": "(lost_events|attached_probes)",(?: "count": "?[0-9a-f]+"?,)? "data": \{"(?:events|probes)": "?([0-9a-f]+)"?\}\}$/;
const mapShape = /^\{"type": "map", "data": \{"(@\w*)": (?:"?(-?\d{1,20})"?|\{(.*)\})\}\}$/;
const mapEntry = /"([^"\\]*)": "?(-?\d{1,20})"?(?:, |$)/y;

function readObject(line: string, hasTurnedHex: boolean): Envelope {
  const count = counted.exec(line);
  if (count) return readCounted(line, count[1] as string, count[2] as string, hasTurnedHex);
  const map = mapShape.exec(line);
  if (map) return readMap(line, map[1] as string, map[2], map[3]);
  return readParsed(line);
}

/** Digits that could be either are hexadecimal only when an escape came before, and only from 0.24 on, which prints `count`. */
function readCounted(line: string, type: string, digits: string, hasTurnedHex: boolean): Envelope {
  const isHex = /[a-f]/.test(digits) || (hasTurnedHex && line.includes('"count"'));
  const value = Number.parseInt(digits, isHex ? 16 : 10);
  if (!Number.isSafeInteger(value)) return {kind: 'malformed'};
  return type === 'lost_events' ? {kind: 'lost', events: value} : {kind: 'attached', probes: value};
}

/** From the text itself: JSON.parse would round values beyond 2^53, which times are. */
function readMap(line: string, name: string, value: string | undefined, body: string | undefined): Envelope {
  if (value !== undefined) return {kind: 'map', name, entries: new Map([['', BigInt(value)]])};
  const entries = new Map<string, bigint>();
  const text = body ?? '';
  mapEntry.lastIndex = 0;
  while (mapEntry.lastIndex < text.length) {
    const match = mapEntry.exec(text);
    // A map of strings, or of tuples: the user's own.
    if (!match) return {kind: 'message', severity: 'info', text: line};
    entries.set(match[1] as string, BigInt(match[2] as string));
  }
  return {kind: 'map', name, entries};
}

function readParsed(line: string): Envelope {
  const value = parse(line);
  if (typeof value?.type !== 'string') return {kind: 'malformed'};
  if (typeof value.data === 'string' && value.type === 'printf') return textEnvelope(value.data);
  if (typeof value.data === 'string' && value.type === 'time') return {kind: 'time', text: value.data.trimEnd()};
  const text = [value.helper, value.msg ?? value.retcode ?? (typeof value.data === 'string' ? value.data : line)];
  return {
    kind: 'message',
    severity: severities.get(value.type) ?? 'info',
    text: text.filter((part) => part !== undefined).join(': '),
  };
}

/** Whether an error ends bpftrace is not for a line to say. `lost_events` with a text is a watchpoint's error (0.14 to 0.23). */
const severities: ReadonlyMap<string, 'warning' | 'error'> = new Map([
  ['helper_error', 'error'],
  ['runtime_error', 'error'],
  ['errorf', 'error'],
  ['lost_events', 'error'],
  ['warnf', 'warning'],
]);

interface BpftraceObject {
  readonly type?: unknown;
  readonly data?: unknown;
  readonly helper?: unknown;
  readonly msg?: unknown;
  readonly retcode?: unknown;
}

function parse(line: string): BpftraceObject | undefined {
  try {
    const value: unknown = JSON.parse(mendEscapes(line));
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    // Not JSON: the caller counts the line as malformed.
    return undefined;
  }
}

/** Where `char` is signed, bpftrace writes the byte e9 as `\uffffffe9`, since 0.17. Escapes are read in pairs: `\\uffffffe9` is text. */
function mendEscapes(line: string): string {
  return line.replaceAll(/\\(?:uffffff([89a-f][0-9a-f])|.)/g, (pair, byte: string | undefined) =>
    byte === undefined ? pair : String.fromCharCode(Number.parseInt(byte, 16)),
  );
}

function textEnvelope(data: string): Envelope {
  return data.endsWith('\n')
    ? {kind: 'text', text: data.slice(0, -1), isWhole: true}
    : {kind: 'text', text: data, isWhole: false};
}

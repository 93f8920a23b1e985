import {createReadStream} from 'node:fs';
import {stat} from 'node:fs/promises';
import type {Readable} from 'node:stream';
import {constants, createGunzip} from 'node:zlib';
import {TlsKitError} from './errors.js';
import {followHandshakes} from './handshakes.js';
import type {SummaryEvent, TraceEvent} from './model.js';
import {createParser, readCapture, sniff, toLines} from './parsers/index.js';
import {readLines} from './read.js';
import type {Show} from './trace.js';
import {createUnderstanding, type UnderstandOptions} from './understand.js';

export interface ReplayOptions {
  readonly understand: UnderstandOptions;
  /** How much of the file was read, 0 to 1; not called for standard input. */
  readonly onProgress?: (share: number) => void;
  /** When aborted: stop reading. */
  readonly stop: AbortSignal;
}

/**
 * Reads a capture, or what bpftrace printed for a generated script, and shows it like trace. `-` is standard input, live too.
 * Gives the summary, unless it was stopped before. Throws FILE_UNREADABLE and NOT_A_CAPTURE.
 */
export async function replay(path: string, show: Show, options: ReplayOptions): Promise<SummaryEvent | undefined> {
  const input = await openRecording(path, options);
  const {first, lines} = await peekLine(toLines(input)).catch((cause: Error) => {
    throw unreadable(path, cause);
  });
  let summary: SummaryEvent | undefined;
  const understand = createUnderstanding(options.understand);
  const pass = async (events: readonly TraceEvent[]) => {
    for (const event of events) {
      if (event.type === 'summary') summary = event;
      // Who closed the pipe wants no account of a part.
      if (event.type === 'summary' && options.stop.aborted) continue;
      for (const each of understand(event)) {
        const waiting = show.write(each);
        if (waiting) await waiting;
      }
    }
  };
  const kind = sniff(first);
  if (kind === 'unknown') throw notACapture(path, first);
  if (kind === 'capture') {
    const {default: validate} = await import('./validate-event.js');
    for await (const event of readCapture(lines, validate)) {
      await pass([event]);
      if (options.stop.aborted) break;
    }
  } else {
    const parser = createParser({handshakes: followHandshakes([])});
    await readLines(lines, parser, pass, () => input.destroy(), options.stop);
    await pass(parser.end());
  }
  input.destroy();
  await show.flush();
  return summary;
}

/** The first line that is not blank, and all lines again. */
async function peekLine(lines: AsyncIterable<string>): Promise<{first: string; lines: AsyncIterable<string>}> {
  const iterator = lines[Symbol.asyncIterator]();
  const head: string[] = [];
  for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
    head.push(next.value);
    if (next.value.trim() !== '') break;
  }
  const again: AsyncIterator<string> = {
    next: () => (head.length > 0 ? Promise.resolve({done: false, value: head.shift() as string}) : iterator.next()),
  };
  return {first: head.at(-1) ?? '', lines: {[Symbol.asyncIterator]: () => again}};
}

async function openRecording(path: string, {onProgress, stop}: ReplayOptions): Promise<Readable> {
  if (path === '-') {
    stop.addEventListener('abort', () => process.stdin.push(null), {once: true});
    return process.stdin;
  }
  const {size} = await stat(path).catch((cause: Error) => {
    throw unreadable(path, cause);
  });
  const file = createReadStream(path);
  let read = 0;
  file.on('data', (chunk) => {
    read += chunk.length;
    onProgress?.(read / size);
  });
  return path.endsWith('.gz') ? unzip(file) : file;
}

/** A capture that was cut off (tls-kit was killed) ends in mid-block: what came before is read, and the summary says the rest. */
function unzip(file: Readable): Readable {
  const gunzip = createGunzip({finishFlush: constants.Z_SYNC_FLUSH});
  file.on('error', (error) => gunzip.destroy(error));
  const unzipped = file.pipe(gunzip);
  return unzipped;
}

function unreadable(path: string, cause: Error): TlsKitError {
  const name = path === '-' ? 'Standard input' : path;
  return new TlsKitError(
    'FILE_UNREADABLE',
    `${name} cannot be read: ${cause.message}`,
    ['Give the path of a recording'],
    {cause},
  );
}

function notACapture(path: string, first: string): TlsKitError {
  const name = path === '-' ? 'Standard input' : path;
  return new TlsKitError('NOT_A_CAPTURE', `${name} ${first === '' ? 'is empty' : 'holds no recording'}.`, [
    'Give what tls-kit trace -w wrote, or what bpftrace printed for a script of tls-kit gen',
    'What a script of gen --readable prints is for eyes, and cannot be replayed',
  ]);
}

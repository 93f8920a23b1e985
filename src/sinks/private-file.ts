import {constants, createWriteStream, fchmodSync, fstatSync, ftruncateSync, openSync, type WriteStream} from 'node:fs';
import {finished} from 'node:stream/promises';
import {createGzip, type Gzip, constants as zlib} from 'node:zlib';
import {TlsKitError} from '../errors.js';

/** A file of secrets: what a capture, a report and an export are written to. */
export interface PrivateFile {
  write(chunk: string | Uint8Array): Promise<void>;
  /** Throws what has failed until now. */
  check(): void;
  close(): Promise<void>;
}

/** What the file is, and the flag that named it: for what is said when it cannot be written. */
export interface FilePurpose {
  readonly what: string;
  readonly flag: string;
}

/** A gzip stream is brought to a point where it can be read, this often: what was written survives a kill. */
const flushEveryMs = 1000;

/**
 * Opens a file to write to, compressed when the name ends in `.gz`. The file is 0600, belongs to the user that this process is, and
 * is never reached through a symbolic link. Opened at once, so that what is wrong with the path is known before anything is traced.
 * Throws WRITE_FAILED; what was written until then stays.
 */
export function createPrivateFile(path: string, purpose: FilePurpose): PrivateFile {
  const file = createWriteStream(path, {fd: openPrivately(path, purpose)});
  const gzip = path.endsWith('.gz') ? createGzip() : undefined;
  let failure: TlsKitError | undefined;
  file.on('error', (error) => {
    failure ??= writeFailed(path, purpose, error);
    gzip?.destroy();
  });
  gzip?.on('error', () => {}); // it is destroyed only when the file has failed, which is said
  gzip?.pipe(file);
  const stream: WriteStream | Gzip = gzip ?? file;
  const timer = gzip && setInterval(() => gzip.flush(zlib.Z_SYNC_FLUSH), flushEveryMs).unref();

  const check = () => {
    if (failure) throw failure;
  };
  return {
    write: async (chunk) => {
      check();
      if (!stream.write(chunk)) await drained(stream, () => failure !== undefined);
      check();
    },
    check,
    close: async () => {
      clearInterval(timer);
      if (!failure) {
        stream.end();
        await finished(file).catch((error: Error) => {
          failure ??= writeFailed(path, purpose, error);
        });
      }
      check();
    },
  };
}

function openPrivately(path: string, {what, flag}: FilePurpose): number {
  try {
    return openNew(path) ?? openOwn(path);
  } catch (cause) {
    const error = cause as NodeJS.ErrnoException;
    const why = error.code === 'ELOOP' ? 'it is a symbolic link' : error.message;
    throw new TlsKitError(
      'WRITE_FAILED',
      `The ${what} cannot be written to ${path}: ${why}.`,
      [`Name another file with ${flag}`],
      {cause},
    );
  }
}

/** Makes the file; undefined where something of that name is there. */
function openNew(path: string): number | undefined {
  const {O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY} = constants;
  try {
    return openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined;
    throw error;
  }
}

/**
 * Empties a file of our own. Another user's is refused also when it is empty: he may have it open, and would read along. So is
 * a file of several names, one of which may be a name that matters.
 */
function openOwn(path: string): number {
  const {O_NOFOLLOW, O_NONBLOCK, O_WRONLY} = constants;
  const fd = openSync(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK); // a FIFO without a reader would wait
  const stat = fstatSync(fd);
  if (!stat.isFile() || stat.nlink > 1) throw new Error('it is not a plain file of one name');
  if (stat.uid !== process.geteuid?.()) throw new Error(`it belongs to user ${stat.uid}`);
  fchmodSync(fd, 0o600);
  ftruncateSync(fd);
  return fd;
}

function writeFailed(path: string, {what, flag}: FilePurpose, error: NodeJS.ErrnoException): TlsKitError {
  const nextStep =
    error.code === 'ENOSPC'
      ? `Make room, or name a file on another disk with ${flag}`
      : `Name another file with ${flag}`;
  const why = error.code === 'ENOSPC' ? 'the disk is full' : error.message;
  return new TlsKitError(
    'WRITE_FAILED',
    `The ${what} ${path} ends here: ${why}. What was written before is kept.`,
    [nextStep],
    {
      cause: error,
    },
  );
}

/** Waits for room, or for the failure that ends the waiting. */
function drained(stream: WriteStream | Gzip, hasFailed: () => boolean): Promise<void> {
  if (hasFailed()) return Promise.resolve();
  return new Promise((resolve) => {
    const go = () => {
      for (const event of ['drain', 'close', 'error']) stream.off(event, go);
      resolve();
    };
    for (const event of ['drain', 'close', 'error']) stream.once(event, go);
  });
}

import {constants} from 'node:fs';
import {type FileHandle, open, stat} from 'node:fs/promises';
import {TlsKitError} from '../errors.js';

/** The most that one read takes: a file under hostile hands must not decide how much memory we use. */
export const pieceBytes = 1 << 20;

/** A regular file, read piece by piece at the positions that are asked for, never past its end. */
export class BoundedFile {
  private constructor(
    readonly path: string,
    readonly size: number,
    private readonly handle: FileHandle,
  ) {}

  /** Throws FILE_UNREADABLE, or NOT_A_LIBRARY for what is no regular file (opening a pipe could wait for ever). */
  static async open(path: string): Promise<BoundedFile> {
    try {
      if (!(await stat(path)).isFile()) throw damaged(path, 'is not a regular file');
      const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
      return new BoundedFile(path, (await handle.stat()).size, handle);
    } catch (error) {
      throw error instanceof TlsKitError ? error : unreadable(path, error);
    }
  }

  close(): Promise<void> {
    return this.handle.close();
  }

  /** Reads exactly these bytes. Throws NOT_A_LIBRARY where the file does not have them, or they are absurdly many. */
  async read(offset: number, length: number): Promise<Buffer> {
    const isInside = Number.isSafeInteger(offset) && offset >= 0 && length >= 0 && offset + length <= this.size;
    if (!isInside || length > 4 * pieceBytes) throw damaged(this.path, 'is cut short or damaged');
    const buffer = Buffer.alloc(length);
    let done = 0;
    while (done < length) {
      const {bytesRead} = await this.readAt(buffer, done, offset + done);
      if (bytesRead === 0) throw damaged(this.path, 'became shorter while it was read');
      done += bytesRead;
    }
    return buffer;
  }

  /** Reads up to so many bytes: fewer at the end of the file. */
  async readUpTo(offset: number, length: number): Promise<Buffer> {
    return this.read(offset, Math.max(0, Math.min(length, this.size - offset)));
  }

  /** The pieces of a stretch, each with its position in the stretch; `overlap` bytes come again with the next piece. */
  async *pieces(offset: number, length: number, overlap = 0): AsyncGenerator<{bytes: Buffer; at: number}> {
    for (let at = 0; at < length; at += pieceBytes) {
      yield {bytes: await this.read(offset + at, Math.min(pieceBytes + overlap, length - at)), at};
    }
  }

  private async readAt(buffer: Buffer, done: number, position: number): Promise<{bytesRead: number}> {
    try {
      return await this.handle.read(buffer, done, buffer.length - done, position);
    } catch (error) {
      throw unreadable(this.path, error);
    }
  }
}

export function damaged(path: string, what: string): TlsKitError {
  return new TlsKitError('NOT_A_LIBRARY', `${shownPath(path)} ${what}.`, [
    'Name a shared library or an executable: --lib PATH',
    'See the libraries that are in use: tls-kit targets',
  ]);
}

function unreadable(path: string, cause: unknown): TlsKitError {
  const {code} = cause as NodeJS.ErrnoException;
  const why = {ENOENT: 'does not exist', ENOTDIR: 'does not exist', EACCES: 'may not be read by this user'}[code ?? ''];
  const nextStep =
    code === 'EACCES' || code === 'EPERM'
      ? 'Run the same command with sudo.'
      : 'See the libraries that are in use: tls-kit targets';
  return new TlsKitError(
    'FILE_UNREADABLE',
    `${shownPath(path)} ${why ?? `cannot be read (${code ?? cause})`}.`,
    [nextStep],
    {
      cause,
    },
  );
}

/** A path in a message: in quotes, with escapes, where it would change what a terminal shows. */
export function shownPath(path: string): string {
  return /^[\x20-\x7e]*$/.test(path) ? path : JSON.stringify(path);
}

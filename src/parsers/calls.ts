import type {CallRecord, OctetsRecord, PieceRecord, SystemCallRecord} from './records.js';

/** A call, or a transfer, whose payload is being put together. */
export interface Call {
  readonly record: CallRecord | OctetsRecord | SystemCallRecord;
  readonly pieces: Pick<PieceRecord, 'position' | 'carried' | 'payload'>[];
  /** Up to here, nothing is missing. */
  reach: number;
  /** A later call of the same thread came: records of one processor keep their order, so what is missing is lost. */
  isOver: boolean;
  /** The count of records when the last piece came. */
  lastRecord: number;
}

/** What was put together. Bytes in `gaps` stand between those of the payload, in the call; those of a cut end are no gap. */
export interface Payload {
  readonly bytes: Buffer;
  readonly gaps: [number, number][];
  /** Bytes of pieces that never came. */
  readonly lost: number;
  /** Bytes that bpftrace cut from pieces that came, by its string length. */
  readonly shortened: number;
}

/** Records after which a call waits no longer for its pieces: they follow it, and only another processor's come between. */
const patience = 4096;

/** Puts the pieces of payload to the calls that they belong to, by thread and time. */
export class Calls {
  readonly #open = new Map<string, Call>();
  readonly #latest = new Map<string, Call>();
  #records = 0;

  /** @param piece how many bytes a record of this script holds at most: what is beyond them follows in pieces. */
  start(record: Call['record'], piece = Number.POSITIVE_INFINITY): Call {
    const call: Call = {record, pieces: [], reach: 0, isOver: false, lastRecord: ++this.#records};
    const before = this.#latest.get(record.thread);
    if (before) before.isOver = true;
    this.#latest.delete(record.thread);
    if (record.payload.length > 0) {
      add(call, {position: 0, carried: Math.min(record.carried, piece), payload: record.payload});
    }
    if (call.reach < record.carried) {
      this.#open.set(nameOf(record), call);
      this.#latest.set(record.thread, call);
    }
    return call;
  }

  /** False for a piece that lies outside of its call: it is not one that a script has printed. */
  add(piece: PieceRecord): boolean {
    this.#records++;
    const call = this.#open.get(nameOf(piece));
    // The call was lost, or has been shown without this piece, and its bytes count as lost.
    if (!call) return true;
    if (piece.position + piece.carried > call.record.carried) return false;
    call.lastRecord = this.#records;
    add(call, piece);
    return true;
  }

  /** Whether nothing is missing, or what is missing is not expected any more. */
  isReady(call: Call): boolean {
    return call.isOver || call.reach >= call.record.carried || this.#records - call.lastRecord > patience;
  }

  finish(call: Call): Payload {
    const {record} = call;
    this.#open.delete(nameOf(record));
    if (this.#latest.get(record.thread) === call) this.#latest.delete(record.thread);
    return join(call);
  }
}

function nameOf({thread, clock}: {readonly thread: string; readonly clock: string}): string {
  return `${thread}|${clock}`;
}

function add(call: Call, piece: Pick<PieceRecord, 'position' | 'carried' | 'payload'>): void {
  call.pieces.push(piece);
  if (piece.position <= call.reach) call.reach = Math.max(call.reach, piece.position + piece.carried);
}

/** Pieces may overlap, and then agree: the bytes of the first count. */
function join(call: Call): Payload {
  const parts: Buffer[] = [];
  const gaps: [number, number][] = [];
  let [end, lost, shortened, lastShort] = [0, 0, 0, 0];
  for (const {position, carried, payload} of inOrder(call.pieces)) {
    const pieceEnd = position + carried;
    if (pieceEnd <= end) continue;
    if (lastShort > 0) gaps.push([end - lastShort, lastShort]);
    if (position > end) {
      gaps.push([end, position - end]);
      lost += position - end;
    }
    const from = Math.max(position, end);
    const present = payload.subarray(from - position);
    parts.push(present);
    lastShort = pieceEnd - from - present.length;
    shortened += lastShort;
    end = pieceEnd;
  }
  const rest = call.record.carried - end;
  if (rest > 0) {
    if (lastShort > 0) gaps.push([end - lastShort, lastShort]);
    gaps.push([end, rest]);
    lost += rest;
  }
  return {bytes: parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts), gaps, lost, shortened};
}

function inOrder(pieces: Call['pieces']): Call['pieces'] {
  const isOrdered = pieces.every((piece, index) => index === 0 || (pieces[index - 1]?.position ?? 0) <= piece.position);
  return isOrdered ? pieces : pieces.toSorted((a, b) => a.position - b.position);
}

import type {ServerSentEvent} from './message.js';

const keptEvents = 10;
const keptCharacters = 8 * 1024;

/**
 * Counts server-sent events and keeps the first ones (https://html.spec.whatwg.org/multipage/server-sent-events.html:
 * an event ends at an empty line and counts when it has data; lines end in LF, CR or CRLF).
 */
export class ServerSentEventCounter {
  count = 0;
  readonly first: ServerSentEvent[] = [];
  #line: Buffer[] = [];
  #lineBytes = 0;
  #afterCarriageReturn = false;
  #isFirstLine = true;
  #event: {event?: string; id?: string; data?: string} = {};
  /** After a gap: the rest of a line whose beginning is missing, then the rest of its event, mean nothing. */
  #skipping: 'event' | 'line' | undefined;

  push(bytes: Buffer): void {
    let start = 0;
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at];
      if (byte !== 0x0a && byte !== 0x0d) {
        this.#afterCarriageReturn = false;
        continue;
      }
      if (byte === 0x0a && this.#afterCarriageReturn) start = at + 1;
      else {
        this.#keep(bytes.subarray(start, at));
        this.#endLine();
        start = at + 1;
      }
      this.#afterCarriageReturn = byte === 0x0d;
    }
    this.#keep(bytes.subarray(start));
  }

  /** Bytes are missing: the event around them is not counted, nor kept. */
  hole(): void {
    this.#line = [];
    this.#lineBytes = 0;
    this.#event = {};
    this.#afterCarriageReturn = false;
    this.#isFirstLine = false;
    this.#skipping = 'line';
  }

  #keep(part: Buffer): void {
    const room = keptCharacters - this.#lineBytes;
    if (part.length === 0 || room <= 0) return;
    const kept = Buffer.from(part.subarray(0, room));
    this.#line.push(kept);
    this.#lineBytes += kept.length;
  }

  #endLine(): void {
    let line = Buffer.concat(this.#line, this.#lineBytes).toString('utf8');
    this.#line = [];
    this.#lineBytes = 0;
    if (this.#isFirstLine && line.startsWith('\uFEFF')) line = line.slice(1);
    this.#isFirstLine = false;
    if (this.#skipping === 'line') this.#skipping = 'event';
    else if (this.#skipping === 'event') this.#skipping = line === '' ? undefined : 'event';
    else if (line === '') this.#endEvent();
    else this.#addField(line);
  }

  #addField(line: string): void {
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'data') {
      const data = this.#event.data === undefined ? value : `${this.#event.data}\n${value}`;
      this.#event.data = data.slice(0, keptCharacters);
    } else if (name === 'event' || name === 'id') this.#event[name] = value;
  }

  #endEvent(): void {
    const {data, ...rest} = this.#event;
    this.#event = {};
    if (data === undefined) return;
    this.count++;
    if (this.first.length < keptEvents) this.first.push({...rest, data});
  }
}

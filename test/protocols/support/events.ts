import type {ConnectionEvent, DataEvent} from '../../../src/events.js';
import {createDecoder, type DecodeLimits, type MessageEvent} from '../../../src/protocols/index.js';

/** Bytes that one call moved. `cut`: bytes at its end that were not captured. `gaps`: as in a data event. */
export interface Call {
  readonly direction: 'receive' | 'send';
  readonly bytes: Buffer;
  readonly cut?: number;
  readonly gaps?: [number, number][];
  readonly isLost?: boolean;
}

/** The data events of these calls: one millisecond apart, offsets as the kernel counts them, lost calls left out. */
export function eventsOf(calls: readonly Call[], id = 'c1'): DataEvent[] {
  const offsets = {send: 0, receive: 0};
  const events = calls.map(({direction, bytes, cut = 0, gaps}, index): DataEvent => {
    const kept = gaps ? withoutGaps(bytes, gaps) : bytes.subarray(0, bytes.length - cut);
    const event: DataEvent = {
      type: 'data',
      time: timeAt(index),
      pid: 7,
      tid: 7,
      library: 'openssl',
      function: direction === 'send' ? 'SSL_write' : 'SSL_read',
      direction,
      connection: {id},
      offset: offsets[direction],
      length: bytes.length,
      captured: kept.length,
      payload: kept.toString('base64'),
      latencyNs: 1000,
      ...(gaps ? {gaps} : {}),
    };
    offsets[direction] += bytes.length;
    return event;
  });
  return events.filter((_, index) => !calls[index]?.isLost);
}

export function timeAt(milliseconds: number): string {
  return `${new Date(1_700_000_000_000 + milliseconds).toISOString().slice(0, -1)}000000Z`;
}

export function closing(id = 'c1', totals: {bytesSent?: number; bytesReceived?: number} = {}): ConnectionEvent {
  return {type: 'connection', event: 'close', time: timeAt(99_999), pid: 7, connection: {id}, ...totals};
}

/** All messages of these calls, the connection closed at the end unless asked otherwise. */
export function decode(
  calls: readonly Call[],
  options: {limits?: Partial<DecodeLimits>; isOpen?: boolean} = {},
): MessageEvent[] {
  const decoder = createDecoder(options.limits);
  const moved = (direction: Call['direction']) =>
    calls.reduce((sum, call) => sum + (call.direction === direction ? call.bytes.length : 0), 0);
  const end = closing('c1', {bytesSent: moved('send'), bytesReceived: moved('receive')});
  const events = [...eventsOf(calls), ...(options.isOpen ? [] : [end])];
  return [...events.flatMap((event) => decoder.push(event)), ...decoder.end()];
}

export function send(text: Buffer | string, more: Partial<Call> = {}): Call {
  return {direction: 'send', bytes: Buffer.from(text as string, 'latin1'), ...more};
}

export function receive(text: Buffer | string, more: Partial<Call> = {}): Call {
  return {...send(text, more), direction: 'receive'};
}

function withoutGaps(bytes: Buffer, gaps: readonly [number, number][]): Buffer {
  const kept: Buffer[] = [];
  let at = 0;
  for (const [position, length] of gaps) {
    kept.push(bytes.subarray(at, position));
    at = position + length;
  }
  return Buffer.concat([...kept, bytes.subarray(at)]);
}

import type {SocketEvent} from '../events.js';
import {createDecoder} from './index.js';
import {defaultLimits} from './message.js';
import type {Span} from './span.js';

/** Reads what goes over sockets, to know what may be shown. Messages are made of what goes over TLS alone. */
export interface SocketReader {
  /** What the bytes of this call are; offsets are within the call. */
  read(event: SocketEvent): readonly Span[];
}

interface Stream {
  readonly id: string;
  send: number;
  receive: number;
}

const directions: ReadonlyMap<string, 'receive' | 'send'> = new Map([
  ...['sendto', 'sendmsg', 'write', 'writev'].map((name) => [name, 'send'] as const),
  ...['recvfrom', 'recvmsg', 'read', 'readv'].map((name) => [name, 'receive'] as const),
]);

/** After these the descriptor, or the one that they gave, is another connection. */
const beginnings = new Set(['accept', 'accept4', 'close', 'connect', 'socket']);

/**
 * Makes a reader. A descriptor of a process is a stream from the call that made it to the one that closed it, whose bytes are counted
 * as its calls are seen: where some were lost, or the descriptor has a twin in another process, the stream is joined in its middle.
 * Each datagram is read on its own.
 */
export function createSocketReader(): SocketReader {
  const decoder = createDecoder();
  // In the order of their last call: the first is the one longest idle.
  const streams = new Map<string, Stream>();
  let made = 0;

  const end = (key: string, {time, pid}: SocketEvent) => {
    const stream = streams.get(key);
    if (!stream) return;
    streams.delete(key);
    decoder.push({type: 'connection', event: 'close', time, pid, connection: {id: stream.id}});
  };
  const streamOf = (key: string): Stream => {
    const stream = streams.get(key) ?? {id: String(++made), send: 0, receive: 0};
    streams.delete(key);
    streams.set(key, stream);
    return stream;
  };

  return {
    read(event) {
      const {time, pid, syscall, fd, result = -1, length = 0, captured = 0, payload, gaps} = event;
      const isGiven = syscall === 'socket' || syscall.startsWith('accept');
      const key = `${pid} ${isGiven ? result : fd}`;
      if (beginnings.has(syscall)) end(key, event);
      const direction = directions.get(syscall);
      if (!direction || payload === undefined || length === 0) return [];
      const stream = streamOf(key);
      const offset = stream[direction];
      stream[direction] += length;
      decoder.push({
        ...{type: 'data', time, pid, tid: event.tid, library: 'socket', function: syscall, latencyNs: 0},
        ...{direction, connection: {id: stream.id}, offset, length, captured, payload, ...(gaps && {gaps})},
      });
      const {spans} = decoder.reading;
      const oldest = streams.keys().next().value;
      if (isDatagram(event)) end(key, event);
      else if (streams.size > defaultLimits.connections && oldest !== undefined) end(oldest, event);
      return spans.map((span) => ({...span, offset: span.offset - offset}));
    },
  };
}

function isDatagram({protocol}: SocketEvent): boolean {
  return protocol !== undefined && !['tcp', 'mptcp', 'stream'].includes(protocol);
}

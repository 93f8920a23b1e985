import type {TraceEvent} from '../events.js';
import {ConnectionProtocol} from './connection-protocol.js';
import {type DecodeLimits, defaultLimits, type MessageEvent} from './message.js';
import type {Reading} from './span.js';

export {type DecodeLimits, defaultLimits, type MessageEvent} from './message.js';
export {createSocketReader, type SocketReader} from './socket-reader.js';
export type {Reading, Span} from './span.js';

/** Turns events, in their order, into messages. */
export interface Decoder {
  /** The messages that this event completes. */
  push(event: TraceEvent): MessageEvent[];
  /** What the last data event was read as. A peek is read as nothing: what it shows is read when it is received. */
  readonly reading: Reading;
  /** The capture has ended: what is unfinished is reported as it is. */
  end(): MessageEvent[];
}

/**
 * Makes a decoder. It reads data and connection events and passes over all others: loss shows itself in the offsets of the calls
 * that follow. Never throws on what is in the payload, and holds no more than the limits say.
 */
export function createDecoder(options: Partial<DecodeLimits> = {}): Decoder {
  const limits = {...defaultLimits, ...options};
  // In the order of their last call: the first is the one longest idle.
  const connections = new Map<string, ConnectionProtocol>();
  let held = 0;
  let reading: Reading = {spans: []};

  const closeIdle = (): MessageEvent[] => {
    const messages: MessageEvent[] = [];
    for (const [id, connection] of connections) {
      if (connections.size <= limits.connections && held <= limits.totalBytes) break;
      connections.delete(id);
      held -= connection.holding.bytes;
      messages.push(...connection.close());
    }
    return messages;
  };

  return {
    get reading() {
      return reading;
    },
    push(event) {
      if (event.type === 'data') {
        const {id} = event.connection;
        const known = connections.get(id);
        if (event.peek) {
          reading = {...known?.reading, spans: []};
          return [];
        }
        const connection = known ?? new ConnectionProtocol(limits);
        connections.delete(id);
        connections.set(id, connection);
        const before = connection.holding.bytes;
        const messages = connection.push(event);
        reading = connection.reading;
        held += connection.holding.bytes - before;
        if (held > limits.totalBytes || connections.size > limits.connections) messages.push(...closeIdle());
        return messages;
      }
      if (event.type !== 'connection' || event.event !== 'close') return [];
      const connection = connections.get(event.connection.id);
      if (!connection) return [];
      connections.delete(event.connection.id);
      held -= connection.holding.bytes;
      return connection.close(event);
    },
    end() {
      const messages = [...connections.values()].flatMap((connection) => connection.close());
      connections.clear();
      held = 0;
      return messages;
    },
  };
}

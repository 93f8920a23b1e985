import type {TraceEvent} from '../events.js';
import {ConnectionProtocol} from './connection-protocol.js';
import {type DecodeLimits, defaultLimits, type MessageEvent} from './message.js';

export {type DecodeLimits, defaultLimits, type MessageEvent} from './message.js';

/** Turns events, in their order, into messages. */
export interface Decoder {
  /** The messages that this event completes. */
  push(event: TraceEvent): MessageEvent[];
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
    push(event) {
      if (event.type === 'data') {
        if (event.peek) return [];
        const {id} = event.connection;
        const connection = connections.get(id) ?? new ConnectionProtocol(limits);
        connections.delete(id);
        connections.set(id, connection);
        const before = connection.holding.bytes;
        const messages = connection.push(event);
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

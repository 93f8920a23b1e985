import type {ConnectionEvent, DataEvent, SessionEvent} from '../../model.js';
import type {Sink, WriteBytes} from '../sink.js';
import {visible} from '../visible.js';
import {packetBlock, rawIpInterface, sectionHeader} from './blocks.js';
import {Conversation} from './conversation.js';
import {packetOf, type Segment} from './packets.js';

/** Connections followed at once: of more, the one longest idle is followed anew when it comes again. */
const maxConversations = 100_000;

/**
 * Writes pcapng: the plaintext of each connection as the TCP segments that would have carried it in the clear. Addresses are those
 * of the connection where they are known with its first bytes. Each packet's comment names its process.
 * @param showsPort80 servers' ports become 80: Wireshark reads HTTP there without being told.
 */
export function createPcapngSink(write: WriteBytes, application: string, showsPort80 = false): Sink {
  const conversations = new Map<string, Conversation>();
  let started = 0;
  let hasHead = false;
  const writeHead = (session?: SessionEvent) => {
    hasHead = true;
    return write(Buffer.concat([sectionHeader({application, comment: headComment(session)}), rawIpInterface()]));
  };
  const conversationOf = (event: DataEvent): Conversation => {
    const {id, otherEnd} = event.connection;
    const other = otherEnd === undefined ? undefined : conversations.get(otherEnd);
    const conversation = conversations.get(id) ?? new Conversation(event, started++, showsPort80, other);
    conversations.delete(id);
    conversations.set(id, conversation);
    for (const [oldest] of conversations) {
      if (conversations.size <= maxConversations) break;
      conversations.delete(oldest);
    }
    return conversation;
  };
  const writePackets = (
    segments: Iterable<Segment>,
    event: ConnectionEvent | DataEvent,
    remarks: readonly string[],
  ) => {
    const comment = commentOf(event, remarks);
    const timeNs = nanoseconds(event.time);
    const blocks = [...segments].map((segment) => packetBlock(packetOf(segment), timeNs, comment));
    return blocks.length === 0 ? undefined : write(Buffer.concat(blocks));
  };
  const writeEvent = (event: ConnectionEvent | DataEvent) => {
    if (event.type === 'data') {
      if (event.peek) return undefined;
      const conversation = conversationOf(event);
      return writePackets(conversation.move(event), event, conversation.remarks);
    }
    const conversation = conversations.get(event.connection.id);
    if (event.event === 'open' || !conversation) return undefined;
    conversations.delete(event.connection.id);
    return writePackets(conversation.close(), event, conversation.remarks);
  };
  return {
    write: async (event) => {
      if (!hasHead) await writeHead(event.type === 'session' ? event : undefined);
      if (event.type === 'data' || event.type === 'connection') await writeEvent(event);
    },
    flush: async () => {},
    close: async () => {
      if (!hasHead) await writeHead();
    },
  };
}

function headComment(session: SessionEvent | undefined): string {
  return [
    'Packets rebuilt around the plaintext of TLS connections: their headers were never on a wire.',
    'Addresses of 192.0.2.0/24 and 2001:db8::/32 stand for unknown ones.',
    ...(session?.host === undefined ? [] : [`Seen on ${visible(session.host)}.`]),
    ...(session?.redaction === 'on' ? ['Secrets are missing: they were masked when this was captured.'] : []),
  ].join(' ');
}

function commentOf({comm, pid, connection}: ConnectionEvent | DataEvent, remarks: readonly string[]): string {
  return [`${visible(comm ?? '?')}[${pid}] connection ${visible(connection.id)}`, ...remarks].join(', ');
}

/** Nanoseconds since the epoch, of an event's time. */
function nanoseconds(time: string): bigint {
  return BigInt(Date.parse(`${time.slice(0, 19)}Z`)) * 1_000_000n + BigInt(time.slice(20, 29));
}

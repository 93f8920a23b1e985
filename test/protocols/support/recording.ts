import {once} from 'node:events';
import {type AddressInfo, connect, createServer, type Server, type Socket} from 'node:net';
import type {ConnectionEvent, DataEvent} from '../../../src/events.js';
import {closing, timeAt} from './events.js';

/** A proxy on loopback that records what passes as the server behind it would be traced: what it receives and sends. */
export interface Recorder {
  readonly port: number;
  /** The events of all connections, in the order in which the bytes came by. */
  readonly events: (ConnectionEvent | DataEvent)[];
  stop(): Promise<void>;
}

export async function record(serverPort: number): Promise<Recorder> {
  const events: (ConnectionEvent | DataEvent)[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const proxy = createServer((client) => {
    const id = `c${++connections}`;
    const server = connect(serverPort, '127.0.0.1');
    const offsets = {send: 0, receive: 0};
    const pass = (from: Socket, to: Socket, direction: 'receive' | 'send') => {
      sockets.add(from);
      from.on('error', () => to.destroy());
      from.on('end', () => to.end());
      from.on('data', (bytes: Buffer) => {
        events.push(dataEvent(id, direction, offsets[direction], bytes, events.length));
        offsets[direction] += bytes.length;
        to.write(bytes);
      });
    };
    pass(client, server, 'receive');
    pass(server, client, 'send');
    server.on('close', () => {
      client.destroy();
      events.push(closing(id, {bytesSent: offsets.send, bytesReceived: offsets.receive}));
    });
  });
  const port = await listen(proxy);
  return {
    port,
    events,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => proxy.close(done));
    },
  };
}

/** Starts a server on a free port of loopback, and tells which. */
export async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function dataEvent(id: string, direction: 'receive' | 'send', offset: number, bytes: Buffer, at: number): DataEvent {
  return {
    type: 'data',
    time: timeAt(at),
    pid: 7,
    tid: 7,
    library: 'openssl',
    function: direction === 'send' ? 'SSL_write' : 'SSL_read',
    direction,
    connection: {id},
    offset,
    length: bytes.length,
    captured: bytes.length,
    payload: bytes.toString('base64'),
    latencyNs: 1000,
  };
}

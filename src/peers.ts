/** `--peer`: whose other end counts. */
import {BlockList, isIP} from 'node:net';
import {TlsKitError} from './errors.js';
import type {TraceEvent} from './model.js';

interface Peer {
  /** Absent: any address. An IPv4 address also stands for itself inside IPv6 (`::ffff:…`). */
  readonly addresses?: BlockList;
  readonly port?: number;
}

/**
 * A test for events by the remote ends of their connections: `127.0.0.1`, `10.0.0.0/8`, `10.0.0.0/8:443`, `[::1]:443`, `:443`.
 * One of several is enough. An event whose connection has no known peer does not pass; one without a connection does.
 * Throws USAGE for anything else.
 */
export function createPeerTest(texts: readonly string[]): (event: TraceEvent) => boolean {
  const peers = texts.map(readPeer);
  return (event) => {
    const remote = remoteOf(event);
    return remote === undefined || peers.some((peer) => matches(peer, remote));
  };
}

/** The remote end; empty where it is not known, undefined where the event has none. */
function remoteOf(event: TraceEvent): string | undefined {
  if (event.type === 'socket') return event.remote ?? '';
  return 'connection' in event && event.connection ? (event.connection.remote ?? '') : undefined;
}

function matches({addresses, port}: Peer, remote: string): boolean {
  const match = /^\[?([\d.a-f:]+?)\]?:(\d+)$/.exec(remote);
  if (!match) return false;
  const [, address, remotePort] = match as unknown as [string, string, string];
  if (port !== undefined && port !== Number(remotePort)) return false;
  return addresses === undefined || addresses.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

const shapes = [
  /^(?<address>):(?<port>\d+)$/,
  /^\[(?<address>[^\]/]+)(?:\/(?<prefix>\d+))?\](?::(?<port>\d+))?$/,
  /^(?<address>[\d.]+)(?:\/(?<prefix>\d+))?(?::(?<port>\d+))?$/,
  /^(?<address>[\da-fA-F:]*:[\da-fA-F:.]*)(?:\/(?<prefix>\d+))?$/,
];

function readPeer(text: string): Peer {
  const groups = shapes.map((shape) => shape.exec(text)?.groups).find((found) => found !== undefined);
  const {address = '', prefix, port} = groups ?? {};
  const version = isIP(address);
  const bits = version === 6 ? 128 : 32;
  const isSound =
    groups !== undefined &&
    (version > 0 || address === '') &&
    Number(prefix ?? bits) <= bits &&
    (port === undefined || (Number(port) > 0 && Number(port) <= 65_535));
  if (!isSound) {
    throw new TlsKitError('USAGE', `"${text}" is no peer.`, [
      'Give an address, a network, a port, or both: --peer 10.0.0.0/8:443, --peer [::1]:443, --peer :443',
    ]);
  }
  const addresses = new BlockList();
  if (version > 0) addresses.addSubnet(address, Number(prefix ?? bits), version === 6 ? 'ipv6' : 'ipv4');
  return {...(version > 0 && {addresses}), ...(port !== undefined && {port: Number(port)})};
}

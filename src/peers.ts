/** `--peer`: whose other end counts. */
import {BlockList, isIP} from 'node:net';
import {TlsKitError} from './errors.js';
import type {PeerWords, TraceEvent} from './model.js';

interface Peer {
  /** Absent: any address. An IPv4 address also stands for itself inside IPv6 (`::ffff:…`). */
  readonly network?: Network;
  readonly port?: number;
}

interface Network {
  readonly address: string;
  readonly version: 4 | 6;
  /** Bits of the address that count. */
  readonly bits: number;
}

/**
 * A test for events by the remote ends of their connections: `127.0.0.1`, `10.0.0.0/8`, `10.0.0.0/8:443`, `[::1]:443`, `:443`.
 * One of several is enough. An event whose connection has no known peer does not pass; one without a connection does.
 * Throws USAGE for anything else.
 */
export function createPeerTest(texts: readonly string[]): (event: TraceEvent) => boolean {
  const peers = texts.map(readPeer).map(({network, port}) => ({addresses: network && listOf(network), port}));
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

function listOf({address, version, bits}: Network): BlockList {
  const list = new BlockList();
  list.addSubnet(address, bits, version === 6 ? 'ipv6' : 'ipv4');
  return list;
}

/**
 * The same peers for a script, which compares them where it learns a connection's remote end. What passes there, this file's test
 * may still refuse; not the other way round. Throws USAGE for what is none.
 */
export function peerWords(texts: readonly string[]): readonly PeerWords[] {
  return texts.map(readPeer).flatMap(({network, port}) => {
    const ports = port === undefined ? {} : {port};
    if (network === undefined) return ([2, 10] as const).map((family) => wordsOf(family, Buffer.alloc(16), 0, ports));
    const bytes = bytesOf(network);
    const bits = network.version === 4 ? 96 + network.bits : network.bits;
    const inside = wordsOf(10, bytes, bits, ports);
    const [first, second] = mappedWords;
    const hasMapped =
      (first & inside.mask[0]) === inside.address[0] &&
      (second & inside.mask[1] & 0xffffffffn) === (inside.address[1] & 0xffffffffn);
    const plain = Buffer.concat([bytes.subarray(12), Buffer.alloc(12)]);
    return hasMapped ? [wordsOf(2, plain, Math.max(0, bits - 96), ports), inside] : [inside];
  });
}

/** How an IPv4 address begins that stands inside of IPv6, `::ffff:…` (RFC 4291, 2.5.5.2): node:net's lists take it for the same. */
const mappedHead = Buffer.from('00000000000000000000ffff', 'hex');
const mappedWords = pairOf(Buffer.concat([mappedHead, Buffer.alloc(4)]));

function pairOf(bytes: Buffer): readonly [bigint, bigint] {
  return [bytes.readBigUInt64LE(0), bytes.readBigUInt64LE(8)];
}

function wordsOf(family: 2 | 10, bytes: Buffer, bits: number, ports: {port?: number}): PeerWords {
  const ones = Buffer.from(
    Array.from({length: 16}, (_, index) => 0xff & ~(0xff >> Math.min(8, Math.max(0, bits - 8 * index)))),
  );
  const masked = Buffer.from(bytes.map((byte, index) => byte & (ones[index] as number)));
  return {family, mask: pairOf(ones), address: pairOf(masked), ...ports};
}

/** The 16 bytes of an address in network order. */
function bytesOf({address, version}: Network): Buffer {
  if (version === 4) return Buffer.concat([mappedHead, Buffer.from(address.split('.').map(Number))]);
  // A URL writes every form of an IPv6 address in groups of hexadecimal digits.
  const text = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [before = '', after] = text.split('::');
  const groups = (part: string) => part.split(':').filter(Boolean);
  const [first, last] = [groups(before), groups(after ?? '')];
  const all = [...first, ...Array(8 - first.length - last.length).fill('0'), ...last];
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex');
}

function matches(
  {addresses, port}: {addresses: BlockList | undefined; port: number | undefined},
  remote: string,
): boolean {
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
  return {
    ...((version === 4 || version === 6) && {network: {address, version, bits: Number(prefix ?? bits)}}),
    ...(port !== undefined && {port: Number(port)}),
  };
}

import type {ConnectionEvent, DataEvent, TraceEvent} from '../events.js';
import type {HandshakeFollower, HandshakeSign, HandshakeSigner} from '../model.js';
import type {Accounting} from './accounting.js';
import type {Call, Calls, Payload} from './calls.js';
import {type Connection, type ConnectionKey, type Connections, refOf} from './connections.js';
import type {Descriptors} from './descriptors.js';
import type {Legend} from './legend.js';
import {deedOf} from './numbers.js';
import type {Process, Processes} from './processes.js';
import type {
  AddressRecord,
  CallRecord,
  ConnectEndRecord,
  EndRecord,
  ExitRecord,
  HandshakeRecord,
  InsideRecord,
  NameRecord,
  OctetsRecord,
  Place,
  ProcessRecord,
  SocketRecord,
  SystemCallRecord,
} from './records.js';
import {connectEndEvent, socketEvent} from './socket-events.js';
import type {Threads} from './threads.js';

/** A record that waits for its turn. */
export interface Turn {
  readonly time: bigint;
  readonly weight: number;
  readonly what:
    | Call
    | ProcessRecord
    | AddressRecord
    | SocketRecord
    | ConnectEndRecord
    | InsideRecord
    | NameRecord
    | EndRecord
    | ExitRecord
    | HandshakeRecord;
}

/** What the turns of a run share. */
export interface Scene {
  readonly legend: Legend;
  readonly calls: Calls;
  readonly processes: Processes;
  readonly connections: Connections;
  readonly descriptors: Descriptors;
  readonly threads: Threads;
  readonly accounting: Accounting;
  readonly handshakes: HandshakeFollower | undefined;
  /** Those that went well too. */
  readonly showsHandshakes: boolean;
  /** Plaintext is traced, and what each connection moved is known. */
  readonly countsBytes: boolean;
  readonly clock: (nsecs: bigint) => string;
  /** Called with the bytes that were missing, and of how many, when bpftrace's string length was too small. */
  readonly onShort: (missing: number, meant: number) => void;
}

/** What a record becomes at its turn: records come here in order of time. */
export function takeTurn({what}: Turn, scene: Scene): TraceEvent[] {
  if ('pieces' in what) {
    const {record} = what;
    if (record.kind === 'octets') return takeOctets(what, record, scene);
    if (record.kind === 'syscall') return takeSystemCall(what, record, scene);
    return takeCall(what, record, scene);
  }
  if (what.kind === 'process') return takeProcess(what, scene);
  if (what.kind === 'address') return takeAddress(what, scene);
  if (what.kind === 'socket') {
    scene.descriptors.learn(what.pid, what.fd, what.mark, what.socket);
    return [];
  }
  if (what.kind === 'connect-end') return takeConnectEnd(what, scene);
  if (what.kind === 'inside' || what.kind === 'name') {
    scene.threads.keep(what);
    return [];
  }
  if (what.kind === 'end') return takeEnd(what, scene);
  if (what.kind === 'exit') return takeExit(what, scene);
  return takeHandshake(what, scene);
}

function takeCall(call: Call, record: CallRecord, scene: Scene): TraceEvent[] {
  const events: TraceEvent[] = [];
  const connection = see(record, record.time, libraryOf(record, scene), scene, events);
  const payload = scene.calls.finish(call);
  countCall(record, payload, connection, scene);
  if (record.deed !== 'peek') events.push(...follow({kind: 'data'}, record, connection, scene));
  events.push(dataEvent(record, payload, connection, scene));
  if (payload.shortened > 0) scene.onShort(payload.shortened, record.carried);
  return events;
}

function libraryOf(record: {readonly functionId: number}, {legend}: Scene): string {
  return legend.functionOf(record.functionId).library;
}

/** The connection of a record. Seen for the first time, it opens, and what the same pointer stood for before has closed. */
function see(
  key: ConnectionKey,
  time: bigint,
  library: string | undefined,
  scene: Scene,
  events: TraceEvent[],
  {place, side}: {readonly place?: Place | undefined; readonly side?: 'client' | 'server' | undefined} = {},
): Connection {
  const {connections, processes} = scene;
  const known = connections.find(key, time);
  if (known) return known;
  const process = processes.of(key.pid);
  const named = processes.name(process);
  if (named) events.push(named);
  const before = connections.openAt(key.pid, key.session);
  const since = BigInt(`0x${key.since}`);
  // Its X record was lost: it closed no later than this.
  if (before && since >= before.sinceTime) events.push(...close(before, since, scene));
  const connection = connections.add(key, process, processes.nextId(key.pid));
  if (place) connection.place = place;
  events.push({
    type: 'connection',
    event: 'open',
    time: scene.clock(connection.sinceTime),
    pid: key.pid,
    ...(process.comm !== undefined && {comm: process.comm}),
    ...(library !== undefined && {library}),
    connection: refOf(connection),
    ...(side && {side}),
  });
  // A record of the one before, so late that its successor has come: closed at once, and the pointer is the successor's again.
  if (before && since < before.sinceTime) {
    events.push(...close(connection, before.sinceTime, scene));
    connections.reopen(before);
  }
  return connection;
}

function close(
  connection: Connection,
  time: bigint,
  scene: Scene,
  how: 'ended' | 'exited' = 'ended',
): ConnectionEvent[] {
  scene.connections.close(connection, time, how);
  const {process, sinceTime, totals} = connection;
  return [
    {
      type: 'connection',
      event: 'close',
      time: scene.clock(time),
      pid: process.pid,
      ...(process.comm !== undefined && {comm: process.comm}),
      connection: refOf(connection),
      ...(scene.countsBytes && {bytesSent: totals.bytesSent, bytesReceived: totals.bytesReceived}),
      durationNs: time > sinceTime ? Number(time - sinceTime) : 0,
    },
  ];
}

/** Peeks count apart: what they show, a later call will move. */
function countCall(
  record: CallRecord,
  payload: Payload,
  connection: Connection,
  {accounting, connections}: Scene,
): void {
  const {deed, offset, length, carried} = record;
  accounting.events++;
  connection.process.totals.events++;
  const end = offset + (deed === 'peek' ? 0 : length);
  connections.grow(connection, deed === 'send' ? 0 : end, deed === 'send' ? end : 0);
  if (deed === 'peek') return;
  connections.arrive(connection, length - payload.lost);
  accounting.captured += payload.bytes.length;
  accounting.cutInCalls += length - carried;
  accounting.shortened += payload.shortened;
}

function dataEvent(record: CallRecord, payload: Payload, connection: Connection, {clock, legend}: Scene): DataEvent {
  const {before, process} = connection;
  const {library, name} = legend.functionOf(record.functionId);
  const isSent = record.deed === 'send';
  const event: DataEvent = {
    type: 'data',
    time: clock(record.time),
    pid: record.pid,
    tid: record.tid,
    library,
    function: name,
    direction: isSent ? 'send' : 'receive',
    connection: refOf(connection),
    offset: Math.max(0, record.offset - (isSent ? before.sent : before.received)),
    length: record.length,
    captured: payload.bytes.length,
    payload: payload.bytes.toString('base64'),
    latencyNs: record.latencyNs,
  };
  if (process.uid !== undefined) event.uid = process.uid;
  if (process.comm !== undefined) event.comm = process.comm;
  if (payload.gaps.length > 0) event.gaps = payload.gaps;
  if (record.deed === 'peek') event.peek = true;
  return event;
}

function takeProcess(record: ProcessRecord, {processes}: Scene): TraceEvent[] {
  const named = processes.name(processes.of(record.pid), record);
  return named ? [named] : [];
}

/** It may come again: a session can be given another socket. */
function takeAddress(record: AddressRecord, scene: Scene): TraceEvent[] {
  const events: TraceEvent[] = [];
  const connection = see(record, record.time, libraryOf(record, scene), scene, events, {place: record.place});
  connection.place = record.place;
  return events;
}

function takeSystemCall(call: Call, record: SystemCallRecord, scene: Scene): TraceEvent[] {
  const {calls, legend, processes, connections, descriptors, threads, accounting, clock} = scene;
  const payload = calls.finish(call);
  const {name} = legend.functionOf(record.functionId);
  const process = processes.of(record.pid);
  const named = processes.name(process);
  const {inside, name: unixName} = threads.take(record);
  const connection = inside && connections.find({...inside, pid: record.pid}, record.time);
  const fd = opens.has(name) && record.result >= 0 ? record.result : record.fd;
  const socket = descriptors.find(record.pid, fd, record.mark);
  if (name === 'close') descriptors.forget(record.pid, fd);
  accounting.countSystemCall(payload);
  if (payload.shortened > 0) scene.onShort(payload.shortened, record.carried);
  const event = socketEvent(
    {record, name, payload, socket, unixName, process, connection: connection && refOf(connection)},
    clock(record.time),
  );
  return named ? [named, event] : [event];
}

function takeConnectEnd(record: ConnectEndRecord, {processes, descriptors, clock}: Scene): TraceEvent[] {
  const process = processes.of(record.pid);
  const socket = descriptors.find(record.pid, record.fd, record.mark);
  return [connectEndEvent(record, socket, process, clock(record.time))];
}

/** Their result is the descriptor of a new socket. */
const opens = new Set(['socket', 'accept', 'accept4']);

function takeEnd(record: EndRecord, scene: Scene): TraceEvent[] {
  const events: TraceEvent[] = [];
  const connection = see(record, record.time, undefined, scene, events);
  scene.accounting.ended++;
  scene.connections.grow(connection, record.received, record.sent);
  if (!connection.end) {
    events.push(...follow({kind: 'end'}, record, connection, scene), ...close(connection, record.time, scene));
  }
  return events;
}

function takeExit({pid, time}: ExitRecord, scene: Scene): TraceEvent[] {
  const process = scene.processes.exit(pid);
  const unfinished = follow({kind: 'exit'}, {pid, time, session: ''}, undefined, scene, process);
  const closed = [...(process?.open ?? [])].flatMap((connection) => [
    ...follow({kind: 'end'}, {pid, time, session: connection.session}, connection, scene),
    ...close(connection, time, scene, 'exited'),
  ]);
  return [...unfinished, ...closed];
}

/** In an O record: seen outside of any library's call. Its descriptor is then what the bytes are known by. */
const noSession = '0';
const wireOf = (channel: string) => `descriptor ${channel}`;

/** Bytes of the connection itself: they count nowhere, and only tell of the handshake. */
function takeOctets(call: Call, record: OctetsRecord, scene: Scene): TraceEvent[] {
  const {direction, channel, isByBio, errno} = record;
  const parts = partsOf(scene.calls.finish(call), record.length);
  const sign = {kind: 'octets', direction, channel, isByBio, errno, parts} as const;
  if (record.session === noSession) return follow(sign, {...record, session: wireOf(channel)}, undefined, scene);
  return follow(sign, record, scene.connections.openAt(record.pid, record.session), scene);
}

/** Bytes that came, and the lengths of what is missing between and after them. */
function partsOf({bytes, gaps}: Payload, length: number): (Buffer | number)[] {
  const parts: (Buffer | number)[] = [];
  let [position, taken] = [0, 0];
  for (const [start, missing] of [...gaps, [length, 0] as const]) {
    const piece = bytes.subarray(taken, taken + start - position);
    if (piece.length > 0) parts.push(piece);
    const lost = missing + (start - position - piece.length);
    if (lost > 0) parts.push(lost);
    taken += piece.length;
    position = start + missing;
  }
  return parts;
}

/** OpenSSL manual, SSL_connect(3), SSL_accept(3), SSL_set_connect_state(3): each makes the session one end of its connection. */
const rolesByFunction: ReadonlyMap<string, 'client' | 'server'> = new Map([
  ['SSL_connect', 'client'],
  ['SSL_set_connect_state', 'client'],
  ['SSL_accept', 'server'],
  ['SSL_set_accept_state', 'server'],
]);

function takeHandshake(record: HandshakeRecord, scene: Scene): TraceEvent[] {
  if (record.kind === 'error' || record.kind === 'verdict' || record.kind === 'subject') {
    return follow(record, record, scene.connections.openAt(record.pid, record.session), scene);
  }
  if (record.kind === 'wire-end') {
    return follow(record, {...record, session: wireOf(record.channel)}, undefined, scene);
  }
  const events: TraceEvent[] = [];
  const {library, name} = scene.legend.functionOf(record.functionId);
  const role = rolesByFunction.get(name);
  const connection = see(record, record.time, library, scene, events, {side: role});
  const isHandshake = deedOf(record.functionId) === 'handshake';
  const sign = {...record, function: name, library, isHandshake, ...(role && {role})};
  events.push(...follow(sign, record, connection, scene));
  return events;
}

function follow(
  sign: HandshakeSign,
  where: {readonly time: bigint; readonly pid: number; readonly tid?: number; readonly session: string},
  connection: Connection | undefined,
  {handshakes, showsHandshakes, clock, processes, accounting}: Scene,
  process: Process | undefined = connection?.process ?? processes.find(where.pid),
): TraceEvent[] {
  if (!handshakes) return [];
  const {uid, comm} = process ?? {};
  const signer: HandshakeSigner = {
    time: clock(where.time),
    nsecs: where.time,
    pid: where.pid,
    session: where.session,
    ...(where.tid !== undefined && {tid: where.tid}),
    ...(uid !== undefined && {uid}),
    ...(comm !== undefined && {comm}),
    ...(connection && {connection: refOf(connection)}),
  };
  const events = handshakes.take(sign, signer);
  for (const event of events) accounting.countHandshake(event);
  return events.filter(
    (event) => showsHandshakes || event.type === 'error' || (event.result !== 'ok' && event.result !== 'unknown'),
  );
}

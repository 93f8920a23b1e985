import type {DataEvent} from '../../events.js';
import type {DecoderHost, ProtocolDecoder} from '../decoder.js';
import {type Exchange, exchangeToMessage} from '../exchange.js';
import {GrpcCounter, isGrpc} from '../grpc.js';
import type {Gap, Header, Reset} from '../message.js';
import {addGap, Part} from '../part.js';
import type {BytesPiece, HolePiece} from '../streams.js';
import {errorName} from './error-names.js';
import {FrameReader} from './frame-reader.js';
import {type HeaderBlock, HeaderBlocks} from './header-blocks.js';
import {type DecodedBlock, HpackDecoder} from './hpack.js';
import {type FrameHeader, flag, frameType} from './plausible-frames.js';
import {StreamTable} from './stream-table.js';

type Direction = DataEvent['direction'];
type Role = 'request' | 'response';

/** What is known of one direction. */
interface Lane {
  readonly reader: FrameReader;
  readonly blocks: HeaderBlocks;
  readonly hpack: HpackDecoder;
  /** Frames may have been missed, so a stream may appear that was never opened. */
  hasMissed: boolean;
  /** Gaps that no open stream could be told of, for the next one. */
  pendingGaps: Gap[];
}

/**
 * HTTP/2 (RFC 9113): frames of both directions, paired by stream. SETTINGS_HEADER_TABLE_SIZE is not followed: a sender
 * announces the size that it uses in the header block itself (RFC 7541, 4.2).
 */
export class Http2Connection implements ProtocolDecoder {
  readonly protocol = 'http/2';
  readonly #lanes: Record<Direction, Lane>;
  readonly #streams = new StreamTable();
  #clientDirection: Direction | undefined;

  constructor(private readonly host: DecoderHost) {
    this.#lanes = {send: this.#lane('send'), receive: this.#lane('receive')};
  }

  bytes(piece: BytesPiece): undefined {
    this.#lanes[piece.event.direction].reader.bytes(piece);
  }

  hole(direction: Direction, piece: HolePiece): void {
    this.#lanes[direction].reader.hole(piece);
  }

  /** The connection, or the capture, has ended: what is still open is reported as it is. */
  close(): void {
    for (const direction of ['send', 'receive'] as const) {
      for (const block of this.#lanes[direction].blocks.cut()) this.#onBlock(direction, block, this.host.lastEvent());
    }
    for (const id of [...this.#streams.open.keys()]) this.#emit(id);
    for (const lane of Object.values(this.#lanes)) for (const gap of lane.pendingGaps) this.host.gap(gap);
  }

  #lane(direction: Direction): Lane {
    const {headBytes, headers} = this.host.limits;
    const reader = new FrameReader(
      direction,
      {
        onPreface: () => {
          this.#clientDirection = direction;
        },
        onFrame: (header, payload, isWhole, event) => this.#onFrame(direction, header, payload, isWhole, event),
        onData: (id, bytes, event) => {
          const part = this.#dataPart(direction, id, event);
          if (part) part.addBody(bytes);
          else this.host.opaque(direction, bytes.length);
        },
        onDataHole: (id, gap, event) => {
          const part = this.#dataPart(direction, id, event);
          if (part) part.addBodyHole(gap);
          else addGap(this.#lanes[direction].pendingGaps, gap);
        },
        onDataEnd: (header, event) => {
          if (header.flags & flag.endStream) this.#end(direction, header.streamId, event);
        },
        onJoin: () => this.#miss(direction),
        onLoss: (gap) => this.#onLoss(direction, gap),
      },
      headBytes,
      this.host.holding,
    );
    return {
      reader,
      blocks: new HeaderBlocks(headBytes, this.host.holding),
      hpack: new HpackDecoder(headers, this.host.holding),
      hasMissed: false,
      pendingGaps: [],
    };
  }

  #onFrame(direction: Direction, header: FrameHeader, payload: Buffer, isWhole: boolean, event: DataEvent): void {
    for (const block of this.#lanes[direction].blocks.push(header, payload, isWhole)) {
      this.#onBlock(direction, block, event);
    }
    if (header.type === frameType.resetStream) {
      this.#reset(header.streamId, direction, 'RST_STREAM', errorName(payload, 0));
    } else if (header.type === frameType.goAway && payload.length >= 4) {
      const last = payload.readUInt32BE(0) & 0x7fffffff;
      const refused = [...this.#streams.open.keys()].filter(
        (id) => id > last && id % 2 === this.#peerParity(direction),
      );
      for (const id of refused) this.#reset(id, direction, 'GOAWAY', errorName(payload, 4));
    }
  }

  /** Clients open streams with odd numbers: those that a GOAWAY of this direction can refuse are the other's. */
  #peerParity(direction: Direction): number {
    return direction === this.#clientDirection ? 0 : 1;
  }

  #onBlock(direction: Direction, block: HeaderBlock, event: DataEvent): void {
    const lane = this.#lanes[direction];
    const decoded = lane.hpack.decode(block.bytes);
    if (block.isCut || decoded.isBroken) this.#miss(direction);
    this.#learnRole(direction, decoded.headers);
    const isPartial = block.isCut || decoded.isBroken || decoded.unknown > 0 || decoded.dropped > 0;
    if (block.promisedId) {
      const part = this.#open(block.promisedId, 'request', direction, event);
      if (part) addHead(part, decoded, isPartial);
      this.#describe(block.promisedId, 'request', decoded.headers);
      const exchange = this.#streams.open.get(block.promisedId);
      if (exchange) exchange.isPushed = true;
      if (part) part.isEnded = true;
      return;
    }
    const role = this.#role(direction);
    if (!role || block.streamId === 0 || this.#streams.isClosed(block.streamId)) return;
    this.#addBlock(block, decoded, isPartial, role, direction, event);
    if (block.endsStream) this.#end(direction, block.streamId, event);
  }

  #addBlock(
    block: HeaderBlock,
    decoded: DecodedBlock,
    isPartial: boolean,
    role: Role,
    direction: Direction,
    event: DataEvent,
  ): void {
    const id = block.streamId;
    const status = role === 'response' ? statusOf(decoded.headers) : undefined;
    if (status !== undefined && status < 200 && !block.endsStream) {
      this.#exchange(id).informational.push(status);
      return;
    }
    const existing = this.#streams.open.get(id)?.[role]?.part;
    const part = existing ?? this.#open(id, role, direction, event);
    if (!part) return;
    part.endedAt = event.time;
    const isHead = !existing && (hasPseudo(decoded.headers) || decoded.unknown > 0 || isPartial);
    if (isHead) {
      addHead(part, decoded, isPartial);
      this.#describe(id, role, decoded.headers);
      this.#watchBody(id, role, part);
    } else {
      part.holdHead(block.bytes.length);
      part.trailers = [...(part.trailers ?? []), ...decoded.headers];
      if (isPartial || !existing) part.isPartial = true;
    }
  }

  /** Fills in what the pseudo-header fields say; they are not repeated among the headers. */
  #describe(id: number, role: Role, headers: readonly Header[]): void {
    const exchange = this.#streams.open.get(id);
    const value = (name: string) => headers.find((header) => header.name === name)?.value;
    if (role === 'request' && exchange?.request) {
      const authority = value(':authority') ?? value('host');
      Object.assign(exchange.request, {
        method: value(':method'),
        target: value(':path') ?? (value(':method') === 'CONNECT' ? authority : undefined),
        scheme: value(':scheme'),
        authority,
      });
    } else if (role === 'response' && exchange?.response) exchange.response.status = statusOf(headers);
  }

  #watchBody(id: number, role: Role, part: Part): void {
    const requestType = this.#streams.open.get(id)?.request?.part.header('content-type');
    const type = part.header('content-type');
    if (isGrpc(type) || (role === 'response' && type === undefined && isGrpc(requestType)))
      part.grpc = new GrpcCounter();
    if (role === 'response') part.watchEvents();
  }

  #dataPart(direction: Direction, id: number, event: DataEvent): Part | undefined {
    const role = this.#role(direction);
    if (!role || this.#streams.isClosed(id)) return undefined;
    const existing = this.#streams.open.get(id)?.[role]?.part;
    const part = existing ?? (this.#lanes[direction].hasMissed ? this.#open(id, role, direction, event) : undefined);
    if (!part) return undefined;
    if (!existing) part.isPartial = true;
    part.endedAt = event.time;
    return part;
  }

  #open(id: number, role: Role, direction: Direction, event: DataEvent): Part | undefined {
    if (id === 0 || this.#streams.isClosed(id)) return undefined;
    const part = new Part(this.host, event);
    const lane = this.#lanes[direction];
    for (const gap of lane.pendingGaps) addGap(part.gaps, gap);
    lane.pendingGaps = [];
    const exchange = this.#exchange(id);
    if (role === 'request') exchange.request = {part, version: '2'};
    else exchange.response = {part, version: '2'};
    return part;
  }

  #exchange(id: number): Exchange {
    const existing = this.#streams.open.get(id);
    if (existing) return existing;
    const oldest = this.#streams.oldest();
    if (oldest !== undefined && this.#streams.open.size >= this.host.limits.openExchanges) this.#emit(oldest);
    const exchange: Exchange = {informational: [], streamId: id};
    this.#streams.open.set(id, exchange);
    return exchange;
  }

  #end(direction: Direction, id: number, event: DataEvent): void {
    const role = this.#role(direction);
    const exchange = this.#streams.open.get(id);
    const part = role && exchange?.[role]?.part;
    if (!exchange || !part) return;
    part.isEnded = true;
    part.endedAt = event.time;
    const request = exchange.request?.part;
    // A request whose end went missing would otherwise wait for ever.
    const isRequestOver = !request || request.isEnded || request.isPartial;
    if (exchange.response?.part.isEnded && isRequestOver) this.#emit(id);
  }

  #reset(id: number, direction: Direction, frame: Reset['frame'], code: string): void {
    const exchange = this.#streams.open.get(id);
    const role = this.#role(direction);
    if (!exchange || !role) {
      this.#streams.close(id);
      return;
    }
    exchange.reset = {by: role === 'request' ? 'client' : 'server', frame, code};
    this.#emit(id);
  }

  #emit(id: number): void {
    const exchange = this.#streams.open.get(id);
    this.#streams.close(id);
    if (!exchange || !this.#clientDirection) return;
    const side = this.#clientDirection === 'send' ? 'client' : 'server';
    const message = exchangeToMessage(exchange, 'http/2', side, this.host.connection());
    if (message) this.host.emit(message);
  }

  #onLoss(direction: Direction, gap: Gap): void {
    if (gap.kind === 'skipped') this.host.opaque(direction, gap.length);
    for (const block of this.#lanes[direction].blocks.cut()) this.#onBlock(direction, block, this.host.lastEvent());
    this.#miss(direction);
    const role = this.#role(direction);
    let isTold = false;
    for (const exchange of this.#streams.open.values()) {
      const part = role && exchange[role]?.part;
      if (!part || part.isEnded) continue;
      part.addGap(gap);
      part.grpc?.lose();
      part.serverSentEvents?.hole();
      isTold = true;
    }
    if (!isTold) addGap(this.#lanes[direction].pendingGaps, gap);
  }

  #miss(direction: Direction): void {
    const lane = this.#lanes[direction];
    lane.hasMissed = true;
    lane.hpack.lose();
  }

  #learnRole(direction: Direction, headers: readonly Header[]): void {
    if (this.#clientDirection) return;
    const other = direction === 'send' ? 'receive' : 'send';
    if (headers.some(({name}) => name === ':status')) this.#clientDirection = other;
    else if (headers.some(({name}) => name === ':method' || name === ':path')) this.#clientDirection = direction;
  }

  #role(direction: Direction): Role | undefined {
    if (!this.#clientDirection) return undefined;
    return direction === this.#clientDirection ? 'request' : 'response';
  }
}

function addHead(part: Part, decoded: DecodedBlock, isPartial: boolean): void {
  part.headers = decoded.headers.filter(({name}) => !name?.startsWith(':'));
  part.holdHead(decoded.headers.reduce((sum, {name, value}) => sum + (name?.length ?? 0) + (value?.length ?? 0), 0));
  if (isPartial) part.isPartial = true;
  if (decoded.isBroken) part.oddities.add('broken header block');
  if (decoded.dropped > 0) part.oddities.add('too many headers');
}

function hasPseudo(headers: readonly Header[]): boolean {
  return headers.some(({name}) => name?.startsWith(':'));
}

function statusOf(headers: readonly Header[]): number | undefined {
  const value = headers.find(({name}) => name === ':status')?.value;
  return value !== undefined && /^\d{3}$/.test(value) ? Number(value) : undefined;
}

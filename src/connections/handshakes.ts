import type {ErrorEvent, HandshakeEvent, HandshakeFollower, HandshakeSign, HandshakeSigner} from '../model.js';
import {explain} from './explain.js';
import type {Ending} from './failure/facts.js';
import {
  describeError,
  describeVerify,
  type OpenSslError,
  type RaisedError,
  type VerifyResult,
} from './openssl-errors.js';
import {TlsConversation, type WireFacts} from './tls-records.js';
import {type CertificateNames, readCertificate} from './wire/certificates.js';
import {hasRecordStart} from './wire/record-header.js';
import {isOfWire, told, WireHandshakes, whoOf} from './wire-handshakes.js';

export interface HandshakesOptions {
  /** The version of the OpenSSL in a process, where it is known. */
  readonly versionOf: (pid: number) => string | undefined;
}

type Outcome = HandshakeSign & {kind: 'outcome'};
type Octets = HandshakeSign & {kind: 'octets'};
type Failure = HandshakeEvent | ErrorEvent;

/** Sessions followed at once, at most: as many as a script's map holds. */
const maxSessions = 32_768;
/** Descriptors that one handshake may use; files are read in it too (trusted certificates). */
const maxChannels = 8;
const maxErrors = 64;
/** Certificates that were decoded and may be the peer's: trusted ones are decoded too, before and after. */
const maxCertificates = 16;

/** ERR_LIB_SSL in openssl/err.h. */
const sslLibrary = 20;
/** And ERR_LIB_SYS: errors of other libraries, which older scripts print too, come and go while algorithms are looked up. */
const tellingLibraries: ReadonlySet<number> = new Set([sslLibrary, 2]);
/** Linux, asm-generic/errno.h. */
const errnos = {again: 11, brokenPipe: 32, reset: 104} as const;

/** Follows the handshakes of OpenSSL sessions from the first call to the last, and says how each went. */
export class Handshakes implements HandshakeFollower {
  readonly #sessions = new Map<string, SessionSigns>();
  readonly #wires = new WireHandshakes();
  readonly #options: HandshakesOptions;

  constructor(options: HandshakesOptions) {
    this.#options = options;
  }

  take(sign: HandshakeSign, signer: HandshakeSigner): readonly Failure[] {
    if (sign.kind === 'exit') return this.#wires.exit(signer);
    if (isOfWire(signer)) return this.#wires.take(sign, signer);
    const key = `${signer.pid}|${signer.session}`;
    const known = this.#sessions.get(key);
    if (sign.kind === 'end') {
      this.#sessions.delete(key);
      return known?.give(sign, signer) ?? [];
    }
    if (sign.kind === 'data' && !known) return [];
    const session = known ?? new SessionSigns(signer, this.#options.versionOf(signer.pid), this.#wires);
    if (!known) {
      this.#sessions.set(key, session);
      if (this.#sessions.size > maxSessions) this.#sessions.delete(this.#sessions.keys().next().value as string);
    }
    return session.give(sign, signer);
  }
}

interface Channel {
  readonly conversation: TlsConversation;
  /** A BIO's; else a descriptor's. */
  readonly isByBio: boolean;
  hasSent: boolean;
  /** How the last transfer went, where it moved nothing. */
  state?: 'closed' | 'reset' | 'waits';
}

/** What was seen of one session. */
class SessionSigns {
  readonly #version: string | undefined;
  readonly #wires: WireHandshakes;
  readonly #channels = new Map<string, Channel>();
  readonly #bios: {receive?: string; send?: string} = {};
  #startedAt: bigint;
  #calls = 0;
  /** A handshake function was called: there is a handshake, whatever the wire shows. */
  #isCalled = false;
  #role?: 'client' | 'server';
  #library?: string;
  /** Errors of the call under way; those of calls that went well, or only wanted to be called again, mean nothing. */
  #raised: RaisedError[] = [];
  #verdict?: number;
  #decoded: {readonly pointer: string; readonly names: CertificateNames}[] = [];
  #peersCertificates?: readonly CertificateNames[];
  #isDone = false;
  #hasFailed = false;
  #last: HandshakeSigner;
  /** What the handshake showed, for failures after it. */
  #shown?: {readonly role?: 'client' | 'server'; readonly wire: WireFacts};

  constructor(signer: HandshakeSigner, version: string | undefined, wires: WireHandshakes) {
    this.#wires = wires;
    this.#startedAt = signer.nsecs;
    this.#version = version;
    this.#last = signer;
  }

  give(sign: HandshakeSign, signer: HandshakeSigner): readonly Failure[] {
    this.#last = {...this.#last, ...signer};
    switch (sign.kind) {
      case 'begin':
        this.#isCalled = sign.isHandshake;
        this.#role = sign.role;
        this.#library = sign.library;
        return [];
      case 'error':
        if (tellingLibraries.has(sign.library) && this.#raised.length < maxErrors) this.#raised.push(raisedError(sign));
        return [];
      case 'verdict':
        this.#verdict = sign.code;
        return [];
      case 'subject':
        this.#takeSubject(sign.pointer);
        return [];
      case 'octets':
        if (sign.direction === 'certificate') this.#takeCertificate(sign);
        else this.#takeOctets(sign, sign.direction);
        return [];
      case 'outcome':
        return this.#takeOutcome(sign);
      case 'data':
        return this.#isDone ? [] : this.#finish('ok');
      case 'end':
        // A process that dies in its first call leaves the wire alone to tell.
        return this.#isDone || (this.#calls === 0 && !this.#isCalled && !this.#isOnWire())
          ? []
          : this.#finish('abandoned', this.#ending() ?? 'freed');
      default: // signs of what goes over descriptors alone
        return [];
    }
  }

  /** A certificate of which something is missing is none. */
  #takeCertificate({channel, parts}: Octets): void {
    const [bytes] = parts;
    const names = parts.length === 1 && Buffer.isBuffer(bytes) ? readCertificate(bytes) : undefined;
    if (this.#isDone || !names) return;
    this.#decoded.push({pointer: channel, names});
    if (this.#decoded.length > maxCertificates) this.#decoded.shift();
  }

  /** The peer's own certificate is the one to be verified; those of its chain were decoded right after it. */
  #takeSubject(pointer: string): void {
    const index = this.#decoded.findLastIndex((each) => each.pointer === pointer);
    if (index < 0 || this.#peersCertificates) return;
    this.#peersCertificates = this.#decoded.slice(index).map(({names}) => names);
  }

  #takeOctets({channel: name, isByBio, parts, errno}: Octets, direction: 'receive' | 'send'): void {
    if (this.#isDone || (isByBio && !this.#isOwnBio(name, direction, parts))) return;
    // A session may read from one BIO and write to another.
    const key = isByBio ? 'BIO' : name;
    const channel = this.#channels.get(key) ?? {conversation: new TlsConversation(), isByBio, hasSent: false};
    if (!this.#channels.has(key) && this.#channels.size >= maxChannels) return;
    this.#channels.set(key, channel);
    if (direction === 'send' && parts.length > 0) channel.hasSent = true;
    for (const part of parts) {
      if (typeof part === 'number') channel.conversation.skip(direction, part);
      else channel.conversation.push(direction, part);
    }
    this.#wires.claim(channel.conversation.clientRandom);
    const state = parts.length > 0 ? undefined : stateOf(direction, errno);
    if (state === undefined) delete channel.state;
    else channel.state = state;
  }

  #takeOutcome(sign: Outcome): readonly Failure[] {
    if (this.#calls === 0) this.#startedAt = this.#last.nsecs - BigInt(sign.latencyNs);
    this.#library = sign.library;
    const errors = this.#raised;
    this.#raised = [];
    const hasError = errors.some(({library}) => library === sslLibrary);
    const isGood = wentWell(sign, hasError);
    if (this.#isDone) return this.#hasFailed || isGood ? [] : this.#fail(sign, errors);
    this.#calls++;
    if (sign.isHandshake) {
      this.#isCalled = true;
      this.#role ??= sign.role;
    }
    if (isGood) return sign.isHandshake && sign.result !== 1 ? [] : this.#finish('ok');
    const ending = this.#ending();
    const isOver = hasError || ending === 'closed' || ending === 'reset';
    if (!isOver) return [];
    if (!this.#isKnown(this.#isOnWire())) {
      this.#isDone = true;
      return this.#fail(sign, errors);
    }
    return this.#finish('failed', ending, errors);
  }

  /** Data may be called for on a connection whose handshake was over before tls-kit came. */
  #isKnown(isOnWire: boolean): boolean {
    return this.#isCalled || this.#role !== undefined || isOnWire;
  }

  /**
   * What goes through a BIO that gathers messages goes through the one behind it again: the first tells all. Messages are also
   * written to a BIO that is only hashed (ssl3_finish_mac in ssl/s3_enc.c), without the header of a record.
   */
  #isOwnBio(name: string, direction: 'receive' | 'send', [first]: Octets['parts']): boolean {
    if (direction === 'send' && this.#bios.send === undefined) {
      if (!Buffer.isBuffer(first) || !hasRecordStart(first)) return false;
    }
    this.#bios[direction] ??= name;
    return this.#bios[direction] === name;
  }

  #isOnWire(): boolean {
    return [...this.#channels.values()].some(({conversation}) => conversation.isTls);
  }

  /** The connection's own: where TLS is spoken, else where something was sent, else the first; a descriptor before a BIO. */
  #channel(): Channel | undefined {
    const channels = [...this.#channels.values()].sort((one, other) => Number(one.isByBio) - Number(other.isByBio));
    return (
      channels.find(({conversation}) => conversation.isTls) ?? channels.find(({hasSent}) => hasSent) ?? channels[0]
    );
  }

  #ending(): Ending | undefined {
    const state = this.#channel()?.state;
    return state === 'waits' ? 'timeout' : state;
  }

  #finish(
    result: 'abandoned' | 'failed' | 'ok',
    ending?: Ending,
    raised: readonly RaisedError[] = [],
  ): readonly Failure[] {
    this.#isDone = true;
    this.#hasFailed = result !== 'ok';
    const conversation = this.#channel()?.conversation ?? new TlsConversation();
    conversation.end();
    const role = this.#role ?? conversation.facts().role;
    const wire = this.#withCertificates(conversation.facts(), role);
    const isTold = this.#isKnown(conversation.isTls);
    this.#channels.clear();
    this.#decoded = [];
    this.#shown = {wire, ...(role && {role})};
    if (!isTold) return [];
    const {time, nsecs} = this.#last;
    const errors = this.#describe(raised);
    const verify = this.#verify();
    return [
      {
        type: 'handshake',
        ...whoOf(this.#last),
        ...(this.#library !== undefined && {library: this.#library}),
        source: 'library',
        ...(role && {role}),
        result,
        ...(result !== 'ok' &&
          explain({...this.#shown, errors, ...(verify && {verify}), ...(ending && {ending}), time})),
        durationNs: Number(nsecs - this.#startedAt),
        calls: this.#calls,
        ...told(wire),
        ...(verify && {verify}),
        ...(errors.length > 0 && {errors}),
      },
    ];
  }

  /** TLS 1.3 hides certificates on the wire: those that the library took apart. */
  #withCertificates(wire: WireFacts, role: 'client' | 'server' | undefined): WireFacts {
    if (!this.#peersCertificates) return wire;
    return role === 'server'
      ? {clientCertificates: this.#peersCertificates, ...wire}
      : {certificates: this.#peersCertificates, ...wire};
  }

  /** A call that failed though no handshake was under way. */
  #fail({function: name, library}: Outcome, raised: readonly RaisedError[]): readonly Failure[] {
    const errors = this.#describe(raised);
    if (errors.length === 0) return [];
    const {time} = this.#last;
    return [
      {
        type: 'error',
        ...whoOf(this.#last),
        library,
        function: name,
        ...explain({...this.#shown, errors, time}),
        errors,
      },
    ];
  }

  #verify(): VerifyResult | undefined {
    if (this.#verdict === undefined || this.#verdict === 0) return undefined;
    return describeVerify(this.#verdict, undefined, this.#version);
  }

  #describe(raised: readonly RaisedError[]): OpenSslError[] {
    return raised.map((error) => describeError(error, this.#version));
  }
}

function stateOf(direction: 'receive' | 'send', errno: number): Channel['state'] {
  if (errno === errnos.reset || errno === errnos.brokenPipe) return 'reset';
  if (errno === errnos.again) return direction === 'receive' ? 'waits' : undefined;
  return errno === 0 && direction === 'receive' ? 'closed' : undefined;
}

function raisedError({library, reason, functionNumber, line, file, function: name}: HandshakeSign & {kind: 'error'}) {
  return {library, reason, functionNumber, line, file, function: name};
}

/**
 * A write of nothing (`openssl s_client` completes its handshake by one) gives 0; where the handshake is not over, or fails, writes give
 * less (ssl3_write_bytes in ssl/record/rec_layer_s3.c).
 */
function wentWell({function: name, result}: Outcome, hasError: boolean): boolean {
  return result > 0 || (result === 0 && name === 'SSL_write' && !hasError);
}

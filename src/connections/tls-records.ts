import type {CertificateNames} from './wire/certificates.js';
import type {ClientHello} from './wire/client-hello.js';
import type {Direction, WireFacts} from './wire/facts.js';
import type {ServerHello} from './wire/server-hello.js';
import {type StreamState, TlsStream, type WireItem} from './wire/tls-stream.js';

export type {CertificateNames} from './wire/certificates.js';
export type {Direction, Offered, PlainAnswer, WireAlert, WireFacts} from './wire/facts.js';

/**
 * The handshake of one connection, from the first bytes that a process sent and received, in pieces of any size. It keeps
 * no more than one handshake message and a few kilobytes each way, takes any bytes, and says only what they prove.
 */
export class TlsConversation {
  readonly #streams = {send: new TlsStream(), receive: new TlsStream()};
  readonly #plain: {direction: Direction; protocol?: string; line?: string}[] = [];
  readonly #facts: WireFacts = {alerts: [], serverHello: false, clientHello: false, incomplete: []};
  #clientSessionId?: string;
  #clientRandom?: string;

  /** Nothing more can be learnt: all that follows is encrypted, or no TLS. */
  get isDone(): boolean {
    return this.#streams.send.isDone && this.#streams.receive.isDone;
  }

  /** Of the first ClientHello, in hexadecimal: what two views of one handshake share. */
  get clientRandom(): string | undefined {
    return this.#clientRandom;
  }

  push(direction: Direction, bytes: Buffer): void {
    this.#take(direction, this.#streams[direction].push(bytes));
  }

  /** Bytes that moved and were not captured (cut off, or lost). */
  skip(direction: Direction, length: number): void {
    this.#take(direction, this.#streams[direction].skip(length));
  }

  /** No more bytes: what had begun is read as far as it came. */
  end(): void {
    this.#take('send', this.#streams.send.end());
    this.#take('receive', this.#streams.receive.end());
  }

  /** A side was seen to speak TLS, or SSL 2.0. Until then the facts say nothing, unless the process is known to try TLS. */
  get isTls(): boolean {
    return this.#facts.sslv2 === true || this.#streams.send.isTls || this.#streams.receive.isTls;
  }

  facts(): WireFacts {
    const opening = this.#streams.send.opening ?? this.#streams.receive.opening;
    // What was said before an opening, or in a direction where TLS came after it, is no answer to TLS.
    const plain = opening ? undefined : this.#plain.find(({direction}) => !this.#streams[direction].isTls);
    return {
      ...this.#facts,
      ...(opening && {opening}),
      ...(plain && {plainAnswer: plain}),
      incomplete: [...this.#facts.incomplete, ...this.#gaps()],
    };
  }

  #take(direction: Direction, items: readonly WireItem[]): void {
    for (const item of items) this.#note(direction, item);
  }

  #note(direction: Direction, item: WireItem): void {
    if (item.kind === 'Alert') this.#facts.alerts.push({name: item.name, level: item.level, direction});
    else if (item.kind === 'PlainText') this.#plain.push({direction, ...said(item)});
    else if (item.kind === 'Sslv2Hello') this.#noteSender('client', direction, {sslv2: true});
    else {
      if (item.extent !== 'whole') this.#facts.incomplete.push(`${direction}: ${item.kind} ${item.extent}`);
      if (item.kind === 'ClientHello') this.#noteClientHello(direction, item);
      else if (item.kind === 'Certificate') this.#noteCertificates(direction, item.certificates);
      else if (item.kind === 'CertificateRequest') this.#facts.certificateRequested = true;
      else this.#noteServerHello(direction, item);
    }
  }

  /** The first hello tells the offer and its JA4; the second, after a HelloRetryRequest, repeats it. */
  #noteClientHello(direction: Direction, hello: ClientHello): void {
    this.#clientSessionId = hello.sessionId;
    if (this.#facts.clientHello) return;
    if (hello.random !== undefined) this.#clientRandom = hello.random;
    const {versions, ciphers, alpn, groups, signatureAlgorithms} = hello;
    this.#noteSender('client', direction, {
      clientHello: true,
      offered: present({versions, ciphers, alpn, groups, signatureAlgorithms}),
      ...present({serverName: hello.serverName, ja4: hello.ja4}),
    });
  }

  #noteServerHello(direction: Direction, hello: ServerHello): void {
    const {version, cipher, alpn, group} = hello;
    if (hello.kind === 'HelloRetryRequest') {
      this.#noteSender('server', direction, {helloRetry: true, ...present({version, cipher, group})});
      return;
    }
    this.#noteSender('server', direction, {serverHello: true, ...present({version, cipher, alpn, group})});
    this.#facts.resumed = isResumed(hello, this.#clientSessionId);
    if (this.#facts.resumed === undefined) delete this.#facts.resumed;
    this.#streams[other(direction)].expectNoSecondHello();
  }

  #noteCertificates(direction: Direction, certificates: readonly CertificateNames[]): void {
    const isServers = (direction === 'send') === (this.#facts.role === 'server');
    if (isServers) this.#facts.certificates = certificates;
    else this.#facts.clientCertificates = certificates;
  }

  #noteSender(sender: 'client' | 'server', direction: Direction, facts: Partial<WireFacts>): void {
    this.#facts.role ??= (sender === 'client') === (direction === 'send') ? 'client' : 'server';
    Object.assign(this.#facts, facts);
  }

  #gaps(): string[] {
    const telling: readonly StreamState[] = ['lost', 'broken', 'late'];
    const directions = (['send', 'receive'] as const).filter((each) => telling.includes(this.#streams[each].state));
    return directions.map((direction) => `${direction}: ${this.#streams[direction].state}`);
  }
}

/** TLS 1.3: a pre-shared key was accepted. Before: the session id of the client came back. */
function isResumed(hello: ServerHello, clientSessionId: string | undefined): boolean | undefined {
  if (hello.acceptsPsk || hello.version === 'TLSv1.3') return hello.acceptsPsk;
  if (clientSessionId === undefined || hello.sessionId === undefined || hello.version === undefined) return undefined;
  return hello.sessionId !== '' && hello.sessionId === clientSessionId;
}

function said({protocol, line}: {protocol?: string; line?: string}): {protocol?: string; line?: string} {
  return present({protocol, line});
}

function other(direction: Direction): Direction {
  return direction === 'send' ? 'receive' : 'send';
}

/** The same without what is undefined: absent means unknown. */
function present<Fields extends object>(fields: Fields): {[Key in keyof Fields]?: NonNullable<Fields[Key]>} {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [Key in keyof Fields]?: NonNullable<Fields[Key]>;
  };
}

import type {CertificateNames} from './certificates.js';
import type {PlainText} from './plain-text.js';

export type Direction = 'receive' | 'send';

/** What one side said in the clear instead of TLS. */
export interface PlainAnswer extends Omit<PlainText, 'kind'> {
  readonly direction: Direction;
}

export interface WireAlert {
  readonly name: string;
  readonly level: 'fatal' | 'warning';
  readonly direction: Direction;
}

/** What the client offered. A list is absent unless it was read to its end. */
export interface Offered {
  readonly versions?: readonly string[];
  readonly ciphers?: readonly string[];
  readonly alpn?: readonly string[];
  readonly groups?: readonly string[];
  readonly signatureAlgorithms?: readonly string[];
}

/** What the bytes of a connection prove about its handshake. An absent field is unknown, or hidden by encryption. */
export interface WireFacts {
  /** Which end the process is whose `send` and `receive` were given. */
  role?: 'client' | 'server';
  /** The protocol that spoke in plain before TLS. */
  opening?: string;
  offered?: Offered;
  serverName?: string;
  ja4?: string;
  version?: string;
  cipher?: string;
  /** The protocol chosen, up to TLS 1.2. */
  alpn?: string;
  /** The key exchange group chosen, in TLS 1.3. */
  group?: string;
  /** A session was taken up again, or a pre-shared key was used. */
  resumed?: boolean;
  /** The server asked for a second ClientHello. */
  helloRetry?: true;
  /** The server's certificates, its own first: up to TLS 1.2. */
  certificates?: readonly CertificateNames[];
  /** The server asked for a certificate, and the client's answer: up to TLS 1.2. */
  certificateRequested?: true;
  clientCertificates?: readonly CertificateNames[];
  alerts: WireAlert[];
  /** A ServerHello came, as far as can be seen. */
  serverHello: boolean;
  clientHello: boolean;
  plainAnswer?: PlainAnswer;
  /** The client spoke SSL 2.0. */
  sslv2?: true;
  /** Why something may be missing: each `direction: state or message that was cut`. */
  incomplete: string[];
}

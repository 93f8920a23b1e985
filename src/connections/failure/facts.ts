import type {OpenSslError, VerifyResult} from '../openssl-errors.js';
import {receivedAlert} from '../openssl-errors.js';
import type {WireAlert, WireFacts} from '../wire/facts.js';

/**
 * How the connection ended, where that was seen. `closed` and `reset`: by the peer (a read gave 0, or ECONNRESET or EPIPE).
 * `timeout`: given up by this process while it waited. `freed`: given up by this process (SSL_free or close).
 */
export type Ending = 'closed' | 'freed' | 'reset' | 'timeout';

/** All that is known of a handshake that failed. */
export interface FailureFacts {
  /** Which end this process is. */
  readonly role?: 'client' | 'server';
  /** In the order in which they were raised. */
  readonly errors?: readonly OpenSslError[];
  readonly verify?: VerifyResult;
  readonly wire?: Partial<WireFacts>;
  readonly ending?: Ending;
  /** Alerts that the library itself showed, beside those in the clear on the wire. */
  readonly alerts?: readonly WireAlert[];
  /** When it failed: RFC 3339, UTC. */
  readonly time?: string;
  /** The server name that this client asked for, where the wire did not show it. */
  readonly serverName?: string;
}

/** Raised when a program shuts down a connection whose handshake has failed already (3.x): a consequence, never the cause. */
const consequence = 'shutdown while in init';

/** The first error that the SSL library raised for one of these reasons, in OpenSSL's words: a number can change its meaning. */
export function raised(facts: FailureFacts, ...texts: readonly string[]): OpenSslError | undefined {
  return causal(facts).find(({library, text}) => library === 'SSL routines' && texts.includes(text));
}

/** The errors that can be a cause. */
export function causal({errors = []}: FailureFacts): readonly OpenSslError[] {
  return errors.filter(({library, text}) => library !== 'SSL routines' || text !== consequence);
}

/** The alert that ended the handshake, one way. close_notify ends a connection in peace, and a warning ends nothing. */
export function fatalAlert(facts: FailureFacts, direction: 'receive' | 'send'): string | undefined {
  const fromErrors = direction === 'receive' ? causal(facts).map(receivedAlert) : [];
  const fromWire =
    facts.wire?.alerts?.filter((alert) => alert.direction === direction && alert.level === 'fatal') ?? [];
  const shown = facts.alerts?.filter((alert) => alert.direction === direction) ?? [];
  const names = [...fromErrors, ...fromWire.map(({name}) => name), ...shown.map(({name}) => name)];
  return names.find((name) => name !== undefined && name !== 'close_notify');
}

/** Who sits at the other end, and at this one. */
export function sides({role}: FailureFacts): {peer: string; self: string; peers: string; selfs: string} {
  if (role === undefined) return {peer: 'the peer', self: 'this side', peers: "the peer's", selfs: "this side's"};
  const peer = role === 'client' ? 'the server' : 'the client';
  return {peer, self: `this ${role}`, peers: `${peer}'s`, selfs: `this ${role}'s`};
}

export function serverName(facts: FailureFacts): string | undefined {
  return facts.wire?.serverName ?? facts.serverName;
}

/** ` (a, b, c and 4 more)`, or nothing where the list is not known. */
export function listed(items: readonly string[] | undefined): string {
  if (!items || items.length === 0) return '';
  const shown = items.slice(0, 3).join(', ');
  return ` (${shown}${items.length > 3 ? ` and ${items.length - 3} more` : ''})`;
}

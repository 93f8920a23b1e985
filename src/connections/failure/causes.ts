import type {PlainAnswer} from '../wire/facts.js';
import {alertMeaning} from './alert-meanings.js';
import {causal, type FailureFacts, fatalAlert, listed, raised, sides} from './facts.js';
import {verifyCause} from './verify-causes.js';

/** One thing that can go wrong. `sentence` gives undefined where it is not what happened. */
export interface Cause {
  readonly cause: string | ((facts: FailureFacts) => string);
  readonly sentence: (facts: FailureFacts) => string | undefined;
}

/**
 * What can go wrong, the surest and most telling first: a refused certificate, a reason of this side's own, an alert of the
 * peer, something else than TLS, an alert of this side, the end of the connection. Reasons are those of sslerr.h; which of
 * them a failure raises was seen with s_client and s_server of 1.1.1, 3.0, 3.5 and 3.6, which agree.
 */
export const causes: readonly Cause[] = [
  {
    cause: (facts) => verifyCause(facts)?.cause ?? 'certificate-refused',
    sentence: (facts) =>
      raised(facts, 'certificate verify failed') ? (verifyCause(facts)?.explanation ?? refused(facts)) : undefined,
  },
  {
    cause: 'sslv2-hello',
    sentence: ({wire}) => (wire?.sslv2 ? 'the client spoke SSL 2.0, which is refused everywhere' : undefined),
  },
  {
    cause: 'no-shared-cipher',
    sentence: when(
      ['no shared cipher'],
      ({wire}) =>
        `no shared cipher: the client offers none that this server has enabled${listed(wire?.offered?.ciphers)}`,
    ),
  },
  {
    // The server names the first two when it reads the ClientHello, the client when it reads the ServerHello.
    cause: 'version-mismatch',
    sentence: when(
      ['unsupported protocol', 'version too low', 'unknown protocol', 'wrong ssl version'],
      ({role, wire}) =>
        role === 'client'
          ? `no TLS version in common: the server chose one that this client refuses${listed(wire?.version ? [wire.version] : [])}`
          : `no TLS version in common: the client offers none that ${role ? 'this server' : 'this side'} has enabled${listed(wire?.offered?.versions)}`,
    ),
  },
  {
    cause: 'no-version-enabled',
    sentence: when(['no protocols available'], () => 'no TLS version is enabled on this side'),
  },
  {
    cause: 'no-cipher-enabled',
    sentence: when(['no ciphers available'], () => 'no cipher is enabled on this side for the TLS versions it may use'),
  },
  {
    cause: 'alpn-mismatch',
    sentence: when(
      ['no application protocol'],
      ({wire}) =>
        `no application protocol in common: the client offers${listed(wire?.offered?.alpn) || ' none'} that this server does not speak`,
    ),
  },
  {
    cause: 'client-certificate-missing',
    sentence: when(
      ['peer did not return a certificate'],
      () => 'the client sent no certificate, and this server requires one',
    ),
  },
  {
    cause: 'no-shared-group',
    sentence: when(
      ['no suitable key share'],
      ({wire}) =>
        `no key exchange group in common: the client offers none that this server has enabled${listed(wire?.offered?.groups)}`,
    ),
  },
  {
    cause: 'no-shared-signature-algorithm',
    sentence: when(
      ['no suitable signature algorithm'],
      () => 'no signature algorithm in common that fits the certificate of this side',
    ),
  },
  {
    cause: (facts) => (answeredInPlain(facts)?.protocol === 'HTTP' ? 'http-answer' : 'http-request'),
    sentence: (facts) => {
      const answer = answeredInPlain(facts);
      if (answer?.protocol === 'HTTP') return `not TLS: ${speaker(facts, answer)} answered with HTTP${quoted(answer)}`;
      if (answer?.protocol === 'an HTTP request') {
        return `not TLS: ${speaker(facts, answer)} sent an HTTP request${quoted(answer)}`;
      }
      return raised(facts, 'http request', 'https proxy request') && 'not TLS: the peer sent an HTTP request';
    },
  },
  {
    cause: 'not-tls',
    sentence: (facts) => {
      const answer = answeredInPlain(facts);
      if (!answer) return raised(facts, 'wrong version number') && 'not TLS: what the peer sent is no TLS record';
      return `not TLS: ${speaker(facts, answer)} sent ${answer.protocol ?? 'bytes that are no TLS record'}${quoted(answer)}`;
    },
  },
  {
    cause: (facts) => `peer-alert-${(fatalAlert(facts, 'receive') ?? '').replaceAll('_', '-')}`,
    sentence: (facts) => {
      const name = fatalAlert(facts, 'receive');
      return name === undefined ? undefined : `peer sent alert ${name}${alertMeaning(name, 'peer', facts)}`;
    },
  },
  {
    cause: 'protocol-error',
    sentence: (facts) => {
      // Messages out of order, of a wrong length, or that fail their check; the last three: a record that is no good.
      const error = raised(
        facts,
        'unexpected message',
        'length mismatch',
        'length too short',
        'bad extension',
        'bad length',
        'ciphersuite digest has changed',
        'not on record boundary',
        'decryption failed or bad record mac',
        'decryption failed',
        'packet length too long',
        'encrypted length too long',
      );
      return error && `the peer broke the protocol: ${error.text}`;
    },
  },
  {
    cause: (facts) => `sent-alert-${(fatalAlert(facts, 'send') ?? '').replaceAll('_', '-')}`,
    sentence: (facts) => {
      const name = fatalAlert(facts, 'send');
      // 3.x says decode_error to a peer that is gone: the end of the stream is the cause.
      if (name === undefined || raised(facts, 'unexpected eof while reading')) return undefined;
      const [error] = causal(facts);
      return `${sides(facts).self} sent alert ${name}${alertMeaning(name, 'self', facts)}${error ? ` (${error.text})` : ''}`;
    },
  },
  {cause: 'reset', sentence: (facts) => (isReset(facts) ? `peer reset the connection ${stage(facts)}` : undefined)},
  {
    cause: (facts) => (awaitsFirstAnswer(facts) ? `closed-before-${awaited(facts)}` : 'closed-during-handshake'),
    sentence: (facts) => (isClosed(facts) ? `peer closed ${stage(facts)}` : undefined),
  },
  {
    cause: 'timeout',
    sentence: (facts) => (facts.ending === 'timeout' ? `given up waiting for the peer ${stage(facts)}` : undefined),
  },
  {
    cause: 'openssl-error',
    sentence: (facts) => {
      const [first] = causal(facts);
      return first && `${first.text} (${first.library}${first.function ? `, ${first.function}` : ''})`;
    },
  },
  {
    cause: 'abandoned',
    sentence: (facts) => (facts.ending === 'freed' ? `given up by this process ${stage(facts)}` : undefined),
  },
];

/** A row for reasons that this side itself raised. */
function when(reasons: readonly string[], sentence: (facts: FailureFacts) => string): Cause['sentence'] {
  return (facts) => (raised(facts, ...reasons) ? sentence(facts) : undefined);
}

function refused(facts: FailureFacts): string {
  return `${sides(facts).peers} certificate was refused: certificate verify failed`;
}

/**
 * What was said instead of TLS. Plain text alone proves nothing (a protocol may open that is not known here): the other
 * side must have spoken TLS, or the library must have found that this is none.
 */
function answeredInPlain(facts: FailureFacts): PlainAnswer | undefined {
  const {wire} = facts;
  const isSeen = wire?.clientHello || wire?.serverHello || (wire?.alerts?.length ?? 0) > 0;
  const isFound = raised(facts, 'wrong version number', 'http request', 'https proxy request') !== undefined;
  return isSeen || isFound ? wire?.plainAnswer : undefined;
}

function speaker(facts: FailureFacts, answer: PlainAnswer): string {
  return answer.direction === 'send' ? sides(facts).self : 'the peer';
}

function quoted({line}: PlainAnswer): string {
  return line ? ` (${line})` : '';
}

/** ECONNRESET and EPIPE, as Linux numbers them. */
function isReset(facts: FailureFacts): boolean {
  return (
    facts.ending === 'reset' ||
    causal(facts).some(({library, reason}) => library === 'system library' && (reason === 104 || reason === 32))
  );
}

/** 1.1.1 raises no error for the end of a stream; close_notify is the polite way to end one. */
function isClosed(facts: FailureFacts): boolean {
  const isTold = facts.wire?.alerts?.some(({name, direction}) => name === 'close_notify' && direction === 'receive');
  return facts.ending === 'closed' || isTold === true || raised(facts, 'unexpected eof while reading') !== undefined;
}

function awaitsFirstAnswer({role, wire}: FailureFacts): boolean {
  if (!wire || (wire.incomplete?.length ?? 0) > 0) return false;
  return role === 'client' ? wire.serverHello === false : role === 'server' && wire.clientHello === false;
}

function awaited({role}: FailureFacts): 'client-hello' | 'server-hello' {
  return role === 'client' ? 'server-hello' : 'client-hello';
}

/** Where it stood, as far as the wire showed it: without the wire, or with a gap in it, less is said. */
function stage(facts: FailureFacts): string {
  if (awaitsFirstAnswer(facts)) return facts.role === 'client' ? 'before ServerHello' : 'before its ClientHello';
  const isAnswered = facts.role === 'client' ? facts.wire?.serverHello : facts.wire?.clientHello;
  return isAnswered
    ? `during the handshake, after its ${facts.role === 'client' ? 'ServerHello' : 'ClientHello'}`
    : 'during the handshake';
}

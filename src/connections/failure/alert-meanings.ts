import {type FailureFacts, listed, serverName, sides} from './facts.js';

/** What an alert says, by name: `sender` sent it, `receiver` got it. Empty where RFC 8446, 6.2 says no more than the name. */
const meanings: Readonly<Record<string, (context: Context) => string>> = {
  handshake_failure: ({sender, receiver, senderIsServer, facts}) => {
    const noCertificate = senderIsServer && facts.wire?.clientCertificates?.length === 0;
    if (noCertificate) return `${sender} had asked for a client certificate, and ${receiver} sent none`;
    return `${sender} found nothing in common${senderIsServer ? ' in the ciphers, groups and signature algorithms offered' : ''}`;
  },
  protocol_version: ({sender, senderIsServer, facts}) =>
    senderIsServer
      ? `${sender} accepts none of the TLS versions offered${listed(facts.wire?.offered?.versions)}`
      : `${sender} refuses the TLS version chosen${listed(facts.wire?.version === undefined ? [] : [facts.wire.version])}`,
  no_application_protocol: ({sender, facts}) =>
    `${sender} speaks none of the protocols offered${listed(facts.wire?.offered?.alpn)}`,
  unrecognized_name: ({sender, facts}) => {
    const name = serverName(facts);
    return `${sender} does not know the server name${name ? ` ${name}` : ''}`;
  },
  certificate_required: ({sender}) => `${sender} requires a client certificate, and none was sent`,
  certificate_expired: ({sender, owned}) => `${sender} refused ${owned} certificate as expired, or not valid yet`,
  certificate_revoked: ({sender, owned}) => `${sender} refused ${owned} certificate as revoked`,
  certificate_unknown: ({sender, owned}) => `${sender} refused ${owned} certificate`,
  unsupported_certificate: ({sender, owned}) => `${sender} does not support ${owned} kind of certificate`,
  bad_certificate: ({sender, owned}) =>
    `${sender} refused ${owned} certificate (wrong host, not valid yet, or damaged)`,
  unknown_ca: ({sender, owned}) => `${sender} does not trust the issuer of ${owned} certificate`,
  no_certificate: ({sender}) => `${sender} has no certificate to send`,
  access_denied: ({sender, owned}) => `${sender} accepted ${owned} certificate, but denies access`,
  decrypt_error: ({sender}) => `${sender} could not verify a signature or a key exchange`,
  decode_error: ({sender}) => `${sender} could not read a message`,
  illegal_parameter: ({sender}) => `${sender} found a value out of range, or not matching what was said before`,
  insufficient_security: ({sender}) => `${sender} demands stronger ciphers than were offered`,
  inappropriate_fallback: ({sender}) => `${sender} speaks a newer TLS version than this retry offered`,
  internal_error: ({sender}) => `${sender} failed for reasons of its own`,
  missing_extension: ({sender}) => `${sender} missed an extension that TLS 1.3 requires`,
  unknown_psk_identity: ({sender}) => `${sender} does not know the pre-shared key offered`,
  user_canceled: ({sender}) => `${sender} gave up for a reason outside TLS`,
};

interface Context {
  readonly sender: string;
  readonly receiver: string;
  readonly senderIsServer: boolean;
  /** Whose certificate the sender judges: the receiver's. */
  readonly owned: string;
  readonly facts: FailureFacts;
}

/** `: what the alert says`, or nothing where the name says it all, or where it is not known which end this is. */
export function alertMeaning(name: string, sentBy: 'peer' | 'self', facts: FailureFacts): string {
  if (facts.role === undefined) return '';
  const {peer, self, peers, selfs} = sides(facts);
  const isPeers = sentBy === 'peer';
  const meaning = meanings[name]?.({
    sender: isPeers ? peer : self,
    receiver: isPeers ? self : peer,
    senderIsServer: isPeers ? facts.role === 'client' : facts.role === 'server',
    owned: isPeers ? selfs : peers,
    facts,
  });
  return meaning === undefined ? '' : `: ${meaning}`;
}

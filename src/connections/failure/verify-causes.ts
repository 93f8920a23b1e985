import type {VerifyResult} from '../openssl-errors.js';
import type {CertificateNames} from '../wire/certificates.js';
import {type FailureFacts, serverName, sides} from './facts.js';

/** Why a certificate was refused: by X509_V_ERR_* name, a stable cause and the sentence after the owner ("the server's"). */
interface VerifyCause {
  readonly cause: string;
  readonly sentence: (certificate: Named) => string;
}

/** A certificate at the depth of the failure. */
interface Named {
  /** `the server's certificate`, or `a certificate in the server's chain` where it is not known which. */
  readonly title: string;
  readonly names: CertificateNames;
  readonly facts: FailureFacts;
}

const unknownIssuer: VerifyCause = {
  cause: 'unknown-ca',
  sentence: ({title, names}) =>
    `unknown CA: no trusted certificate of the issuer${names.issuer ? ` (CN=${names.issuer})` : ''} of ${title}, and the chain sent does not lead to one`,
};

const wrongHost: VerifyCause = {
  cause: 'wrong-host',
  sentence: ({title, names, facts}) => {
    const asked = serverName(facts);
    const named = names.names?.join(', ') ?? names.subject;
    return `${title} is not for the host asked for${asked ? ` (server name ${asked})` : ''}${named ? `: it names ${named}` : ''}`;
  },
};

const verifyCauses: Readonly<Record<string, VerifyCause>> = {
  X509_V_ERR_CERT_HAS_EXPIRED: {
    cause: 'certificate-expired',
    sentence: ({title, names}) =>
      `${title} has expired${known(names.subject, names.notAfter && `valid until ${names.notAfter}`)}`,
  },
  X509_V_ERR_CERT_NOT_YET_VALID: {
    cause: 'certificate-not-yet-valid',
    sentence: ({title, names}) =>
      `${title} is not yet valid${known(names.subject, names.notBefore && `valid from ${names.notBefore}`)}, or the clock of this machine is wrong`,
  },
  X509_V_ERR_HOSTNAME_MISMATCH: wrongHost,
  X509_V_ERR_IP_ADDRESS_MISMATCH: wrongHost,
  X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT: {
    cause: 'self-signed',
    sentence: ({title, names}) => `unknown CA: ${title} is self-signed${known(names.subject)} and not trusted here`,
  },
  X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN: {
    cause: 'unknown-ca',
    sentence: ({names}) => `unknown CA: self-signed certificate in chain${known(names.subject)}, not trusted here`,
  },
  X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT: unknownIssuer,
  X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownIssuer,
  X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownIssuer,
  X509_V_ERR_CERT_REVOKED: {
    cause: 'certificate-revoked',
    sentence: ({title, names}) => `${title} has been revoked${known(names.subject)}`,
  },
  X509_V_ERR_UNABLE_TO_GET_CRL: {
    cause: 'no-crl',
    sentence: ({title}) => `no revocation list (CRL) at hand to check ${title} against`,
  },
  X509_V_ERR_CRL_HAS_EXPIRED: {
    cause: 'crl-expired',
    sentence: ({title}) => `the revocation list (CRL) that ${title} is checked against has expired`,
  },
  X509_V_ERR_INVALID_PURPOSE: {
    cause: 'wrong-purpose',
    sentence: ({title, names}) =>
      `${title} is not meant for this purpose (its key usage says so)${known(names.subject)}`,
  },
};

/** Undefined unless a certificate was refused. */
export function verifyCause(facts: FailureFacts): {cause: string; explanation: string} | undefined {
  const {verify} = facts;
  if (!verify || verify.code === 0) return undefined;
  const named = failingCertificate(facts, verify);
  const row = verifyCauses[verify.name ?? ''];
  if (row) return {cause: row.cause, explanation: row.sentence(named)};
  return {
    cause: 'certificate-refused',
    explanation: `${named.title} was refused: ${verify.text}${known(named.names.subject)}`,
  };
}

/** These errors are about the peer's own certificate, whatever the depth says. */
const aboutOwn = new Set([
  'X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT',
  'X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'X509_V_ERR_HOSTNAME_MISMATCH',
  'X509_V_ERR_IP_ADDRESS_MISMATCH',
]);

/** Names a certificate only where it is certain which one failed: by its depth, by what the error is about, or by its dates. */
function failingCertificate(facts: FailureFacts, verify: VerifyResult): Named {
  const {peers} = sides(facts);
  const chain = (facts.role === 'server' ? facts.wire?.clientCertificates : facts.wire?.certificates) ?? [];
  const depth = aboutOwn.has(verify.name ?? '') ? 0 : (verify.depth ?? depthByDates(chain, verify.name, facts.time));
  if (depth === undefined) return {title: `a certificate in ${peers} chain`, names: {}, facts};
  if (depth === 0) return {title: `${peers} certificate`, names: chain[0] ?? {}, facts};
  return {title: `a CA certificate in ${peers} chain`, names: issuerAt(chain, depth), facts};
}

function depthByDates(
  chain: readonly CertificateNames[],
  name: string | undefined,
  time: string | undefined,
): number | undefined {
  if (time === undefined) return undefined;
  const isWrong = ({notBefore, notAfter}: CertificateNames) =>
    name === 'X509_V_ERR_CERT_HAS_EXPIRED'
      ? notAfter !== undefined && Date.parse(notAfter) < Date.parse(time)
      : name === 'X509_V_ERR_CERT_NOT_YET_VALID' && notBefore !== undefined && Date.parse(notBefore) > Date.parse(time);
  const depth = chain.findIndex(isWrong);
  return depth < 0 ? undefined : depth;
}

/**
 * The names of an issuer, where the chain that was sent links up to it. OpenSSL may have found another certificate of the
 * same name in its own store, so its dates say nothing.
 */
function issuerAt(chain: readonly CertificateNames[], depth: number): CertificateNames {
  const isLinked = chain.slice(0, depth).every(({issuer}, index) => issuer && issuer === chain[index + 1]?.subject);
  const {subject, issuer} = (isLinked ? chain[depth] : undefined) ?? {};
  return {...(subject && {subject}), ...(issuer && {issuer})};
}

/** ` (CN=…, …)` of what is known. */
function known(commonName: string | undefined, ...more: readonly (string | undefined)[]): string {
  const parts = [commonName === undefined ? undefined : `CN=${commonName}`, ...more].filter((part) => part);
  return parts.length > 0 ? ` (${parts.join(', ')})` : '';
}

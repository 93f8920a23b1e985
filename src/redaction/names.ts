/** A name that says: what I name is a secret. Compared in small letters, without what is no letter and no digit. */
const secretPart = new RegExp(
  [
    ...['passw', 'passphrase', 'passcode', 'passwd', 'pwd', 'secret', 'token', 'credential', 'authorization', 'cookie'],
    ...[
      'apikey',
      'accesskey',
      'privatekey',
      'authkey',
      'sharedkey',
      'accountkey',
      'masterkey',
      'clientkey',
      'licensekey',
    ],
    ...[
      'sessionkey',
      'signingkey',
      'encryptionkey',
      'subscriptionkey',
      'functionskey',
      'sessionid',
      'sessid',
      'sessiontoken',
    ],
    ...['jwt', 'bearer', 'assertion', 'samlre', 'signature', 'onetimecode', 'verificationcode', 'securitycode'],
    ...['creditcard', 'cardnumber', 'authcode', 'xauth', 'clientcert'],
  ].join('|'),
);
const secretWords = new Set(
  [
    'pass',
    'pw',
    'auth',
    'sig',
    'sid',
    'connectsid',
    'session',
    'otp',
    'totp',
    'mfa',
    'pin',
    'cvv',
    'cvc',
    'psk',
    'hmac',
  ].concat(['creds', 'userpwd', 'ssn', 'passin', 'passout']),
);

/** Header fields and parameters that have such a name and are none. */
const harmless = new Set(['accesscontrolallowcredentials', 'tokentype', 'maxtokens', 'totaltokens', 'prompttokens']);
const rememberedNames = 10_000;

/** Tells whether a name is that of a secret. @param more names that a user added, taken as they are but for case and signs. */
export function createSecretNames(more: readonly string[] = []): (name: string) => boolean {
  const added = new Set(more.map(plain));
  const remembered = new Map<string, boolean>();
  return (name) => {
    const known = remembered.get(name);
    if (known !== undefined) return known;
    const word = plain(name);
    const isSecret = added.has(word) || secretWords.has(word) || (secretPart.test(word) && !harmless.has(word));
    if (remembered.size >= rememberedNames) remembered.clear();
    remembered.set(name, isSecret);
    return isSecret;
  };
}

/** A name without its escapes (%5B, \u005b), its case and its signs. */
function plain(name: string): string {
  return name
    .replace(/(?:%|\\u00|\\x)([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '');
}

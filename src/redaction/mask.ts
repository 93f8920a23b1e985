import {createHmac, randomBytes} from 'node:crypto';

/** How a secret is told by its name, and what stands in its place. */
export interface Mask {
  isSecret(name: string): boolean;
  replace(secret: string): string;
  /** Short texts that were searched and held no secret: header lines come again and again. */
  readonly harmless: Set<string>;
}

const tagPattern = /^<redacted \d+B #[0-9a-f]{4}>$/;
const rememberedTags = 1000;

/**
 * Tags for secrets: how long each is (in bytes of UTF-8), and four digits that are the same for the same secret. They are keyed by a
 * key that is made here and kept nowhere, so that nobody can try secrets against them.
 */
export function createTags(onTag: () => void): (secret: string) => string {
  const key = randomBytes(32);
  const remembered = new Map<string, string>();
  return (secret) => {
    if (secret === '' || tagPattern.test(secret)) return secret;
    onTag();
    let tag = remembered.get(secret);
    if (tag === undefined) {
      const digest = createHmac('sha256', key).update(secret).digest('hex');
      tag = `<redacted ${Buffer.byteLength(secret)}B #${digest.slice(0, 4)}>`;
      if (remembered.size >= rememberedTags) remembered.clear();
      remembered.set(secret, tag);
    }
    return tag;
  };
}

/** Asterisks of the secret's own length: what stands behind keeps its place. For text that is one character a byte. */
export function asterisks(secret: string): string {
  return '*'.repeat(secret.length);
}

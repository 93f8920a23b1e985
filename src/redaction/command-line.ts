import {maskField} from './fields.js';
import type {Mask} from './mask.js';
import {maskText} from './text.js';

/** Options whose next word (or rest) is a secret, of programs that name them by one letter. */
const shortSecrets: readonly (readonly [RegExp, RegExp])[] = [
  [/^(?:mysql|mariadb|mysqldump|mysqladmin|sshpass|mongo|mongosh|mongodump)/, /^-p/],
  [/^redis-cli/, /^-a/],
  [/^(?:ldap\w+|samba\w*|net)$/, /^-w/],
  [/^(?:curl|http|https|xh)$/, /^-(?:b|E)/],
];
/** `user:password` follows. */
const users = /^(?:-u|-U|--user|--proxy-user|--auth|-a)$/;
const fields = /^(?:-H|--header|--proxy-header)$/;

/** The words of a command with their secrets masked. */
export function maskCommand(words: readonly string[], mask: Mask): string[] {
  const program = (words[0] ?? '').replace(/^.*\//, '');
  const short = shortSecrets.find(([name]) => name.test(program))?.[1];
  return words.map((word, index) => {
    const before = index > 0 ? (words[index - 1] as string) : '';
    if (index === 0) return maskText(word, mask);
    if (
      short &&
      before.length === 2 &&
      short.test(before) &&
      !(program.startsWith('mysql') || program.startsWith('maria'))
    )
      return mask.replace(word);
    if (short?.test(word) && word.length > 2 && !word.startsWith('--'))
      return word.slice(0, 2) + mask.replace(word.slice(2));
    if (users.test(before) && word.includes(':')) return maskUser(word, mask);
    if (/^-[uU]./.test(word) && word.includes(':')) return word.slice(0, 2) + maskUser(word.slice(2), mask);
    if (fields.test(before)) return maskLine(word, mask);
    if (/^-H./.test(word)) return `-H${maskLine(word.slice(2), mask)}`;
    if (/^--?[a-z]/i.test(before) && !before.includes('=') && isSecretOption(before, mask) && !word.startsWith('--'))
      return mask.replace(word);
    return maskScript(word, mask);
  });
}

function isSecretOption(option: string, mask: Mask): boolean {
  const name = option.replace(/^--?/, '');
  return name.length > 1 && mask.isSecret(name);
}

function maskUser(word: string, mask: Mask): string {
  const colon = word.indexOf(':');
  return word.slice(0, colon + 1) + mask.replace(word.slice(colon + 1));
}

function maskLine(line: string, mask: Mask): string {
  const colon = line.indexOf(':');
  if (colon < 0) return maskText(line, mask);
  const blanks = /^\s*/.exec(line.slice(colon + 1))?.[0] ?? '';
  const from = colon + 1 + blanks.length;
  return line.slice(0, from) + maskField(line.slice(0, colon), line.slice(from), mask);
}

/** A word that may be a script of its own (`sh -c '...'`). */
function maskScript(word: string, mask: Mask): string {
  const masked = maskText(word, mask);
  if (!masked.includes(' ')) return masked;
  return masked
    .replaceAll(
      /((?:^|\s)(?:-u|-U|--user|--proxy-user)[\s=]{0,8}["']?[^\s:"']{0,256}:)([^\s"']{1,1024})/g,
      (_, before: string, secret: string) => before + mask.replace(secret),
    )
    .replaceAll(
      /(\s--?([a-z][\w-]{1,64})\s{1,8}["']?)([^\s"'-][^\s"']{0,1024})/gi,
      (whole, before: string, name: string, value: string) =>
        mask.isSecret(name) ? before + mask.replace(value) : whole,
    );
}

import {execa} from 'execa';
import {TlsKitError} from '../errors.js';

/** The user who called sudo. */
export interface Caller {
  readonly uid: number;
  readonly gid: number;
  readonly name: string;
  readonly home: string;
}

/** (uid_t) -1 means "no change" to the kernel and is nobody's: setreuid(2). */
const maxUid = 0xffff_fffe;

/** The number of a user, who is named or numbered. Throws BAD_VALUE. */
export async function uidOf(user: string): Promise<number> {
  if (/^\d+$/.test(user) && Number(user) <= maxUid) return Number(user);
  const found = await readUser(user);
  if (found?.name === user) return found.uid;
  throw new TlsKitError('BAD_VALUE', `There is no user ${JSON.stringify(user)} on this machine.`, [
    'See the users of processes: ps -eo user,uid,pid,comm',
    'Give the number: --uid 1000',
  ]);
}

/** Who called sudo, by the SUDO_UID that it sets, see sudo(8); undefined without sudo, and for root. Only root may be told. */
export async function callerOf(env: Readonly<Record<string, string | undefined>>): Promise<Caller | undefined> {
  const uid = env.SUDO_UID ?? '';
  if (!/^[1-9]\d*$/.test(uid) || process.geteuid?.() !== 0) return undefined;
  return readUser(uid);
}

/** Asks getent(1), by name or number, so that users of a directory service count. The fields are those of passwd(5). */
async function readUser(key: string): Promise<Caller | undefined> {
  if (key.startsWith('-')) return undefined; // an option to getent, and no name anywhere
  const {stdout = '', failed} = await execa('getent', ['passwd', key], {reject: false});
  const [name, , uid, gid, , home] = (stdout.split('\n', 1)[0] ?? '').split(':');
  if (failed || !name || !home || !/^\d+$/.test(uid ?? '') || !/^\d+$/.test(gid ?? '')) return undefined;
  return {name, uid: Number(uid), gid: Number(gid), home};
}

import {access} from 'node:fs/promises';
import {TlsKitError} from '../errors.js';
import type {Library, Target} from '../model.js';
import {readMaps} from './maps.js';
import {readThreadGroup} from './process.js';
import {listPids, Survey, toTargets} from './survey.js';

/**
 * The TLS libraries that processes have mapped or linked in, one target for each library in each underlying file, those that
 * cannot be traced among them, with the reason. Without pids: those of every process that this user may see.
 * Throws NO_SUCH_PROCESS and NOT_ROOT for pids that are named; those that were found, and may have ended since, are passed over.
 */
export async function findTargets(
  libraries: readonly Library[],
  who: {readonly pids?: readonly number[]; readonly found?: readonly number[]} = {},
): Promise<readonly Target[]> {
  for (const pid of who.pids ?? []) await checkProcess(pid);
  const survey = new Survey(libraries);
  for (const pid of who.pids ?? who.found ?? (await listPids())) await survey.add(pid);
  return survey.files.flatMap(toTargets);
}

async function checkProcess(pid: number): Promise<void> {
  const isThere = await access(`/proc/${pid}`).then(
    () => true,
    () => false,
  );
  if (!isThere) {
    const nextSteps = ['See the processes that use TLS: tls-kit targets'];
    throw new TlsKitError('NO_SUCH_PROCESS', `There is no process ${pid}.`, nextSteps);
  }
  const process = await readThreadGroup(pid);
  if (process !== undefined && process !== pid) {
    const message = `${pid} is a thread of process ${process}.`;
    throw new TlsKitError('NO_SUCH_PROCESS', message, [`Name the process: -p ${process}`]);
  }
  await readMaps(pid).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EACCES' && error.code !== 'EPERM') return;
    throw new TlsKitError(
      'NOT_ROOT',
      `Process ${pid} is not yours to look into.`,
      ['Run the same command with sudo.'],
      {
        cause: error,
      },
    );
  });
}

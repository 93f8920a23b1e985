import {basename} from 'node:path';
import {shellWord} from './machine.js';
import type {DataEvent, Process, Target} from './model.js';
import {visible} from './sinks/visible.js';

/** Processes of one name that use one library. */
export interface Use {
  readonly process?: string;
  readonly pids: readonly number[];
  /** What to type to trace them; absent where they cannot be traced. */
  readonly command?: string;
}

export interface UsedTarget extends Target {
  /** How the peers of its connections can be known. See docs/connections.md. */
  readonly attributions: readonly Attribution[];
  readonly uses: readonly Use[];
}

type Attribution = NonNullable<DataEvent['connection']['attribution']>;

/**
 * Who uses each target, and what to type to trace them.
 * @param name only what is named so: a process (as in `ps -o comm`, or its program), a pid, or a library.
 */
export function usesOf(
  targets: readonly Target[],
  processes: readonly Process[],
  name?: string,
): readonly UsedTarget[] {
  return targets.flatMap((target) => {
    const users = target.pids.flatMap((pid) => processes.find((each) => each.pid === pid) ?? []);
    const isNamed = name === undefined || target.library === name || target.variant === name;
    const chosen = isNamed ? users : users.filter((user) => isCalled(user, name));
    if (chosen.length === 0) return [];
    const names = [...new Set(chosen.map(({comm}) => comm))];
    const uses = names.map((comm) =>
      useOf(
        target,
        comm,
        chosen.filter((user) => user.comm === comm),
      ),
    );
    return [{...target, pids: chosen.map(({pid}) => pid), attributions: attributionsOf(target), uses}];
  });
}

/** A program that carries records through memory makes no system call of its connection inside the library's calls. */
function attributionsOf({functions, companion, carries}: Target): readonly Attribution[] {
  const matched: Attribution[] = companion?.functions.includes('BIO_write') ? ['matched'] : [];
  if (carries) return matched;
  return ['nested', ...(functions.includes('SSL_set_fd') ? (['declared'] as const) : []), ...matched];
}

/** TASK_COMM_LEN in linux/sched.h: the kernel keeps 15 bytes of a name. */
const commBytes = 15;

export function isCalled({pid, comm, exe}: Process, name: string): boolean {
  const program = exe === undefined ? undefined : basename(exe.replace(/ \(deleted\)$/, ''));
  const short = Buffer.from(name).subarray(0, commBytes).toString();
  return comm === short || program === name || String(pid) === name;
}

function useOf({library, traceable}: Target, comm: string | undefined, group: readonly Process[]): Use {
  const pids = group.map(({pid}) => pid);
  const isTypable = comm !== undefined && comm !== '' && visible(comm) === comm;
  const who = pids.length > 1 && isTypable ? ['-c', comm] : pids.flatMap((pid) => ['-p', String(pid)]);
  return {
    ...(comm !== undefined && {process: comm}),
    pids,
    ...(traceable && {command: ['sudo', 'tls-kit', 'trace', library, ...who].map(shellWord).join(' ')}),
  };
}

import type {Writable} from 'node:stream';
import {execa} from 'execa';

/** A command that is started, and held until the probes are attached. */
export interface HeldCommand {
  readonly pid: number;
  /** Let it run. */
  release(): void;
  /** Never let it run. */
  discard(): void;
  readonly ended: Promise<CommandEnd>;
}

/** How a command ended: by itself, or by a signal's name. */
export interface CommandEnd {
  readonly exitCode?: number;
  readonly signal?: string;
}

/** Whom a command runs as: the user who called sudo. */
export interface Caller {
  readonly uid: number;
  readonly gid: number;
  readonly name: string;
  readonly home: string;
}

/**
 * Starts a command behind a shell that waits for a line on descriptor 3, then becomes the command: its pid is known before it
 * runs. `setpriv` sets all groups of the caller, which spawn's own uid and gid options would drop.
 * @param outputToErrors the command's standard output goes to ours for errors, so that ours carries the trace alone.
 */
export function holdCommand(words: readonly string[], outputToErrors: boolean, caller?: Caller): HeldCommand {
  const hold = ['sh', '-c', 'read -r _ <&3 || exit 125; exec 3<&-; exec "$@"', 'tls-kit', ...words];
  const asCaller = caller
    ? ['setpriv', `--reuid=${caller.uid}`, `--regid=${caller.gid}`, '--init-groups', '--', ...hold]
    : hold;
  const [file, ...rest] = asCaller as [string, ...string[]];
  const child = execa(file, rest, {
    buffer: false,
    reject: false,
    stdio: ['inherit', outputToErrors ? process.stderr : 'inherit', 'inherit', 'pipe'],
    ...(caller && {env: {HOME: caller.home, USER: caller.name, LOGNAME: caller.name}}),
  });
  const gate = child.stdio[3] as unknown as Writable;
  gate.on('error', () => gate.destroy()); // the command is gone: its end says so
  return {
    pid: child.pid ?? 0,
    release: () => gate.end('\n'),
    discard: () => gate.destroy(),
    ended: child.then(({exitCode, signal}) => ({
      ...(exitCode !== undefined && {exitCode}),
      ...(signal !== undefined && {signal}),
    })),
  };
}

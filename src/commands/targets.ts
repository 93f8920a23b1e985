import {Args} from '@oclif/core';
import {TlsKitCommand} from '../command.js';
import {libraries} from '../libraries/index.js';
import {shellWord} from '../machine.js';
import type {Target} from '../model.js';
import {createTable, visible} from '../sinks/index.js';
import {findTargets, readProcess} from '../targets/index.js';

interface TargetRow extends Target {
  readonly processes: readonly {readonly pid: number; readonly comm?: string}[];
  /** What to type to trace it. */
  readonly command?: string;
}

export default class Targets extends TlsKitCommand {
  static override args = {
    name: Args.string({description: 'Only processes of this name, this pid, or of this library', ignoreStdin: true}),
  };

  static override summary = 'List the processes that use TLS, and what to type to trace them';

  static override examples = [
    'sudo <%= config.bin %> <%= command.id %>',
    'sudo <%= config.bin %> <%= command.id %> nginx',
    'sudo <%= config.bin %> <%= command.id %> --json',
  ];

  async run(): Promise<{targets: readonly TargetRow[]; complete: boolean}> {
    const {args} = await this.parse(Targets);
    const found = await findTargets(libraries);
    const rows = await Promise.all(found.map(describe));
    const targets = args.name === undefined ? rows : rows.flatMap((row) => only(row, args.name as string));
    const complete = process.geteuid?.() === 0;
    this.#show(targets, complete);
    return {targets, complete};
  }

  #show(targets: readonly TargetRow[], complete: boolean): void {
    const rows = targets.flatMap((target) =>
      target.processes.map(({pid, comm}) => [
        String(pid),
        visible(comm ?? '?'),
        `${target.variant ?? target.library}${target.version === undefined ? '' : ` ${target.version}`}`,
        target.traceable ? 'yes' : 'no',
        visible(target.path),
        target.container ?? '',
      ]),
    );
    if (rows.length > 0) {
      const head = ['PID', 'PROCESS', 'LIBRARY', 'TRACEABLE', 'PATH', 'CONTAINER'];
      this.log(createTable(head, rows, ['right']).join('\n'));
    } else {
      this.log('No process uses a TLS library that tls-kit knows.');
    }
    for (const {path, reason, traceable} of targets) {
      if (!traceable) this.log(`\n${visible(path)} cannot be traced: ${reason ?? 'for an unknown reason'}`);
    }
    const [first] = targets.filter(({command}) => command !== undefined);
    if (first?.command) this.log(`\nTo trace one: ${first.command}`);
    if (!complete) this.log('\nOnly your own processes can be seen. For all: sudo tls-kit targets');
  }
}

async function describe(target: Target): Promise<TargetRow> {
  const processes = await Promise.all(
    target.pids.map(async (pid) => {
      const {comm} = await readProcess(pid);
      return {pid, ...(comm !== undefined && {comm})};
    }),
  );
  const [pid] = target.pids;
  const command = target.traceable && pid !== undefined ? ['sudo', 'tls-kit', 'trace', target.library, '-p', String(pid)] : [];
  return {...target, processes, ...(command.length > 0 && {command: command.map(shellWord).join(' ')})};
}

/** The part of a row that a name, a pid or a library names. */
function only(row: TargetRow, name: string): TargetRow[] {
  if (row.library === name || row.variant === name) return [row];
  const processes = row.processes.filter(({pid, comm}) => comm === name || String(pid) === name);
  return processes.length > 0 ? [{...row, processes, pids: processes.map(({pid}) => pid)}] : [];
}

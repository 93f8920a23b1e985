import {TlsKitCommand} from '../command.js';
import {exitStatus, TlsKitError} from '../errors.js';
import {bpftraceFlag} from '../flags.js';
import {dialectOf} from '../scripts/dialects.js';
import {createTable, visible} from '../sinks/index.js';
import {type Check, diagnose, readMachine} from '../targets/index.js';

export default class Doctor extends TlsKitCommand {
  static override summary = 'Tell whether this machine can trace, and what is missing';

  static override description =
    'Exit status 3 when a check fails. A warning says what will be missing, not that nothing works.';

  static override examples = [
    'sudo <%= config.bin %> <%= command.id %>',
    'sudo <%= config.bin %> <%= command.id %> --json',
  ];

  static override flags = {bpftrace: bpftraceFlag};

  async run(): Promise<{checks: readonly Check[]; canTrace: boolean}> {
    const {flags} = await this.parse(Doctor);
    const machine = await readMachine(flags.bpftrace);
    const checks = diagnose(machine, dialectName(machine.bpftrace.version));
    const rows = checks.flatMap(({check, status, found, nextStep}) => [
      [status, check, visible(found)],
      ...(nextStep === undefined ? [] : [['', '', `-> ${visible(nextStep)}`]]),
    ]);
    this.log(createTable(['', 'CHECK', 'FOUND'], rows).join('\n'));
    const failed = checks.filter(({status}) => status === 'fail');
    const canTrace = failed.length === 0;
    this.log(
      canTrace
        ? '\nThis machine can trace. Next: sudo tls-kit targets'
        : `\nThis machine cannot trace yet: ${failed.map(({check}) => check).join(', ')}.`,
    );
    if (!canTrace) process.exitCode = exitStatus.machine;
    return {checks, canTrace};
  }
}

/** Too old a bpftrace has no dialect: its check says so. */
function dialectName(version: string | undefined): string | undefined {
  if (version === undefined) return undefined;
  try {
    return dialectOf(version).name;
  } catch (error) {
    if (error instanceof TlsKitError) return undefined;
    throw error;
  }
}

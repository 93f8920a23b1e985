import {Args} from '@oclif/core';
import {TlsKitCommand} from '../command.js';
import {TlsKitError} from '../errors.js';
import {libraries} from '../libraries/index.js';
import {hasBtf} from '../request.js';
import {createTable, visible} from '../sinks/index.js';
import {findTargets, listPids, readMaps, readProcess} from '../targets/index.js';
import {isCalled, type UsedTarget, usesOf} from '../uses.js';

export default class Targets extends TlsKitCommand {
  static override args = {
    name: Args.string({description: 'Only processes of this name or pid, or this library', ignoreStdin: true}),
  };

  static override summary = 'List the processes that use TLS, and what to type to trace them';

  static override description =
    'Without root, only your own processes are seen; how many others there are is said. Exit status 4 when NAME uses no TLS.';

  static override examples = [
    'sudo <%= config.bin %> <%= command.id %>',
    'sudo <%= config.bin %> <%= command.id %> nginx',
    'sudo <%= config.bin %> <%= command.id %> gnutls --json',
  ];

  async run(): Promise<{targets: readonly UsedTarget[]; unseenProcesses: number}> {
    const {args} = await this.parse(Targets);
    const unseen = await countUnseen();
    const found = await findTargets(libraries);
    const pids = new Set(found.flatMap((target) => target.pids));
    pids.delete(process.pid);
    const users = await Promise.all([...pids].map(readProcess));
    const targets = usesOf(found, users, args.name);
    if (targets.length === 0 && args.name !== undefined) throw await nothingNamed(args.name, unseen);
    this.#show(targets);
    if (targets.length > 0 && !(await hasBtf())) {
      this.log(
        '\nThe kernel has no types (BTF): peers are known of connections made while tls-kit watches, not of earlier ones.',
      );
    }
    if (unseen > 0) this.log(`\nProcesses that could not be looked into: ${unseen}. ${nextStep()}`);
    return {targets, unseenProcesses: unseen};
  }

  #show(targets: readonly UsedTarget[]): void {
    if (targets.length === 0) {
      this.log('No process uses a TLS library that tls-kit knows.');
      return;
    }
    const hasContainers = targets.some(({container}) => container !== undefined);
    const head = [
      'PID',
      'PROCESS',
      'LIBRARY',
      ...(hasContainers ? ['CONTAINER'] : []),
      'PATH',
      'PEERS',
      'TO TRACE IT, TYPE',
    ];
    const rows = targets.flatMap((target) =>
      target.uses.map(({pids, process, command}) => [
        shortened(pids),
        visible(process ?? '?'),
        [target.variant ?? target.library, ...(target.version === undefined ? [] : [target.version])].join(' '),
        ...(hasContainers ? [visible(target.container ?? '-')] : []),
        visible(target.path),
        target.attributions.join(' ') || 'unknown',
        command ?? `not possible: ${target.reason ?? 'no reason is known'}`,
      ]),
    );
    this.log(createTable(head, rows).join('\n'));
  }
}

/** A server with many workers takes one line; --json has them all. */
function shortened(pids: readonly number[]): string {
  return pids.length <= 3 ? pids.join(',') : `${pids.slice(0, 2).join(',')} and ${pids.length - 2} more`;
}

/** How many processes this user may not look into: those of others, and those that have more privileges. */
async function countUnseen(): Promise<number> {
  const refusals = await Promise.all(
    (await listPids()).map((pid) =>
      readMaps(pid).then(
        () => false,
        ({code}: NodeJS.ErrnoException) => code === 'EACCES' || code === 'EPERM',
      ),
    ),
  );
  return refusals.filter(Boolean).length;
}

const isRoot = process.geteuid?.() === 0;

function nextStep(): string {
  return isRoot ? 'This root has fewer privileges than they: see tls-kit doctor' : 'For all: sudo tls-kit targets';
}

async function nothingNamed(name: string, unseen: number): Promise<TlsKitError> {
  const processes = await Promise.all((await listPids()).map(readProcess));
  const pids = processes.filter((each) => isCalled(each, name)).map(({pid}) => pid);
  const shown = visible(name);
  const message =
    pids.length === 0
      ? `There is no process and no TLS library in use that is called ${shown}.`
      : `${shown} runs (pid ${shortened(pids)}), but no TLS library is found in it.`;
  return new TlsKitError('NO_LIBRARY', message, [
    ...(unseen > 0 && !isRoot ? [`Look into the processes of others too: sudo tls-kit targets ${shown}`] : []),
    'See all that use TLS: sudo tls-kit targets',
  ]);
}

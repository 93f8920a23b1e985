import type {Filters, Process, Target} from '../model.js';

/** What is known when nothing was captured. */
export interface Silence {
  readonly filters: Filters;
  /** The libraries that are probed. */
  readonly probed: readonly Target[];
  /** The libraries in use now, those that cannot be traced among them, of the processes that the filters name. */
  readonly mapped: readonly Target[];
  /** The processes that the filters name. */
  readonly processes: readonly Process[];
  /** The command that was traced, when it has ended. */
  readonly endedCommand?: readonly string[];
  /** Calls of probed functions that passed the filters, as the kernel counted them. */
  readonly entered?: number;
  /** Bytes that these calls moved. */
  readonly seen?: number;
}

/** Why nothing was captured, in one sentence, and what to do next. */
export interface SilenceReason {
  readonly code: 'nobody-matches' | 'not-traceable' | 'library-not-used' | 'never-called' | 'moved-nothing' | 'lost';
  readonly message: string;
}

/** Finds which of the reasons it is. Pure: what the world looked like comes with the question. */
export function explainSilence(silence: Silence): SilenceReason {
  const {filters, probed, mapped, processes, entered = 0, seen = 0} = silence;
  if (seen > 0)
    return {
      code: 'lost',
      message: `${seen} bytes were seen, and all were lost on the way. Keep less of each call: --snaplen 512`,
    };
  if (entered > 0) {
    return {
      code: 'moved-nothing',
      message: `The probes fired ${entered} times, but no call moved a byte: handshakes and retries only. Is there traffic?`,
    };
  }
  if (silence.endedCommand && probed.length === 0) {
    return {code: 'never-called', message: 'The command made no call that is traced.'};
  }
  if (silence.endedCommand) {
    return {
      code: 'library-not-used',
      message: `The command called no function of ${listed(probed)}. It may use another copy, or one linked in: name it with --lib PATH`,
    };
  }
  if (isFiltered(filters) && processes.length === 0) {
    return {
      code: 'nobody-matches',
      message: `The filter matches no running process: ${describe(filters)}. See who there is: tls-kit targets`,
    };
  }
  if (probed.length === 0) {
    return {code: 'never-called', message: 'No such call was made since the probes came. Connections may be idle.'};
  }
  const hopeless = mapped.find(({traceable}) => !traceable);
  if (hopeless && !mapped.some(({traceable}) => traceable)) {
    return {
      code: 'not-traceable',
      message: `${hopeless.path} cannot be traced: ${hopeless.reason ?? 'unknown reason'}. See: tls-kit targets`,
    };
  }
  const used = mapped.some((one) => probed.some(({attachPath}) => one.attachPath === attachPath));
  if (!used) {
    return {
      code: 'library-not-used',
      message: `No ${isFiltered(filters) ? 'process that the filter matches' : 'process'} uses ${listed(probed)} now. ${otherwise(mapped)}`,
    };
  }
  return {
    code: 'never-called',
    message: `${usersOf(mapped)} ${listed(probed)}, but none has called it since: the probes never fired. Connections may be idle.`,
  };
}

function isFiltered({pids, comms, uids, cgroups}: Filters): boolean {
  return pids.length + comms.length + uids.length + cgroups.length > 0;
}

function describe({pids, comms, uids, cgroups}: Filters): string {
  const parts = [
    ...pids.map((pid) => `pid ${pid}`),
    ...comms.map((comm) => `name ${JSON.stringify(comm)}`),
    ...uids.map((uid) => `user ${uid}`),
    ...cgroups.map(({path}) => `cgroup ${path}`),
  ];
  return parts.join(', ');
}

function listed(targets: readonly Target[]): string {
  const paths = targets.map(({path}) => path);
  return paths.length > 3 ? `${paths.slice(0, 3).join(', ')} and ${paths.length - 3} more` : paths.join(', ');
}

function otherwise(mapped: readonly Target[]): string {
  const [other] = mapped.filter(({traceable}) => traceable);
  if (!other) return 'Another TLS library, or one linked in, may be at work: tls-kit targets';
  return `It uses ${other.path}: trace ${other.library} --lib ${other.path}`;
}

function usersOf(mapped: readonly Target[]): string {
  const pids = [...new Set(mapped.flatMap((target) => target.pids))];
  const shown = pids.slice(0, 5).join(', ');
  const more = pids.length > 5 ? ` and ${pids.length - 5} more` : '';
  return pids.length === 1 ? `Process ${shown} has` : `Processes ${shown}${more} have`;
}

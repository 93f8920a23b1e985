import {Flags} from '@oclif/core';
import {TlsKitError} from './errors.js';
import {libraries} from './libraries/index.js';
import type {Request} from './request.js';

/** The flags of trace and gen, in the groups of their help. */
const who = {
  pid: Flags.integer({
    char: 'p',
    helpGroup: 'WHO',
    helpValue: 'PID...',
    min: 1,
    multiple: true,
    multipleNonGreedy: true,
    summary: 'This process (repeatable)',
  }),
  comm: Flags.string({
    char: 'c',
    helpGroup: 'WHO',
    helpValue: 'NAME',
    multiple: true,
    multipleNonGreedy: true,
    summary: 'Processes of this name, as in `ps -o comm` (repeatable)',
  }),
  uid: Flags.string({
    char: 'u',
    helpGroup: 'WHO',
    helpValue: 'USER',
    multiple: true,
    multipleNonGreedy: true,
    summary: 'Processes of this user, by number or name (repeatable)',
  }),
  cgroup: Flags.string({
    helpGroup: 'WHO',
    helpValue: 'PATH',
    multiple: true,
    multipleNonGreedy: true,
    summary: 'Processes in this cgroup (version 2) or below (repeatable)',
  }),
  lib: Flags.string({
    helpGroup: 'WHO',
    helpValue: 'PATH',
    multiple: true,
    multipleNonGreedy: true,
    summary: 'This library or executable only (repeatable)',
  }),
};

const howMuch = {
  snaplen: Flags.integer({
    char: 's',
    default: 16_384,
    helpGroup: 'HOW MUCH',
    helpValue: 'BYTES',
    min: 0,
    summary: 'Payload kept of each call; 0 keeps none',
  }),
  duration: Flags.custom<number>({
    helpGroup: 'HOW MUCH',
    helpValue: '30s',
    parse: async (text) => secondsOf(text),
    summary: 'Stop after this time (s, m or h)',
  })(),
};

export const scriptFlags = {...who, ...howMuch};

export const readerFlags = {
  format: Flags.option({
    default: 'text' as const,
    helpGroup: 'OUT',
    options: ['text', 'hex', 'ndjson'] as const,
    summary: 'How to show events',
  })(),
  write: Flags.string({
    char: 'w',
    helpGroup: 'OUT',
    helpValue: 'FILE',
    summary: 'Record events into FILE (.gz compresses), show none',
  }),
  print: Flags.boolean({dependsOn: ['write'], helpGroup: 'OUT', summary: 'With --write: show them too'}),
  show: Flags.custom<readonly ShowPart[]>({
    helpGroup: 'OUT',
    helpValue: 'headers,body,calls',
    parse: async (text) => showPartsOf(text),
    summary: 'Show of messages: headers, body; calls: every call, also where messages are made of them',
  })(),
  time: Flags.option({
    default: 'local' as const,
    helpGroup: 'OUT',
    options: ['utc', 'local', 'relative'] as const,
    summary: 'How to show times in text',
  })(),
  'fail-on': Flags.custom<readonly FailOn[]>({
    helpGroup: 'OUT',
    helpValue: 'lost,nothing,failed,old-tls',
    parse: async (text) => failOnOf(text),
    summary: 'Exit with 6 when this happened: lost, nothing, failed (a handshake), old-tls (below TLS 1.2)',
  })(),
};

export type ShowPart = 'headers' | 'body' | 'calls';
const showParts: readonly ShowPart[] = ['headers', 'body', 'calls'];

export type FailOn = 'lost' | 'nothing' | 'failed' | 'old-tls';
const failOns: readonly FailOn[] = ['lost', 'nothing', 'failed', 'old-tls'];

export const bpftraceFlag = Flags.string({
  default: 'bpftrace',
  env: 'TLS_KIT_BPFTRACE',
  helpGroup: 'HOW',
  helpValue: 'PATH',
  summary: 'The bpftrace to run',
});

export const peerFlag = Flags.string({
  helpGroup: 'WHO',
  helpValue: 'ADDR[:PORT]',
  multiple: true,
  multipleNonGreedy: true,
  summary: 'Connections with this peer: an address, a network (10.0.0.0/8), :PORT (repeatable)',
});

export const sideFlag = Flags.option({
  helpGroup: 'WHO',
  options: ['client', 'server'] as const,
  summary: 'Connections in which the process is the client, or the server',
})();

/** What can be traced beside libraries. */
const subjects = ['sockets', 'handshakes'];

/** What can be traced: the libraries, socket calls, and handshakes. Throws USAGE with the words that are known. */
export function checkWhat(words: readonly string[], command: 'trace' | 'gen'): readonly string[] {
  const known = [...libraries.map(({name}) => name), ...subjects];
  const unknown = words.find((word) => !known.includes(word));
  if (unknown !== undefined) {
    throw new TlsKitError('USAGE', `"${unknown}" cannot be traced.`, [
      `Name one of: ${known.join(', ')}`,
      `See: tls-kit ${command} --help`,
    ]);
  }
  return words.length === 0 ? ['openssl'] : [...new Set(words)];
}

const unitS: Record<string, number> = {s: 1, m: 60, h: 3600};

function secondsOf(text: string): number {
  const match = /^(\d{1,6})(s|m|h)?$/.exec(text);
  const seconds = Number(match?.[1]) * (unitS[match?.[2] ?? 's'] ?? 1);
  if (!match || seconds === 0)
    throw new TlsKitError('USAGE', `"${text}" is no duration.`, ['Give it like this: --duration 30s']);
  return seconds;
}

function showPartsOf(text: string): readonly ShowPart[] {
  const words = text.split(',') as ShowPart[];
  const unknown = words.find((word) => !showParts.includes(word));
  if (unknown === undefined) return words;
  throw new TlsKitError('USAGE', `--show does not know "${unknown}".`, [`Name one or more of: ${showParts.join(',')}`]);
}

function failOnOf(text: string): readonly FailOn[] {
  const words = text.split(',') as FailOn[];
  const unknown = words.find((word) => !failOns.includes(word));
  if (unknown !== undefined) {
    throw new TlsKitError('USAGE', `--fail-on does not know "${unknown}".`, [
      `Name one or more of: ${failOns.join(',')}`,
    ]);
  }
  return words;
}

/** The flags of trace and gen to a request. */
export function requestOf(
  what: readonly string[],
  flags: {
    readonly pid?: readonly number[] | undefined;
    readonly comm?: readonly string[] | undefined;
    readonly uid?: readonly string[] | undefined;
    readonly cgroup?: readonly string[] | undefined;
    readonly lib?: readonly string[] | undefined;
    readonly peer?: readonly string[] | undefined;
    readonly snaplen: number;
    readonly duration?: number | undefined;
  },
): Request {
  return {
    what,
    pids: flags.pid ?? [],
    comms: flags.comm ?? [],
    users: flags.uid ?? [],
    cgroups: flags.cgroup ?? [],
    libs: flags.lib ?? [],
    peers: flags.peer ?? [],
    snaplen: flags.snaplen,
    ...(flags.duration !== undefined && {durationS: flags.duration}),
  };
}

import type {ErrorCode} from '../errors.js';

/** What a line on bpftrace's standard error means. A detail (the quoted script, a hint) matters only if bpftrace ends by it. */
export type EngineMessage =
  | {readonly kind: 'ready'}
  | {readonly kind: 'detail'}
  | {readonly kind: 'warning'; readonly text: string}
  | Fatal;

export interface Fatal {
  readonly kind: 'fatal';
  readonly code: ErrorCode;
  readonly text: string;
  readonly nextSteps: readonly string[];
}

/** Warnings that say nothing to a user: each was seen with a script that then worked. */
const harmless: readonly RegExp[] = [
  /couldn't set RLIMIT_MEMLOCK/, // every start without CAP_SYS_RESOURCE
  /Could not read functions from .*available_filter_functions/, // 0.27 on a kernel without kprobes
  /BPFTRACE_STRLEN is deprecated/,
  /being cast to type|Unnecessary cast|Return value discarded|While loops are deprecated|expanded from|Addrspace mismatch/, // 0.25 and later
  /buf\(\) length is too long and will be shortened/, // what is cut is counted
];

interface Cause {
  readonly pattern: RegExp;
  readonly code: ErrorCode;
  /** What it means; `$1` is the first group. */
  readonly text: string;
  readonly nextSteps: readonly string[];
}

/** Failures of bpftrace in plain words. The first that matches explains the end. */
const causes: readonly Cause[] = [
  {
    pattern: /only supports running as (?:the )?root|must be run as root|requires? (?:root|CAP_)/i,
    code: 'NOT_ROOT',
    text: 'bpftrace must run as root.',
    nextSteps: ['Run it with sudo'],
  },
  {
    pattern: /couldn't get RLIMIT|Operation not permitted|Permission denied/i,
    code: 'NOT_ROOT',
    text: 'The kernel did not let bpftrace load or attach its programs.',
    nextSteps: [
      'Run as root, outside of a container that lacks CAP_BPF and CAP_PERFMON',
      'See what is missing: tls-kit doctor',
    ],
  },
  {
    pattern: /tracepoint not found: (\S+)/,
    code: 'NO_TRACEFS',
    text: 'The tracepoint $1 is not there: tracefs is not mounted where this bpftrace looks.',
    nextSteps: [
      'sudo mount -t tracefs tracefs /sys/kernel/tracing',
      'Before 0.17: sudo mount -t debugfs debugfs /sys/kernel/debug',
    ],
  },
  {
    pattern: /'(linux\/types\.h|asm\/\S+)' file not found/,
    code: 'CANNOT_TRACE',
    text: 'This old bpftrace needs the header $1 to read tracepoints.',
    nextSteps: ['sudo apt-get install linux-libc-dev'],
  },
  {
    // 0.25 and later, and 0.23 where it finds no headers of the kernel.
    pattern: /BTF is required for|install BTF information/,
    code: 'CANNOT_TRACE',
    text: "This bpftrace needs the kernel's types (BTF), which this kernel does not have.",
    nextSteps: ['Use a kernel with CONFIG_DEBUG_INFO_BTF=y', 'Or bpftrace 0.17, which traces without: --bpftrace PATH'],
  },
  {
    pattern: /Could not resolve symbol: (.+)/,
    code: 'NO_SYMBOLS',
    text: 'bpftrace finds no symbol $1.',
    nextSteps: ['Write the script anew for this library: tls-kit gen --lib PATH'],
  },
  {
    pattern: /BPF stack limit|BPF program is too large|too many instructions|processed \d+ insns \(limit/,
    code: 'SCRIPT_REFUSED',
    text: 'The kernel refuses the program: it is too large for it.',
    nextSteps: ['Keep less of each call: --snaplen 4096'],
  },
  {
    pattern: /Cannot allocate memory|failed to mmap|failed to (?:open|create) (?:perf|ring) ?buffer/i,
    code: 'ENGINE_FAILED',
    text: 'There is not enough memory for the buffers between kernel and bpftrace.',
    nextSteps: ['Free some memory, or raise the limit of locked memory: ulimit -l unlimited'],
  },
  {
    pattern: /Too many open files/i,
    code: 'ENGINE_FAILED',
    text: 'bpftrace ran out of file descriptors.',
    nextSteps: ['Raise the limit: ulimit -n 65536', 'Or trace fewer libraries: --lib PATH'],
  },
  {
    pattern: /(?:failed to|Could not) (?:attach|probe)|Error attaching probe: (.+)|cannot attach/i,
    code: 'ENGINE_FAILED',
    text: 'bpftrace could not attach a probe.',
    nextSteps: ['See what is missing: tls-kit doctor'],
  },
  {
    pattern:
      /syntax error|Unknown (?:identifier|function|struct|field)|Type mismatch|invalid probe type|not available for your kernel/i,
    code: 'SCRIPT_REFUSED',
    text: 'This bpftrace does not understand the script.',
    nextSteps: [
      'Write it for that version: tls-kit gen --bpftrace-version $(bpftrace --version)',
      'See whether the two fit: tls-kit doctor',
    ],
  },
  {
    pattern: /Error loading program|Failed to load|failed to load BPF/i,
    code: 'SCRIPT_REFUSED',
    text: 'The kernel refused to load the program.',
    nextSteps: ['Keep less of each call: --snaplen 4096', 'See what is missing: tls-kit doctor'],
  },
];

/** One line of standard error to what it means. Pure; never throws. */
export function readMessage(line: string): EngineMessage {
  if (line.includes('__BPFTRACE_NOTIFY_PROBES_ATTACHED')) return {kind: 'ready'};
  if (harmless.some((pattern) => pattern.test(line))) return {kind: 'detail'};
  for (const {pattern, code, text, nextSteps} of causes) {
    const match = pattern.exec(line);
    if (match) return {kind: 'fatal', code, text: text.replace('$1', match[1] ?? ''), nextSteps};
  }
  return /\b(?:ERROR|WARNING|error|warning):/.test(line) ? {kind: 'warning', text: line.trim()} : {kind: 'detail'};
}

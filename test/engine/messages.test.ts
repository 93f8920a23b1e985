import t from 'tap';
import {readMessage} from '../../src/engine/messages.js';

// Each line was printed by a real bpftrace, or stands in its source.
for (const [line, kind, code] of [
  ['__BPFTRACE_NOTIFY_PROBES_ATTACHED', 'ready'],
  [
    `ERROR: Unknown error -1: couldn't set RLIMIT_MEMLOCK for bpftrace. If your program is not loading, you can try "ulimit -l 8192"`,
    'detail',
  ],
  ['WARNING: BPFTRACE_STRLEN is deprecated. Use BPFTRACE_MAX_STRLEN instead.', 'detail'],
  ['/dev/stdin:63:2-12: WARNING: Addrspace mismatch', 'detail'],
  ['      printf("WARNING");', 'detail'],
  ['WARNING: something new', 'warning'],
  ['ERROR: bpftrace currently only supports running as the root user.', 'fatal', 'NOT_ROOT'],
  ['ERROR: Could not resolve symbol: /tmp/libssl.so.3:SSL_nothing', 'fatal', 'NO_SYMBOLS'],
  ['a.bt:1:1-34: ERROR: tracepoint not found: signal:signal_generate', 'fatal', 'NO_TRACEFS'],
  ["/bpftrace/include/clang_workarounds.h:14:10: fatal error: 'linux/types.h' file not found", 'fatal', 'CANNOT_TRACE'],
  [
    '/dev/stdin:65:1-34: ERROR: Could not parse arguments of "signal:signal_generate": BTF is required for parsing tracepoint arguments',
    'fatal',
    'CANNOT_TRACE',
  ],
  [
    'ERROR: Include headers with missing type definitions or install BTF information to your system.',
    'fatal',
    'CANNOT_TRACE',
  ],
  [
    'error: <unknown>:0:0: in function x: Looks like the BPF stack limit of 512 bytes is exceeded.',
    'fatal',
    'SCRIPT_REFUSED',
  ],
  ['BPF program is too large. Processed 1000001 insn', 'fatal', 'SCRIPT_REFUSED'],
  ['stdin:1:1-4: ERROR: syntax error, unexpected end of file', 'fatal', 'SCRIPT_REFUSED'],
] as const) {
  t.test(`"${line.slice(0, 60)}" is read as ${code ?? kind}`, async (t) => {
    const message = readMessage(line);
    t.equal(message.kind, kind);
    if (message.kind === 'fatal') {
      t.equal(message.code, code);
      t.ok(message.nextSteps.length > 0, 'with a next step');
      t.notMatch(message.text, /\$1/);
    }
  });
}

import {hostname, release} from 'node:os';
import type {SessionEvent} from './model.js';
import type {Prepared, Request} from './request.js';
import {version} from './version.js';

/** The first event of a capture. */
export function sessionOf(
  request: Request,
  {script, filters, targets}: Prepared,
  bpftrace: string,
  startedAtMs: number,
): SessionEvent {
  return {
    type: 'session',
    schema: 1,
    tlsKit: version,
    bpftrace,
    kernel: release(),
    host: hostname(),
    startedAt: new Date(startedAtMs).toISOString().replace('Z', '000000Z'),
    what: [...request.what],
    filters: {
      pids: [...filters.pids],
      comms: [...filters.comms],
      uids: [...filters.uids],
      cgroups: filters.cgroups.map(({path}) => path),
      libs: [...request.libs],
    },
    ...(request.command && {command: [...request.command]}),
    scriptSha256: script.sha256,
    snaplen: script.plan.snaplen,
    redaction: 'off', // until it is redacted, see understand.ts
    targets: script.plan.targets.map(({library, path, version: libraryVersion}) => ({
      library,
      path,
      ...(libraryVersion !== undefined && {version: libraryVersion}),
      pids: [...(targets.find((target) => target.path === path)?.pids ?? [])],
    })),
  };
}

/** What was found and will be probed, in one line. */
export function announce({script, filters}: Prepared): string {
  const probed = script.plan.targets.map(({library, version: found, path, functions}) => {
    return `${library}${found === undefined ? '' : ` ${found}`} at ${path} (${functions.length} functions)`;
  });
  const shown = probed.length > 3 ? [...probed.slice(0, 3), `and ${probed.length - 3} more`] : probed;
  const who = [
    ...(filters.descendants ? ['the command and its descendants'] : filters.pids.map((pid) => `pid ${pid}`)),
    ...filters.comms.map((comm) => `name ${comm}`),
    ...filters.uids.map((uid) => `user ${uid}`),
    ...filters.cgroups.map(({path}) => `cgroup ${path}`),
  ];
  return `Probing ${shown.join(', ')} for ${who.length > 0 ? who.join(', ') : 'every process'}.`;
}

/**
 * The kernel's monotonic clock against the wall clock, now: process.hrtime is CLOCK_MONOTONIC (libuv uv_hrtime), which is what
 * bpf_ktime_get_ns reads, the clock of bpftrace 0.11.
 */
export function monotonicAnchor(): {nsecs: bigint; epochNs: bigint} {
  return {nsecs: process.hrtime.bigint(), epochNs: BigInt(Date.now()) * 1_000_000n};
}

import type {TraceEvent} from '../events.js';
import {parseLine} from './text.js';

/**
 * What a file holds, by its first line that is not blank (bytes as latin1): tls-kit's own events, or what bpftrace printed for
 * a script, with or without `-f json`.
 */
export function sniff(line: string): 'capture' | 'records' | 'unknown' {
  if (/^\{"type": "(?:attached_probes|printf|map|time|lost_events|helper_error|value)",/.test(line)) return 'records';
  if (/^(?:Attach(?:ing|ed) \d+ probes?|__BPFTRACE_NOTIFY_PROBES_ATTACHED|(?:TK|[SLFPDCWBNXEZAHRVKO])\|)/.test(line)) {
    return 'records';
  }
  const type = (parseLine(line) as {readonly type?: unknown} | undefined)?.type;
  return typeof type === 'string' && eventTypes.has(type) ? 'capture' : 'unknown';
}

const eventTypes: ReadonlySet<string> = new Set<TraceEvent['type']>([
  'session',
  'process',
  'data',
  'connection',
  'handshake',
  'error',
  'loss',
  'warning',
  'summary',
]);

import type {ParserStatus} from './parsers/index.js';

/**
 * No machine measured takes half as long for a hit of a probe. Where every call waits for its peer, the shortest of them says
 * nothing of probes, and this holds.
 */
const mostHitNs = 20_000;

/** A call hits a probe as it is entered, and another one as it returns. */
const hitsPerCall = 2;

/** Seconds over which the calls are counted: a burst is no reason to stop. */
const windowS = 3;

export type OverheadStatus = Pick<ParserStatus, 'calls' | 'shortestCallNs'>;

/**
 * Estimates what the probes cost those who call: calls a second, times two hits of a probe, times what a hit costs on this
 * machine. That is at most what the shortest call took, since the probe at its return lies within. Give it the parser's status
 * once a second; it gives percent of one processor, or nothing as long as it can't tell.
 */
export function createOverhead(): (status: OverheadStatus) => Overhead | undefined {
  const counts: number[] = [];
  return ({calls, shortestCallNs}) => {
    counts.push(calls);
    if (counts.length <= windowS || shortestCallNs <= 0) return undefined;
    const callsPerSecond = (calls - (counts.shift() as number)) / windowS;
    const hitNs = Math.min(shortestCallNs, mostHitNs);
    return {callsPerSecond, hitNs, percent: (callsPerSecond * hitsPerCall * hitNs) / 1e7};
  };
}

export interface Overhead {
  readonly callsPerSecond: number;
  readonly hitNs: number;
  /** Of one processor's time. */
  readonly percent: number;
}

/** Why a trace stops, and what to do. */
export function tooMuch({callsPerSecond, hitNs, percent}: Overhead, limit: number): string {
  const calls = Math.round(callsPerSecond).toLocaleString('en');
  const micros = (hitNs / 1000).toFixed(1);
  return `The probes take ${Math.round(percent)} % of a processor (${calls} calls a second, two hits each, up to ${micros} us a hit), more than --max-overhead ${limit}: stopped. Trace fewer processes (-p), or for a few seconds with a higher --max-overhead.`;
}

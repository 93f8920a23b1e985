/** The kernel's clock and the wall clock at one moment, in nanoseconds; the wall clock since 1970. */
export interface Anchor {
  readonly nsecs: bigint;
  readonly epochNs: bigint;
}

const second = 1_000_000_000n;

/** From the kernel's nanoseconds to RFC 3339 in UTC with nine decimals. */
export function createClock(anchor: Anchor): (nsecs: bigint) => string {
  const shift = anchor.epochNs - anchor.nsecs;
  let start = 0n;
  let text = '1970-01-01T00:00:00';
  // Events come many to a second: only the nanoseconds of most of them are new.
  return (nsecs) => {
    let time = nsecs + shift;
    if (time < 0n || time > latest) time = time < 0n ? 0n : latest;
    if (time < start || time >= start + second) {
      start = time - (time % second);
      text = new Date(Number(start / 1_000_000n)).toISOString().slice(0, 19);
    }
    return `${text}.${String(Number(time - start)).padStart(9, '0')}Z`;
  };
}

/** The last moment of the year 9999: RFC 3339 has no later one. */
const latest = 253_402_300_799_999_999_999n;

/** RFC 3339 with nine decimals to nanoseconds since 1970. Undefined for a day that no calendar has. */
export function readTimestamp(text: string): bigint | undefined {
  const milliseconds = Date.parse(`${text.slice(0, 19)}Z`);
  return Number.isNaN(milliseconds) ? undefined : BigInt(milliseconds) * 1_000_000n + BigInt(text.slice(20, 29));
}

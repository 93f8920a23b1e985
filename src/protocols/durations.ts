/** Nanoseconds from one event's `time` to another's, never below 0: exact up to 104 days, where doubles end. */
export function nanosecondsBetween(from: string, to: string): number {
  if (from === to) return 0;
  const isSameSecond = from.slice(0, 19) === to.slice(0, 19);
  const seconds = isSameSecond ? 0 : wholeSeconds(to) - wholeSeconds(from);
  return Math.max(0, seconds * 1e9 + nanoseconds(to) - nanoseconds(from));
}

function wholeSeconds(time: string): number {
  return Date.parse(`${time.slice(0, 19)}Z`) / 1000;
}

function nanoseconds(time: string): number {
  return Number(time.slice(20, 29));
}

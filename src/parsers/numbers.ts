/** Matches a number as `%llx` prints it: no leading zeros, at most 64 bits. */
export const hexNumber = '(0|[1-9a-f][0-9a-f]{0,15})';

/** A count as a number; undefined beyond 2^53, which no count of bytes, and no pid, reaches. */
export function readCount(text: string): number | undefined {
  const value = Number.parseInt(text, 16);
  return Number.isSafeInteger(value) ? value : undefined;
}

/** The upper and the lower 32 bits. */
export function readHalves(text: string): [number, number] {
  const upper = text.length > 8 ? Number.parseInt(text.slice(0, -8), 16) : 0;
  return [upper, Number.parseInt(text.slice(-8), 16)];
}

/** A time, in nanoseconds of the kernel's clock: beyond 2^53 once a machine has been up for 104 days. */
export function readTime(text: string): bigint {
  return BigInt(`0x${text}`);
}

/** What a function does, by the hundreds of its id. */
export function deedOf(functionId: number): (typeof deeds)[number] {
  return deeds[Math.floor(functionId / 100)];
}

const deeds = [undefined, 'receive', 'send', 'peek', 'guard', undefined, 'handshake', 'shutdown', 'side'] as const;

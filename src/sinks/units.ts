/** Numbers for people. */

/** 1234567 as 1,234,567. */
export function counted(value: number): string {
  return String(value).replaceAll(/\B(?=(?:\d{3})+$)/g, ',');
}

/** A count and its noun: `1 call`, `2 calls`. */
export function plural(value: number, noun: string): string {
  return `${counted(value)} ${noun}${value === 1 ? '' : 's'}`;
}

const units: readonly (readonly [number, string])[] = [
  [1e9, 's'],
  [1e6, 'ms'],
  [1e3, 'us'],
];

/** Nanoseconds to three digits and a unit: `1.23 ms`. */
export function duration(ns: number): string {
  const [size, unit] = units.find(([each]) => ns >= each) ?? [1, 'ns'];
  const value = ns / size;
  return `${value >= 999.5 ? Math.round(value) : value.toPrecision(3)} ${unit}`;
}

/** Bytes to a binary unit: `16.0 KiB`. */
export function size(bytes: number): string {
  const power = Math.min(4, Math.floor(Math.log2(Math.max(bytes, 1)) / 10));
  return power === 0
    ? `${bytes} B`
    : `${(bytes / 1024 ** power).toFixed(1)} ${['', 'KiB', 'MiB', 'GiB', 'TiB'][power]}`;
}

/** The releases whose tables were read from real headers and libraries. */
export type OpenSslRelease = '1.1.1' | '3.0' | '3.5' | '3.6';

/** Number -> text. */
export type Texts = Readonly<Record<number, string>>;

/** Library number -> number -> text. */
export type LibraryTexts = Readonly<Record<number, Texts>>;

/**
 * The tabled release that speaks for a version as the library names it (`1.1.1w`, `3.0.22`): the newest that is not newer
 * than it; without a version, the newest of all.
 */
export function releaseOf(version: string | undefined): OpenSslRelease {
  const [major = 0, minor = 0] = version?.split('.').map((part) => Number.parseInt(part, 10)) ?? [3, 6];
  if (major < 3) return '1.1.1';
  if (major > 3 || minor >= 6) return '3.6';
  return minor >= 5 ? '3.5' : '3.0';
}

import {closest, distance} from 'fastest-levenshtein';

/** The known word that was probably meant: at most a third of it, and never less than one letter, is typed otherwise. */
export function nearestWord(typed: string, known: readonly string[]): string | undefined {
  if (known.length === 0) return undefined;
  const nearest = closest(typed, known);
  return distance(typed, nearest) <= Math.max(1, Math.ceil(nearest.length / 3)) ? nearest : undefined;
}

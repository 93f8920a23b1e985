import {stripVTControlCharacters} from 'node:util';
import {CLIError, ExitError} from '@oclif/core/errors';
import {exitStatus, TlsKitError} from './errors.js';
import {nearestWord} from './nearest-word.js';
import {visible} from './sinks/visible.js';

/** What was asked for when something failed: the command's name, and the words that would have been right. */
export interface Asked {
  readonly command?: string | undefined;
  readonly commands: readonly string[];
  readonly flags?: readonly string[];
}

/** Whatever was thrown, as a failure with a next step: oclif's complaints about usage, and faults of our own. */
export function failureOf(error: unknown, asked: Asked): TlsKitError {
  if (error instanceof TlsKitError) return withoutParsing(error);
  if (error instanceof CLIError && error.oclif.exit === exitStatus.usage) return usageFailure(error, asked);
  const message = error instanceof Error ? error.message : String(error);
  return new TlsKitError(
    'BUG',
    `This is a bug in tls-kit: ${message}`,
    ['See where it is: DEBUG=* before the same command', 'Report it with that, and with what tls-kit doctor says'],
    {cause: error},
  );
}

/** oclif puts lines of its own around the message of a flag's parser. */
function withoutParsing(failure: TlsKitError): TlsKitError {
  failure.message = failure.message.replace(/^Parsing --\S+ \n\t(.*)\nSee more help with --help$/s, '$1');
  return failure;
}

/** The exit status, when what was thrown is only oclif's way to end a run. */
export function plainExit(error: unknown): number | undefined {
  return error instanceof ExitError ? (error.oclif.exit ?? exitStatus.done) : undefined;
}

export function statusOfFailure({oclif}: TlsKitError): number {
  return oclif.exit ?? exitStatus.ourFault;
}

/** For people: what happened, then what to do. No line is broken, so that a command in it can be copied. */
export function failureText(failure: TlsKitError, isDebugging: boolean): string {
  const {message, suggestions = []} = failure;
  const steps = suggestions.length === 1 ? ` ${suggestions[0]}` : suggestions.map((step) => `\n  ${step}`).join('');
  const lines = `Error: ${message}${suggestions.length === 0 ? '' : `\nTry this:${steps}`}`.split('\n');
  const text = `${lines.map(visible).join('\n')}\n`;
  if (!isDebugging) return text;
  const {cause = failure} = failure;
  return `${text}${cause instanceof Error ? cause.stack : String(cause)}\n`;
}

/** The same under --json. */
export function failureJson({errorCode, message, suggestions = []}: TlsKitError): object {
  return {error: {code: errorCode, message, suggestions}};
}

/** oclif says usage errors for its own layout: colours, lines, and a hint that names no command. */
function usageFailure(error: CLIError & {readonly flags?: unknown}, asked: Asked): TlsKitError {
  const text = stripVTControlCharacters(error.message)
    .replace('\nSee more help with --help', '')
    .replace(/^The following errors? occurred:/, '')
    .replace(/^Parsing (\S+)/, '$1:')
    .replace(/\s+/g, ' ')
    .trim();
  const help = asked.command === undefined ? 'tls-kit --help' : `tls-kit ${asked.command} --help`;
  if (/^command .* not found\.?$/i.test(text)) return unknownCommand(asked);
  const unknownFlags = Array.isArray(error.flags) ? (error.flags as string[]) : [];
  const guesses = unknownFlags.flatMap((flag) => nearestWord(flag, asked.flags ?? []) ?? []);
  const message = unknownFlags.length > 0 ? `There is no flag ${unknownFlags.join(', ')}.` : text;
  return new TlsKitError('USAGE', message, [...guesses.map((guess) => `Did you mean ${guess}?`), `See: ${help}`], {
    cause: error,
  });
}

function unknownCommand({command = '', commands}: Asked): TlsKitError {
  const guess = nearestWord(command, commands);
  return new TlsKitError('USAGE', `There is no command "${command}".`, [
    ...(guess === undefined ? [] : [`Did you mean tls-kit ${guess}?`]),
    'See the commands: tls-kit --help',
  ]);
}

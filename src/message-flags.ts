import {readFile} from 'node:fs/promises';
import {Flags} from '@oclif/core';
import {TlsKitError} from './errors.js';
import {createMessageFilter, linearPattern, type MessageCriteria, type MessageFilter} from './filters/index.js';
import type {UnderstandOptions} from './understand.js';

const which = {helpGroup: 'WHICH MESSAGES'};
const several = {multiple: true, multipleNonGreedy: true} as const;

/** Which messages: of trace, replay and report. */
export const messageFlags = {
  method: Flags.string({...which, ...several, helpValue: 'GET,POST', summary: 'Requests of these methods'}),
  status: Flags.custom<readonly StatusRange[]>({
    ...which,
    helpValue: '5xx',
    parse: async (text) => statusesOf(text),
    summary: 'Responses of these statuses: 404, 5xx, 400-499, with commas between',
  })(),
  host: Flags.string({...which, ...several, helpValue: 'NAME', summary: 'Requests to this host; *.NAME for all below'}),
  path: Flags.string({...which, ...several, helpValue: 'REGEX', summary: 'Requests whose path and query match'}),
  header: Flags.string({
    ...which,
    ...several,
    helpValue: 'NAME[=REGEX]',
    summary: 'With this header field (repeatable: each must hold)',
  }),
  slower: Flags.custom<number>({
    ...which,
    helpValue: '100ms',
    parse: async (text) => nanosecondsOf(text),
    summary: 'Exchanges that took this long or longer (us, ms, s)',
  })(),
  match: Flags.string({
    ...which,
    ...several,
    helpValue: 'REGEX',
    summary: 'That match anywhere: first lines, headers, bodies; before secrets are masked',
  }),
  'match-file': Flags.string({
    ...which,
    helpValue: 'FILE',
    summary: 'That hold a line of FILE as it stands: for what must not stand in a command line',
  }),
};

/** What is masked: of trace and replay. */
export const redactionFlags = {
  'no-redact': Flags.boolean({helpGroup: 'OUT', summary: 'Show secrets as they are'}),
  redact: Flags.string({
    helpGroup: 'OUT',
    helpValue: 'NAME',
    ...several,
    exclusive: ['no-redact'],
    summary: 'Mask this header or field too (repeatable)',
  }),
};

type StatusRange = readonly [number, number];

export interface MessageFlags {
  readonly method?: readonly string[] | undefined;
  readonly status?: readonly StatusRange[] | undefined;
  readonly host?: readonly string[] | undefined;
  readonly path?: readonly string[] | undefined;
  readonly header?: readonly string[] | undefined;
  readonly slower?: number | undefined;
  readonly match?: readonly string[] | undefined;
  readonly 'match-file'?: string | undefined;
}

/** The filter that the flags ask for, or none. Throws USAGE and FILE_UNREADABLE. */
export async function messageFilterOf(flags: MessageFlags): Promise<MessageFilter | undefined> {
  const lines = flags['match-file'] === undefined ? [] : await linesOf(flags['match-file']);
  const criteria: MessageCriteria = {
    methods: flags.method?.flatMap((words) => words.split(',')) ?? [],
    statuses: flags.status ?? [],
    hosts: flags.host ?? [],
    paths: flags.path?.map((text) => linearPattern(text, 'path')) ?? [],
    headers: flags.header?.map(headerOf) ?? [],
    matches: [
      ...(flags.match?.map((text) => linearPattern(text, 'match')) ?? []),
      ...lines.map((line) => ({test: (text: string) => text.includes(line)})),
    ],
    ...(flags.slower !== undefined && {slowerNs: flags.slower}),
  };
  return createMessageFilter(criteria);
}

/** What happens to events before they are shown, as the flags say. Throws USAGE and FILE_UNREADABLE. */
export async function understandOptionsOf(
  flags: MessageFlags & {readonly 'no-redact': boolean; readonly redact?: readonly string[] | undefined},
): Promise<UnderstandOptions> {
  return {redact: flags['no-redact'] ? 'off' : (flags.redact ?? []), filter: await messageFilterOf(flags)};
}

function headerOf(text: string) {
  const equals = text.indexOf('=');
  if (equals < 0) return {name: text};
  return {name: text.slice(0, equals), value: linearPattern(text.slice(equals + 1), 'header')};
}

async function linesOf(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8').catch((cause: Error) => {
    throw new TlsKitError(
      'FILE_UNREADABLE',
      `${path} cannot be read: ${cause.message}`,
      ['Give --match-file a file of text'],
      {cause},
    );
  });
  const lines = text.split(/\r?\n/).filter((line) => line !== '');
  if (lines.length > 0) return lines;
  throw new TlsKitError('USAGE', `${path} has no line to look for.`, ['Write what to look for into it, a line each']);
}

function statusesOf(text: string): readonly StatusRange[] {
  return text.split(',').map((word) => {
    const [, hundreds] = /^([1-9])xx$/i.exec(word) ?? [];
    if (hundreds) return [Number(hundreds) * 100, Number(hundreds) * 100 + 99];
    const [, from, to = from] = /^(\d{3})(?:-(\d{3}))?$/.exec(word) ?? [];
    if (from && to && from <= to) return [Number(from), Number(to)];
    throw new TlsKitError('USAGE', `"${word}" is no status.`, [
      'Give it like this: --status 404,500-599 or --status 5xx',
    ]);
  });
}

const unitNs: Record<string, number> = {us: 1e3, ms: 1e6, s: 1e9};

function nanosecondsOf(text: string): number {
  const [, digits, unit = 'ms'] = /^(\d{1,9}(?:\.\d{1,3})?)(us|ms|s)$/.exec(text) ?? [];
  if (digits !== undefined) return Number(digits) * (unitNs[unit] as number);
  throw new TlsKitError('USAGE', `"${text}" is no duration.`, ['Give it like this: --slower 100ms']);
}

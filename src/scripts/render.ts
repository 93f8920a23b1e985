import {createHash} from 'node:crypto';
import {readdirSync, readFileSync} from 'node:fs';
import Handlebars from 'handlebars';
import {TlsKitError} from '../errors.js';
import type {Dialect, ProbePlan, Script} from '../model.js';
import {makeContext} from './context.js';

const templates = new URL('../../templates/', import.meta.url);

/** Keys that a map of the script holds, at most: sessions, threads in a call, processes. */
const mapKeys = 32_768;

/** Text for `max_strlen` beside the payload itself: its length field and some room (bpftrace 0.22 and later need 4 bytes). */
const stringRoom = 64;

export interface ScriptStyle {
  /** For eyes instead of replay. */
  readonly readable?: boolean;
  /** The text of a template of the user's own; without it, the one that `trace` runs. */
  readonly template?: string;
}

/**
 * Plan and dialect to a script. The same plan gives the same bytes.
 * @param version tls-kit's own.
 * Throws UNSAFE_NAME for a value that cannot stand in a script, BAD_VALUE for a template that does not compile.
 */
export function renderScript(plan: ProbePlan, dialect: Dialect, version: string, style: ScriptStyle = {}): Script {
  if (plan.snaplen > dialect.maxSnaplen) {
    throw new TlsKitError('BAD_VALUE', `bpftrace ${dialect.name} carries at most ${dialect.maxSnaplen} bytes a call.`, [
      `Use --snaplen ${dialect.maxSnaplen} or less`,
    ]);
  }
  if (plan.sockets && !dialect.readsUser) {
    throw new TlsKitError('BPFTRACE_TOO_OLD', 'Socket calls need bpftrace 0.12 or later.', [
      'Install a newer bpftrace, and name it with --bpftrace PATH.',
    ]);
  }
  const environment = dialect.settings === 'environment' ? environmentOf(dialect) : {};
  const settings = dialect.settings === 'config' ? settingsOf(plan, dialect) : {};
  const context = makeContext(plan, dialect, environment, settings, version, style.readable ?? false);
  const text = tidy(renderText(style.template ?? readFileSync(new URL('trace.bt.hbs', templates), 'utf8'), context));
  return {
    text,
    sha256: createHash('sha256').update(text).digest('hex'),
    dialect,
    environment,
    parameters: plan.filters.pids.map(String),
    plan,
  };
}

/** The names are those of bpftrace before 0.20, see its docs/adoc: later ones take them from a config block. */
function environmentOf(dialect: Dialect): Record<string, string> {
  return {
    ...(dialect.payload === 'chunks' && {BPFTRACE_STRLEN: String(dialect.piece)}),
    BPFTRACE_PERF_RB_PAGES: String(dialect.ring.pages),
    BPFTRACE_MAP_KEYS_MAX: String(mapKeys),
  };
}

function settingsOf(plan: ProbePlan, dialect: Dialect): Record<string, number> {
  return {
    max_strlen: Math.min(dialect.piece, plan.snaplen) + (dialect.payload === 'whole' ? stringRoom : 0) || stringRoom,
    perf_rb_pages: dialect.ring.pages,
    max_map_keys: mapKeys,
  };
}

function renderText(template: string, context: object): string {
  const handlebars = Handlebars.create();
  for (const file of readdirSync(new URL('partials/', templates))) {
    handlebars.registerPartial(
      file.replace(/\.hbs$/, ''),
      readFileSync(new URL(`partials/${file}`, templates), 'utf8'),
    );
  }
  try {
    return handlebars.compile(template, {strict: true, knownHelpersOnly: true})(context);
  } catch (cause) {
    throw new TlsKitError(
      'BAD_VALUE',
      `The template cannot be used: ${(cause as Error).message}`,
      ['What a template may say is in docs/templates.md'],
      {cause},
    );
  }
}

/** At most one blank line in a row, none at the end of a block, and one newline at the end. */
function tidy(text: string): string {
  return `${text.replace(/\n{3,}/g, '\n\n').trimEnd()}\n`;
}

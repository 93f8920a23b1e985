import type {SessionEvent} from '../events.js';
import type {FunctionRecord, LibraryRecord, SettingRecord} from './records.js';
import {textOf} from './text.js';

/** What a script says of itself: its settings (S), the files that it probes (L), the functions (F). */
export class Legend {
  readonly #settings = new Map<string, string>();
  readonly #targets = new Map<number, {readonly library: string; readonly parts: string[]}>();
  readonly #functions = new Map<number, FunctionRecord>();

  learn(record: SettingRecord | LibraryRecord | FunctionRecord): void {
    if (record.kind === 'setting') {
      if (this.#settings.size < maxSettings) this.#settings.set(record.key, record.value);
    } else if (record.kind === 'function') {
      if (this.#functions.size < maxFunctions) this.#functions.set(record.id, record);
    } else {
      const {library} = record;
      const target = this.#targets.get(record.target) ?? {library, parts: []};
      target.parts[record.part] = record.path;
      this.#targets.set(record.target, target);
    }
  }

  /** The function's names; where its F record was lost, what is left of them. */
  functionOf(id: number): {readonly library: string; readonly name: string} {
    return this.#functions.get(id) ?? {library: 'unknown', name: `unknown(${id})`};
  }

  /** Bytes of payload in one record; undefined where the script does not say. */
  get piece(): number | undefined {
    return numberOf(this.#settings.get('piece'));
  }

  /** The first event of a capture, from what the script printed. What it does not say is absent. */
  session(startedAt: string | undefined): SessionEvent {
    const snaplen = numberOf(this.#settings.get('snaplen'));
    return {
      type: 'session',
      schema: 1,
      tlsKit: this.#settings.get('tls-kit') ?? 'unknown',
      ...(startedAt !== undefined && {startedAt}),
      what: (this.#settings.get('what') ?? '').split(' ').filter((word) => word !== ''),
      ...(snaplen !== undefined && {snaplen}),
      targets: [...this.#targets.values()].flatMap(({library, parts}) => {
        // A path with a part missing would be another file's.
        const isWhole = Array.from(parts).every((part) => part !== undefined);
        return isWhole ? [{library, path: textOf(Buffer.from(parts.join(''), 'latin1'))}] : [];
      }),
    };
  }
}

/** Far more than a script prints. */
const maxSettings = 64;
const maxFunctions = 4096;

function numberOf(text = ''): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

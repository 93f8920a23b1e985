import type {Command} from '@oclif/core/command';
import {CommandHelp} from '@oclif/core/help';

/** The groups of flags, in the order in which they are thought of; the others follow. */
const groups = ['WHO', 'HOW MUCH', 'OUT'];

/** The help of one command: short usage, flags in groups, and examples that can be copied. */
export class FlagGroupsHelp extends CommandHelp {
  protected override defaultUsage(): string {
    const {args, flags = {}, id, strict} = this.command;
    const words = Object.values(args).map((arg) => {
      const name = `${arg.name.toUpperCase()}${strict === false ? '...' : ''}`;
      return arg.required ? name : `[${name}]`;
    });
    if (Object.keys(flags).length > 0) words.push('[FLAGS]');
    if (id === 'trace') words.push('[-- CMD ARGS]');
    return [id, ...words].join(' ');
  }

  protected override description(): string | undefined {
    const {description, summary} = this.command;
    return description === undefined || summary === undefined ? undefined : this.wrap(description);
  }

  /** What oclif calls global, --json, is about what comes out. */
  protected override groupFlags(flags: Command.Flag.Any[]): ReturnType<CommandHelp['groupFlags']> {
    const {flagGroups, mainFlags} = super.groupFlags(flags);
    const {GLOBAL = [], ...others} = flagGroups;
    const merged = GLOBAL.length > 0 ? {...others, OUT: [...(others.OUT ?? []), ...GLOBAL]} : others;
    const names = [...groups, ...Object.keys(merged).filter((name) => !groups.includes(name))];
    const ordered = names.flatMap((name) => (merged[name] ? [[name, merged[name]]] : []));
    return {flagGroups: Object.fromEntries(ordered), mainFlags};
  }

  protected override sections(): ReturnType<CommandHelp['sections']> {
    return super.sections().map((section) => ({
      ...section,
      generate: (context, header) => {
        const made = section.generate(context, header);
        return Array.isArray(made) ? made.map(withGroupAlone) : made;
      },
    }));
  }

  protected override examples(examples: Command.Example[] | string | undefined): string | undefined {
    if (examples === undefined) return undefined;
    const each = typeof examples === 'string' ? [examples] : examples;
    return each
      .map((example) => {
        if (typeof example === 'string') return this.#command(example);
        return `${this.wrap(example.description)}\n${this.indent(this.#command(example.command))}`;
      })
      .join('\n');
  }

  /** Too long a command is continued as a shell takes it. */
  #command(command: string): string {
    return this.wrap(command, 3 * this.indentSpacing).replaceAll('\n', ' \\\n  ');
  }
}

/** `WHO FLAGS` is `WHO`. */
function withGroupAlone<T>(section: T): T {
  if (typeof section !== 'object' || section === null || !('header' in section)) return section;
  return {...section, header: String(section.header).replace(/(.) FLAGS$/, '$1')};
}

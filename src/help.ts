import {type Command, Help} from '@oclif/core';

const tasks: readonly (readonly [string, string])[] = [
  ['what can I trace?', 'sudo tls-kit targets'],
  ['what does it send?', 'sudo tls-kit trace -p PID'],
  ['what does this command send?', 'sudo tls-kit trace -- curl https://example.org'],
  ['keep it for a ticket', 'sudo tls-kit trace -p PID -w f.ndjson.gz'],
  ['look at it again', 'tls-kit replay f.ndjson.gz'],
  ['a server without Node.js', 'tls-kit gen > t.bt'],
  ['nothing works', 'tls-kit doctor'],
];

const statuses: readonly (readonly [number, string])[] = [
  [0, 'done, or stopped by Ctrl-C or a closed pipe'],
  [1, 'a fault of tls-kit, or of the disk'],
  [2, 'usage'],
  [3, 'this machine cannot: not root, no bpftrace, kernel'],
  [4, 'nothing to trace'],
  [5, 'bpftrace failed'],
  [6, 'what --fail-on names happened'],
];

/** The help, which starts with what people want to do. */
export default class TaskHelp extends Help {
  protected override async showRootHelp(): Promise<void> {
    const column = Math.max(...tasks.map(([task]) => task.length)) + 2;
    const lines = [
      'Shows what a Linux server says over TLS, in plain text, without keys.',
      '',
      'TASKS',
      ...tasks.map(([task, words]) => `  ${task.padEnd(column)}${words}`),
      '',
      'COMMANDS',
      ...this.#commands(),
      '',
      'EXIT STATUS',
      ...statuses.map(([status, meaning]) => `  ${status}  ${meaning}`),
      '',
      'More of a command: tls-kit COMMAND --help',
    ];
    this.log(lines.join('\n'));
  }

  #commands(): string[] {
    const commands: Command.Loadable[] = this.sortedCommands.filter(
      ({id, hidden}) => !hidden && !id.includes(':') && id !== 'help',
    );
    const column = Math.max(...commands.map(({id}) => id.length)) + 2;
    return commands.map(({id, summary}) => `  ${id.padEnd(column)}${summary ?? ''}`);
  }
}

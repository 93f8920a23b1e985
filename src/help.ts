import {type CommandHelp, Help} from '@oclif/core/help';
import {FlagGroupsHelp} from './help-of-command.js';

/** What people want to do, and what to type. */
const tasks: readonly {readonly task: string; readonly type: string}[] = [
  {task: 'what can I trace?', type: 'sudo tls-kit targets'},
  {task: 'why does TLS fail?', type: 'sudo tls-kit trace handshakes -- CMD'},
  {task: 'what does it send?', type: 'sudo tls-kit trace -p PID'},
  {task: 'what does a command send?', type: 'sudo tls-kit trace -- curl https://example.org'},
  {task: 'keep it for a ticket', type: 'sudo tls-kit trace -p PID -w f.ndjson.gz'},
  {task: 'look at it again', type: 'tls-kit replay f.ndjson.gz'},
  {task: 'who was slow, what failed?', type: 'tls-kit report f.ndjson.gz --html r.html'},
  {task: 'open it elsewhere', type: 'tls-kit export har f.ndjson.gz -w f.har'},
  {task: 'a server without Node.js', type: 'tls-kit gen > t.bt'},
  {task: 'nothing works', type: 'sudo tls-kit doctor'},
];

const statuses: readonly string[] = [
  'done, or stopped by Ctrl-C or a closed pipe',
  'a fault of tls-kit, or of the disk',
  'usage: a word or a value that is not known',
  'this machine cannot: not root, no bpftrace, kernel',
  'nothing to trace',
  'bpftrace failed',
  'what --fail-on names happened',
];

/** The help of tls-kit itself starts with what people want to do. */
export default class TaskHelp extends Help {
  protected override CommandHelpClass: typeof CommandHelp = FlagGroupsHelp;

  protected override async showRootHelp(): Promise<void> {
    const commands = this.sortedCommands.filter(({id}) => !id.includes(':'));
    const sections = [
      ['TASKS', ...columns(tasks.map(({task, type}) => [task, type]))],
      ['COMMANDS', ...columns(commands.map((command) => [command.id, this.summary(command) ?? '']))],
      ['EXIT STATUS', ...columns(statuses.map((meaning, status) => [String(status), meaning]))],
    ];
    this.log('Shows what a Linux server says over TLS, in plain text, without keys.\n');
    for (const [header, ...lines] of sections) this.log(`${header}\n${lines.join('\n')}\n`);
    this.log('More about a command: tls-kit COMMAND --help');
  }
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}

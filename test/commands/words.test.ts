import {join} from 'node:path';
import {pathToFileURL} from 'node:url';
import t from 'tap';
import {program, root, run} from './tls-kit.js';

/** Starts tls-kit with these words, and gives those that the command to trace would get. */
async function commandWordsOf(words: readonly string[]): Promise<unknown> {
  const [started, from] = [pathToFileURL(join(root, 'dist/start.js')), pathToFileURL(program)];
  const script = `
    const started = await import('${started}');
    await started.start(${JSON.stringify(words)}, '${from}');
    process.stderr.write(JSON.stringify(started.commandWords ?? 'none'));
  `;
  return JSON.parse((await run([process.execPath, '--input-type=module', '-e', script])).stderr);
}

t.test('what follows the first -- arrives word by word', async (t) => {
  const commands = [
    ['cp', 'a', 'b', 'a'],
    ['sh', '-c', 'echo "$1" | tee', '', '', 'two  blanks', '\n', "it's"],
    ['ssh', 'host', '--', 'ls', '--', '-la'],
    ['trace', '--json', '-p', '1', '--help'],
    ['é', '日本語', '🙂'],
    [],
  ];
  for (const command of commands) t.strictSame(await commandWordsOf(['--help', '--', ...command]), command);
});

t.test('without -- there is no command', async (t) => {
  t.equal(await commandWordsOf(['--help', 'trace', '--json']), 'none');
});

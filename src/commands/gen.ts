import {readFile} from 'node:fs/promises';
import {Args, Flags} from '@oclif/core';
import {TlsKitCommand} from '../command.js';
import {TlsKitError} from '../errors.js';
import {bpftraceFlag, checkWhat, requestOf, scriptFlags} from '../flags.js';
import {requireBpftrace} from '../machine.js';
import {prepare} from '../trace.js';

export default class Gen extends TlsKitCommand {
  static override args = {
    what: Args.string({
      description: 'openssl (the default), gnutls, sockets, handshakes; several may stand together',
      ignoreStdin: true,
    }),
  };

  static override strict = false;

  static override summary = 'Print the bpftrace script that trace would run';

  static override description =
    'The script runs with bpftrace alone, on a server without Node.js; what it prints is shown by tls-kit replay.';

  static override examples = [
    '<%= config.bin %> <%= command.id %> > script.bt',
    '<%= config.bin %> <%= command.id %> -p 1234 --snaplen 512 > script.bt',
    {
      description: 'For another server, with another bpftrace:',
      command: '<%= config.bin %> <%= command.id %> --bpftrace-version 0.20 --lib /usr/lib64/libssl.so.3 > script.bt',
    },
    {description: 'For eyes:', command: '<%= config.bin %> <%= command.id %> --readable > script.bt'},
  ];

  static override flags = {
    ...scriptFlags,
    'bpftrace-version': Flags.string({
      helpGroup: 'SCRIPT',
      helpValue: 'VERSION',
      summary: 'For this bpftrace, not the one installed',
    }),
    readable: Flags.boolean({helpGroup: 'SCRIPT', summary: 'Print for eyes, not for replay'}),
    template: Flags.string({
      exclusive: ['readable'],
      helpGroup: 'SCRIPT',
      helpValue: 'FILE',
      summary: 'A Handlebars template of your own (docs/templates.md)',
    }),
    bpftrace: bpftraceFlag,
  };

  async run(): Promise<{script: string; sha256: string; dialect: string; environment: Record<string, string>}> {
    const {argv, flags} = await this.parse(Gen);
    const request = requestOf(checkWhat(argv as string[], 'gen'), flags);
    const version = flags['bpftrace-version'] ?? (await requireBpftrace(flags.bpftrace));
    const template = flags.template === undefined ? undefined : await readTemplate(flags.template);
    const {script} = await prepare({...request, isForElsewhere: true}, version, {
      readable: flags.readable,
      ...(template !== undefined && {template}),
    });
    process.stdout.write(this.jsonEnabled() ? '' : script.text);
    return {
      script: script.text,
      sha256: script.sha256,
      dialect: script.dialect.name,
      environment: {...script.environment},
    };
  }
}

async function readTemplate(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new TlsKitError(
      'FILE_UNREADABLE',
      `The template ${path} cannot be read: ${(cause as Error).message}`,
      ['Give the path of a file that you may read'],
      {cause},
    );
  }
}

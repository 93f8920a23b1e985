import {Args, Flags} from '@oclif/core';
import {TlsKitCommand} from '../command.js';
import {TlsKitError} from '../errors.js';
import {redactionFlags, understandOptionsOf} from '../message-flags.js';
import {asUser} from '../privileges.js';
import {readThrough} from '../read-through.js';
import {
  createCurlSink,
  createHarSink,
  createOutput,
  createPcapngSink,
  createPrivateFile,
  type Sink,
} from '../sinks/index.js';
import {callerOf} from '../targets/index.js';
import type {UnderstandOptions} from '../understand.js';
import {version} from '../version.js';

const formats = ['har', 'pcapng', 'curl'] as const;
type Format = (typeof formats)[number];

/** Of each body, where messages are made from data: a capture that holds messages has limited them itself. */
const bodyBytes = 1024 * 1024;

export default class Export extends TlsKitCommand {
  static override args = {
    format: Args.string({
      description: 'har for browser tools, pcapng for Wireshark, curl for a shell',
      ignoreStdin: true,
      options: formats,
      required: true,
    }),
    file: Args.string({
      description: 'A capture (-w FILE of trace), or what bpftrace printed for a script of gen; - is standard input',
      ignoreStdin: true,
      required: true,
    }),
  };

  static override enableJsonFlag = false;

  static override summary = "Turn a recording into another tool's format";

  static override examples = [
    '<%= config.bin %> <%= command.id %> har capture.ndjson.gz -w capture.har',
    '<%= config.bin %> <%= command.id %> curl capture.ndjson.gz',
    {
      description: 'Into Wireshark, which takes port 443 for HTTP/2 only when it is told to:',
      command: '<%= config.bin %> <%= command.id %> pcapng f.ndjson.gz | tshark -r - -d tcp.port==443,http',
    },
  ];

  static override flags = {
    'port-80': Flags.boolean({
      helpGroup: 'OUT',
      summary: "pcapng: show servers' ports as 80, where Wireshark looks for HTTP",
    }),
    write: Flags.string({
      char: 'w',
      helpGroup: 'OUT',
      helpValue: 'FILE',
      summary: 'Write into FILE (mode 0600) instead of standard output',
    }),
    ...redactionFlags,
  };

  async run(): Promise<void> {
    const {args, flags} = await this.parse(Export);
    const format = args.format as Format;
    const understand = {...(await understandOptionsOf(flags)), limits: {bodyBytes}};
    if (format === 'pcapng' && flags.write === undefined && process.stdout.isTTY) throw notForTerminals();
    const {write} = flags;
    if (write !== undefined) {
      const caller = await callerOf(process.env);
      const file = asUser(caller, () => createPrivateFile(write, {what: 'export', flag: '-w'}));
      try {
        await this.#convert(args.file, sinkOf(format, file.write, flags['port-80']), understand);
      } finally {
        await file.close();
      }
      return;
    }
    const output = createOutput(process.stdout);
    await this.#convert(args.file, sinkOf(format, output.write, flags['port-80']), understand, output.closed);
    await output.flush();
  }

  async #convert(path: string, sink: Sink, understand: UnderstandOptions, closed?: AbortSignal): Promise<void> {
    await readThrough(path, sink, {understand, ...(closed && {closed})});
    await sink.close();
  }
}

function sinkOf(
  format: Format,
  write: (chunk: string | Uint8Array) => void | Promise<void>,
  showsPort80: boolean,
): Sink {
  switch (format) {
    case 'har':
      return createHarSink(write, {name: 'tls-kit', version});
    case 'curl':
      return createCurlSink(write);
    case 'pcapng':
      return createPcapngSink(write, `tls-kit ${version}`, showsPort80);
  }
}

function notForTerminals(): TlsKitError {
  return new TlsKitError('USAGE', 'pcapng is not for a terminal.', [
    'Write it into a file: -w FILE',
    'Hand it to tshark: tls-kit export pcapng FILE | tshark -r -',
  ]);
}

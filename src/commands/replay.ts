import {Args} from '@oclif/core';
import {TlsKitCommand} from '../command.js';
import {readerFlags} from '../flags.js';
import {messageFlags, redactionFlags, understandOptionsOf} from '../message-flags.js';
import {asUser} from '../privileges.js';
import {replay} from '../replay.js';
import {createFan, createScreen, statusOf} from '../show.js';
import {createCaptureFile, type Sink, startProgressLine} from '../sinks/index.js';
import {callerOf} from '../targets/index.js';

export default class Replay extends TlsKitCommand {
  static override args = {
    file: Args.string({
      description: 'A capture (-w FILE of trace), or what bpftrace printed for a script of gen; - is standard input',
      ignoreStdin: true,
      required: true,
    }),
  };

  static override enableJsonFlag = false;

  static override summary = 'Show a recording, like trace';

  static override examples = [
    '<%= config.bin %> <%= command.id %> capture.ndjson.gz',
    '<%= config.bin %> <%= command.id %> out.txt --format hex',
    {
      description: 'Live, from another server:',
      command: 'ssh server sudo bpftrace script.bt | <%= config.bin %> <%= command.id %> -',
    },
  ];

  static override flags = {...readerFlags, ...redactionFlags, ...messageFlags};

  async run(): Promise<void> {
    const {args, flags} = await this.parse(Replay);
    const understand = await understandOptionsOf(flags);
    const stop = new AbortController();
    const onSignal = () => stop.abort();
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
    let share = 0;
    const isWatched = process.stderr.isTTY && !process.stdout.isTTY && args.file !== '-';
    const progress = isWatched ? startProgressLine(process.stderr, () => share) : undefined;
    const {sink, output} = createScreen({...flags, ...(progress && {beforeErr: progress.clear})});
    output.closed.addEventListener('abort', onSignal, {once: true});
    const {write} = flags;
    const caller = await callerOf(process.env);
    const sinks: Sink[] = write === undefined ? [] : [asUser(caller, () => createCaptureFile(write))];
    if (flags.write === undefined || flags.print) sinks.push(sink);
    const show = createFan(sinks);
    try {
      const onProgress = (read: number) => {
        share = read;
      };
      const summary = await replay(args.file, show, {understand, onProgress, stop: stop.signal});
      if (summary) process.exitCode = statusOf(summary, flags['fail-on']);
    } finally {
      progress?.close();
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, onSignal);
      await show.close();
    }
  }
}

import {Flags} from '@oclif/core';
import {TlsKitCommand} from '../command.js';
import {setStage} from '../demo.js';
import {TlsKitError} from '../errors.js';
import {bpftraceFlag} from '../flags.js';
import {libraries} from '../libraries/index.js';
import {requireMachine} from '../machine.js';
import {asUser} from '../privileges.js';
import {createFan, createScreen} from '../show.js';
import {createCaptureFile, type Sink} from '../sinks/index.js';
import {callerOf, loaderTargets} from '../targets/index.js';
import {trace} from '../trace.js';

export default class Demo extends TlsKitCommand {
  static override enableJsonFlag = false;

  static override summary = 'Trace a real TLS exchange on loopback';

  static override description =
    "Starts an HTTPS server and its clients on a private copy of this machine's libssl, traces them alone, and ends them.";

  static override examples = [
    'sudo <%= config.bin %> <%= command.id %>',
    'sudo <%= config.bin %> <%= command.id %> -w demo.ndjson.gz',
  ];

  static override flags = {
    write: Flags.string({char: 'w', helpValue: 'FILE', summary: 'Record it into FILE as well (.gz compresses)'}),
    bpftrace: bpftraceFlag,
  };

  async run(): Promise<void> {
    const {flags} = await this.parse(Demo);
    const version = await requireMachine(flags.bpftrace, ['tls-kit', 'demo']);
    const stage = await setStage(await this.#libssl());
    const enough = new AbortController();
    const stop = () => enough.abort();
    process.once('SIGINT', stop).once('SIGTERM', stop);
    let played: Promise<void> = Promise.resolve();
    try {
      const {sink, output} = createScreen({format: 'text', time: 'local', show: ['headers', 'body']});
      const {write} = flags;
      const caller = await callerOf(process.env);
      const sinks: Sink[] = [sink];
      const show = createFan(sinks);
      const open = () => {
        if (write !== undefined) sinks.push(asUser(caller, () => createCaptureFile(write)));
        return show;
      };
      output.closed.addEventListener('abort', stop, {once: true});
      const say = (line: string) => process.stderr.write(`${line}\n`);
      say('An HTTPS server and three clients on loopback; what they say is shown without their keys.');
      await trace(
        {
          what: ['openssl'],
          pids: [],
          comms: [],
          users: [],
          cgroups: [],
          libs: [stage.library],
          peers: [],
          snaplen: 16_384,
        },
        {
          understand: {redact: []},
          bpftrace: flags.bpftrace,
          bpftraceVersion: version,
          outputToErrors: true,
          onReady: async () => {
            played = stage.play().finally(stop);
            played.catch(() => {}); // thrown below, after the trace has ended
          },
          say,
          stop: enough.signal,
          abort: new AbortController().signal,
        },
        open,
      ).finally(show.close);
      await played;
      if (write !== undefined) say(`Written to ${write}.`);
    } finally {
      process.off('SIGINT', stop).off('SIGTERM', stop);
      await stage.close();
    }
  }

  async #libssl(): Promise<string> {
    const openssl = libraries.filter(({name}) => name === 'openssl');
    const [target] = await loaderTargets(openssl, {});
    if (target) return target.path;
    throw new TlsKitError('NO_LIBRARY', 'This machine has no libssl.', ['Install it: sudo apt-get install openssl']);
  }
}

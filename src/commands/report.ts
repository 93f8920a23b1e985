import {Args, Flags} from '@oclif/core';
import {TlsKitCommand} from '../command.js';
import {messageFlags, redactionFlags, understandOptionsOf} from '../message-flags.js';
import {asUser} from '../privileges.js';
import {readThrough} from '../read-through.js';
import {
  createPrivateFile,
  type Report as ReportData,
  ReportFold,
  reportHtml,
  reportText,
  wantsColour,
} from '../sinks/index.js';
import {callerOf} from '../targets/index.js';

/** A report shows no bodies: they are only counted, where no filter looks into them. */
const noBodies = {bodyBytes: 0};

export default class Report extends TlsKitCommand {
  static override args = {
    file: Args.string({
      description: 'A capture (-w FILE of trace), or what bpftrace printed for a script of gen; - is standard input',
      ignoreStdin: true,
      required: true,
    }),
  };

  static override summary = 'Make a report of a recording: who was slow, what failed, and why';

  static override examples = [
    '<%= config.bin %> <%= command.id %> capture.ndjson.gz',
    {
      description: 'As one page to attach to a ticket, which fetches nothing:',
      command: '<%= config.bin %> <%= command.id %> capture.ndjson.gz --html report.html',
    },
    '<%= config.bin %> <%= command.id %> capture.ndjson.gz --json | jq .totals',
  ];

  static override flags = {
    html: Flags.string({
      helpGroup: 'OUT',
      helpValue: 'FILE',
      summary: 'Write one HTML page into FILE (mode 0600) instead',
    }),
    ...redactionFlags,
    ...messageFlags,
  };

  async run(): Promise<ReportData> {
    const {args, flags} = await this.parse(Report);
    const fold = new ReportFold();
    const show = {write: (event: Parameters<ReportFold['add']>[0]) => fold.add(event), flush: async () => {}};
    const options = await understandOptionsOf(flags);
    const understand = options.filter ? options : {...options, limits: noBodies};
    await readThrough(args.file, show, {understand});
    const report = fold.report();
    if (flags.html === undefined) this.log(reportText(report, wantsColour(process.stdout, process.env)).trimEnd());
    else await this.#writeHtml(flags.html, report);
    return report;
  }

  async #writeHtml(path: string, report: ReportData): Promise<void> {
    const caller = await callerOf(process.env);
    const file = asUser(caller, () => createPrivateFile(path, {what: 'report', flag: '--html'}));
    await file.write(reportHtml(report));
    await file.close();
    this.logToStderr(`The report is in ${path}.`);
  }
}

import type {Envelope} from './envelope.js';

const record = /^[A-Z]{1,2}\|/;
const mapLine = /^(@\w*)(?:\[(.*)\])?: (-?\d{1,20})$/;
const lostLine = /^Lost (\d{1,15}) events$/;
const attachedLine = /^Attach(?:ing|ed) (\d{1,9}) probes?(?:\.\.\.)?$/;
const messageLine = /^(ERROR|WARNING|HINT): (.*)$/;
const readyLine = '__BPFTRACE_NOTIFY_PROBES_ATTACHED';

/** A line of bpftrace without `-f json`: there, a printf writes the line itself. What is nothing else is text. */
export function readPlainLine(line: string): Envelope {
  if (record.test(line)) return {kind: 'text', text: line, isWhole: true};
  if (line.trim() === '') return {kind: 'blank'};
  if (line === readyLine) return {kind: 'ready'};
  const map = mapLine.exec(line);
  if (map) {
    const key = (map[2] ?? '').replaceAll(', ', ',');
    return {kind: 'map', name: map[1] as string, entries: new Map([[key, BigInt(map[3] as string)]])};
  }
  const lost = lostLine.exec(line);
  if (lost) return {kind: 'lost', events: Number(lost[1])};
  const attached = attachedLine.exec(line);
  if (attached) return {kind: 'attached', probes: Number(attached[1])};
  const message = messageLine.exec(line);
  if (message) return {kind: 'message', severity: severityOf(message[1] as string), text: message[2] as string};
  return {kind: 'text', text: line, isWhole: true};
}

function severityOf(word: string): 'info' | 'warning' | 'error' {
  return word === 'ERROR' ? 'error' : word === 'WARNING' ? 'warning' : 'info';
}

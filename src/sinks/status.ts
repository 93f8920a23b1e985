import {counted, size} from './units.js';

export interface StatusNumbers {
  readonly events: number;
  readonly bytesCaptured: number;
  readonly lostEvents: number;
}

/** A line at the bottom of a terminal, redrawn in place. */
export interface StatusLine {
  /** Takes the line away, so that other text may be written; it comes back with the next redraw. */
  clear(): void;
  close(): void;
}

const everyMs = 250;
const clearLine = '\r\u001b[K';

/** Shows how a trace is going: events, bytes, rate, lost. Only for a terminal: the caller checks. */
export function startStatusLine(stream: NodeJS.WriteStream, read: () => StatusNumbers | undefined): StatusLine {
  let last = {bytes: 0, atMs: Date.now()};
  return startLine(stream, () => {
    const numbers = read();
    if (!numbers) return undefined;
    const nowMs = Date.now();
    const rate = ((numbers.bytesCaptured - last.bytes) * 1000) / Math.max(nowMs - last.atMs, 1);
    last = {bytes: numbers.bytesCaptured, atMs: nowMs};
    const lost = numbers.lostEvents > 0 ? `, ${counted(numbers.lostEvents)} events lost` : '';
    return `${counted(numbers.events)} calls, ${size(numbers.bytesCaptured)}, ${size(Math.round(rate))}/s${lost}. Ctrl-C stops.`;
  });
}

/** Shows how much of a file is read. Only for a terminal: the caller checks. */
export function startProgressLine(stream: NodeJS.WriteStream, readShare: () => number): StatusLine {
  return startLine(stream, () => `${Math.floor(readShare() * 100)} % read`);
}

function startLine(stream: NodeJS.WriteStream, read: () => string | undefined): StatusLine {
  let isShown = false;
  const clear = () => {
    if (isShown) stream.write(clearLine);
    isShown = false;
  };
  const timer = setInterval(() => {
    const text = read();
    if (text === undefined) return;
    stream.write(`${clearLine}${text.slice(0, (stream.columns || 80) - 1)}`);
    isShown = true;
  }, everyMs);
  return {
    clear,
    close: () => {
      clearInterval(timer);
      clear();
    },
  };
}

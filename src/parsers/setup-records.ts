import {deedOf, hexNumber, readTime} from './numbers.js';
import type {AnchorRecord, FunctionRecord, LibraryRecord, SettingRecord} from './records.js';

const anchorShape = new RegExp(`^TK\\|${hexNumber}\\|${hexNumber}\\|(\\d{1,12})(?:\\.(\\d{6}))?$`);
const settingShape = /^S\|([\w-]+)\|([\x20-\x7e]*)$/;
const libraryShape = /^L\|(\d{1,4})\|(\d{1,4})\|([\w.]+)\|((?:(?![%=|"\\])[\x20-\x7e]|=[\dA-Fa-f]{2})*)$/;
const functionShape = new RegExp(`^F\\|${hexNumber}\\|([\\w.]+)\\|(\\w+)\\|([\\w.]+)$`);

export function readAnchor(line: string): AnchorRecord | undefined {
  const match = anchorShape.exec(line);
  if (!match) return undefined;
  const [, version, nsecs, seconds, microseconds = '0'] = match as unknown as [string, string, string, string, string?];
  return {
    kind: 'anchor',
    version: Number.parseInt(version, 16),
    nsecs: readTime(nsecs),
    epochNs: BigInt(seconds) * 1_000_000_000n + BigInt(microseconds) * 1000n,
  };
}

export function readSetting(line: string): SettingRecord | undefined {
  const match = settingShape.exec(line);
  return match ? {kind: 'setting', key: match[1] as string, value: unescaped(match[2] as string)} : undefined;
}

export function readLibrary(line: string): LibraryRecord | undefined {
  const match = libraryShape.exec(line);
  if (!match) return undefined;
  const [, target, part, library, path] = match as unknown as [string, string, string, string, string];
  return {kind: 'library', target: Number(target), part: Number(part), library, path: unescaped(path)};
}

export function readFunction(line: string): FunctionRecord | undefined {
  const match = functionShape.exec(line);
  if (!match) return undefined;
  const [, number, library, deed, name] = match as unknown as [string, string, string, string, string];
  const id = Number.parseInt(number, 16);
  return deedOf(id) === deed ? {kind: 'function', id, library, name} : undefined;
}

function unescaped(text: string): string {
  return text.replaceAll(/=([\dA-Fa-f]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}

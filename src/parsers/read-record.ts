import {
  readBegin,
  readError,
  readOctets,
  readOutcome,
  readSubject,
  readVerdict,
  readWireEnd,
} from './handshake-records.js';
import {readEnd, readExit, readGate, readProcess} from './lifetime-records.js';
import {readByte, readCall, readCallInWords, readChunk, readMore, readWords} from './payload-records.js';
import type {TraceRecord} from './records.js';
import {readAnchor, readFunction, readLibrary, readSetting} from './setup-records.js';
import {readAddress, readConnectEnd, readInside, readName, readSocket, readSystemCall} from './socket-records.js';

/** A line to a record. Undefined when it is not exactly one: every field is checked, nothing is made good. */
export function readRecord(line: string): TraceRecord | undefined {
  return readers.get(line.slice(0, line.indexOf('|')))?.(line);
}

const readers: ReadonlyMap<string, (line: string) => TraceRecord | undefined> = new Map<
  string,
  (line: string) => TraceRecord | undefined
>([
  ['C', readChunk],
  ['D', readCall],
  ['G', readCallInWords],
  ['M', readMore],
  ['W', readWords],
  ['B', readByte],
  ['O', readOctets],
  ['A', readBegin],
  ['H', readOutcome],
  ['R', readError],
  ['V', readVerdict],
  ['K', readSubject],
  ['Y', readWireEnd],
  ['P', readProcess],
  ['N', readAddress],
  ['T', readSocket],
  ['I', readInside],
  ['U', readName],
  ['Q', readSystemCall],
  ['J', readConnectEnd],
  ['X', readEnd],
  ['E', readExit],
  ['Z', readGate],
  ['TK', readAnchor],
  ['S', readSetting],
  ['L', readLibrary],
  ['F', readFunction],
]);

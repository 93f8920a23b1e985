import t from 'tap';
import {type Call, Calls} from '../../src/parsers/calls.js';
import {readRecord} from '../../src/parsers/read-record.js';
import type {CallRecord, PieceRecord} from '../../src/parsers/records.js';

function start(calls: Calls, carried: number, payload = '', clock = '5', thread = '1'): Call {
  const what = `65${Math.max(1, carried).toString(16).padStart(8, '0')}`;
  const line = `D|${clock}|1|1${thread.padStart(8, '0')}|2|3|0|${what}|${carried.toString(16)}|${payload}`;
  return calls.start(readRecord(line) as CallRecord);
}

const piece = (line: string) => readRecord(line) as PieceRecord;
const text = (calls: Calls, call: Call) => {
  const {bytes, ...rest} = calls.finish(call);
  return {text: bytes.toString('latin1'), ...rest};
};

t.test('a call with its payload, or without any, is whole at once', (t) => {
  const calls = new Calls();
  const whole = start(calls, 2, '61 62');
  const none = start(calls, 0);
  t.ok(calls.isReady(whole) && calls.isReady(none));
  t.same(text(calls, whole), {text: 'ab', gaps: [], lost: 0, shortened: 0});
  t.end();
});

t.test('puts pieces together, in any order, overlapping or not', (t) => {
  const calls = new Calls();
  const call = start(calls, 10);
  t.ok(calls.add(piece('W|1|5|2|6a69686766656463')));
  t.notOk(calls.isReady(call));
  t.ok(calls.add(piece('W|1|5|0|6867666564636261')));
  t.same(text(calls, call), {text: 'abcdefghij', gaps: [], lost: 0, shortened: 0});
  t.end();
});

t.test('the first piece comes with the call, where a record holds no more', (t) => {
  const calls = new Calls();
  const line = 'D|5|1|100000001|2|3|0|6500000004|4|61 62';
  const call = calls.start(readRecord(line) as CallRecord, 2);
  t.notOk(calls.isReady(call));
  t.ok(calls.add(piece('C|1|5|2|2|63 64')));
  t.ok(calls.isReady(call));
  t.same(text(calls, call), {text: 'abcd', gaps: [], lost: 0, shortened: 0});
  const short = calls.start(readRecord(line) as CallRecord, 3);
  t.same(text(calls, short), {
    text: 'ab',
    gaps: [
      [2, 1],
      [3, 1],
    ],
    lost: 1,
    shortened: 1,
  });
  t.end();
});

t.test('says which bytes are missing, at the start, within and at the end', (t) => {
  const calls = new Calls();
  const call = start(calls, 10);
  calls.add(piece('C|1|5|2|2|63 64'));
  calls.add(piece('C|1|5|6|2|67 68'));
  const gaps = [
    [0, 2],
    [4, 2],
    [8, 2],
  ];
  t.same(text(calls, call), {text: 'cdgh', gaps, lost: 6, shortened: 0});
  t.end();
});

t.test('tells bytes that bpftrace cut from bytes that were lost', (t) => {
  const calls = new Calls();
  const chunked = start(calls, 10);
  calls.add(piece('C|1|5|0|5|61 62 63'));
  calls.add(piece('C|1|5|5|5|66 67'));
  t.same(text(calls, chunked), {text: 'abcfg', gaps: [[3, 2]], lost: 0, shortened: 5}, 'the end of a call is no gap');
  const whole = start(calls, 10, '61 62 63');
  t.same(text(calls, whole), {text: 'abc', gaps: [], lost: 0, shortened: 7});
  t.end();
});

t.test('waits for pieces until a later call of the same thread, or a great many records', (t) => {
  const calls = new Calls();
  const first = start(calls, 2);
  t.notOk(calls.isReady(first));
  start(calls, 2, '', '6', '2');
  t.notOk(calls.isReady(first), 'another thread says nothing');
  start(calls, 2, '', '6');
  t.ok(calls.isReady(first));
  calls.add(piece('C|1|5|0|2|61 62'));
  t.equal(text(calls, first).text, 'ab', 'a piece that comes all the same is taken');
  const second = start(calls, 2, '', '7');
  for (let index = 0; index < 5000; index++) calls.add(piece('C|9|9|0|1|61'));
  t.ok(calls.isReady(second));
  t.end();
});

t.test('refuses a piece that lies outside of its call, and ignores one whose call has gone', (t) => {
  const calls = new Calls();
  const call = start(calls, 2);
  t.notOk(calls.add(piece('C|1|5|1|2|61 62')));
  calls.finish(call);
  t.ok(calls.add(piece('C|1|5|0|2|61 62')));
  t.end();
});

import t from 'tap';
import {createOtherEnds} from '../../src/connections/other-ends.js';
import type {ConnectionEvent, DataEvent, TraceEvent} from '../../src/model.js';
import {dataEvent, summary} from '../sinks/events.js';

type Ends = Pick<DataEvent['connection'], 'local' | 'remote'>;

const client: Ends = {local: '127.0.0.1:40000', remote: '127.0.0.1:443'};
const server: Ends = {local: '127.0.0.1:443', remote: '127.0.0.1:40000'};

const data = (id: string, ends: Ends): DataEvent => dataEvent('x', {connection: {id, ...ends}});
const close = (id: string, ends: Ends): ConnectionEvent => {
  const {time, pid} = dataEvent('');
  return {type: 'connection', event: 'close', time, pid, connection: {id, ...ends}};
};

function othersOf(events: readonly TraceEvent[]): (string | undefined)[] {
  const mark = createOtherEnds();
  return events.map(mark).map((event) => ('connection' in event ? event.connection?.otherEnd : undefined));
}

t.test('each end is told of the other, once both were seen', async (t) => {
  const events = [data('c', client), data('s', server), data('c', client), close('c', client), data('s', server)];
  t.strictSame(othersOf(events), [undefined, 'c', 's', 's', 'c']);
});

t.test('an end whose addresses come to light late is told of one that has ended', async (t) => {
  const events = [data('c', client), data('s', {}), close('c', client), data('s', server)];
  t.strictSame(othersOf(events), [undefined, undefined, undefined, 'c']);
});

t.test('one that had ended before had the same ports by chance', async (t) => {
  const events = [data('c', client), close('c', client), data('s', server), data('s', server)];
  t.strictSame(othersOf(events), [undefined, undefined, undefined, undefined]);
});

t.test('ports that are used again are another connection', async (t) => {
  const before = [data('c', client), data('s', server), close('c', client), close('s', server)];
  t.strictSame(othersOf([...before, data('c2', client), data('s2', server), data('c2', client)]).slice(4), [
    undefined,
    'c2',
    's2',
  ]);
});

t.test('without addresses, or with those of somebody else, nothing is said', async (t) => {
  const another = {local: '127.0.0.1:443', remote: '127.0.0.1:40001'};
  t.strictSame(othersOf([data('a', {}), data('b', {}), data('c', client), data('s', another), summary]), [
    ...[undefined, undefined, undefined, undefined, undefined],
  ]);
  const event = data('a', client);
  t.equal(createOtherEnds()(event), event, 'it is the very same');
});

import type {TraceEvent} from '../events.js';

/** One end of a connection, by its addresses, and when it was first and last heard of, counted in events. */
interface End {
  readonly id: string;
  readonly from: number;
  readonly to: number;
}

/** What is remembered: of more, the one longest idle is forgotten. */
const maxRemembered = 65_536;

/**
 * Marks what is seen twice because both ends of a connection are traced: each event whose connection has the addresses of another one
 * the other way round, at the same time, gets that one's id as `otherEnd`. The first events of the end that is seen first have none.
 */
export function createOtherEnds(): <Event extends TraceEvent>(event: Event) => Event {
  const ends = new Map<string, End>();
  /** When a connection was first heard of: its addresses may come to light as late as in its last event. */
  const begun = new Map<string, number>();
  let events = 0;
  return (event) => {
    if (!('connection' in event) || typeof event.connection !== 'object') return event;
    const {id, local, remote} = event.connection;
    const from = begun.get(id) ?? ++events;
    remember(begun, id, from);
    if (local === undefined || remote === undefined) return event;
    const isClosed = event.type === 'connection' && event.event === 'close';
    remember(ends, `${local} ${remote}`, {id, from, to: isClosed ? ++events : Number.POSITIVE_INFINITY});
    const other = ends.get(`${remote} ${local}`);
    // One that had ended before this one began had the same ports by chance.
    if (!other || other.id === id || other.to < from) return event;
    return {...event, connection: {...event.connection, otherEnd: other.id}};
  };
}

function remember<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key);
  map.set(key, value);
  for (const [oldest] of map) {
    if (map.size <= maxRemembered) break;
    map.delete(oldest);
  }
}

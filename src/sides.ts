/** `--side`: which end of a connection the traced process is. */
import type {TraceEvent} from './model.js';

export type Side = 'client' | 'server';

/**
 * A test for events by the side that the traced process has in their connection, given in the order of time. The function that
 * began the connection tells it, a handshake, or a message that was decoded; an event of a connection of which none was seen does
 * not pass, nor does a socket call, which tells of no side. One that belongs to no connection passes.
 */
export function createSideTest(side: Side): (event: TraceEvent) => boolean {
  const known = new Map<string, Side>();
  return (event) => {
    if (event.type === 'socket') return false;
    if (!('connection' in event) || !event.connection) return true;
    const {id} = event.connection;
    const told = sideOf(event);
    if (told) known.set(id, told);
    const isWanted = known.get(id) === side;
    if (event.type === 'connection' && event.event === 'close') known.delete(id);
    return isWanted;
  };
}

function sideOf(event: TraceEvent): Side | undefined {
  if (event.type === 'handshake') return event.role;
  return event.type === 'message' || event.type === 'connection' ? event.side : undefined;
}

import t from 'tap';
import type {TraceEvent} from '../src/model.js';
import {createSideTest} from '../src/sides.js';

const of = (id: string, fields: object) => ({time: '', pid: 1, connection: {id}, ...fields}) as unknown as TraceEvent;
const data = (id: string) => of(id, {type: 'data'});

t.test('a handshake tells the side of all that follows', async (t) => {
  const shows = createSideTest('server');
  t.notOk(shows(data('1.1')), 'nothing is known yet');
  t.ok(shows(of('1.1', {type: 'handshake', role: 'server'})));
  t.ok(shows(data('1.1')));
  t.notOk(shows(of('1.2', {type: 'handshake', role: 'client'})));
  t.notOk(shows(data('1.2')));
  t.ok(shows(of('1.1', {type: 'connection', event: 'close'})));
  t.notOk(shows(data('1.1')), 'the same name later is another connection');
});

t.test('so does the beginning of a connection', async (t) => {
  const shows = createSideTest('client');
  t.ok(shows(of('1.1', {type: 'connection', event: 'open', side: 'client'})));
  t.notOk(shows(of('1.2', {type: 'connection', event: 'open', side: 'server'})));
  t.strictSame([shows(data('1.1')), shows(data('1.2'))], [true, false]);
});

t.test('so does a message, where no handshake was seen', async (t) => {
  const shows = createSideTest('client');
  t.notOk(shows(data('1.1')));
  t.ok(shows(of('1.1', {type: 'message', side: 'client'})));
  t.ok(shows(data('1.1')));
});

t.test('what has no connection passes, and a socket call does not', async (t) => {
  const shows = createSideTest('client');
  t.ok(shows({type: 'loss', events: 1, cause: 'ring'} as unknown as TraceEvent));
  t.notOk(shows({type: 'socket'} as unknown as TraceEvent));
});

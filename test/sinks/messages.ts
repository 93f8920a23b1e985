import type {MessageEvent} from '../../src/model.js';
import {time} from './events.js';

type Change = {[Field in keyof MessageEvent]?: MessageEvent[Field] | undefined};

/** A whole exchange, with a change of some of its fields; undefined takes a field away. */
export function message(change: Change = {}): MessageEvent {
  const whole: Change = {
    type: 'message',
    time: '2026-11-23T04:26:57.128500000Z',
    pid: 8834,
    tid: 8834,
    uid: 0,
    comm: 'curl',
    library: 'openssl',
    connection: {id: '8834.1', fd: 5, local: '127.0.0.1:40000', remote: '127.0.0.1:8443', attribution: 'nested'},
    side: 'client',
    protocol: 'http/1',
    complete: true,
    gaps: [],
    request: {
      method: 'POST',
      target: '/orders/17?q=a%20b&q=2',
      version: '1.1',
      authority: 'shop.example:8443',
      headers: [
        {name: 'Host', value: 'shop.example:8443'},
        {name: 'Cookie', value: 'a=1; b=2=3'},
        {name: 'Content-Type', value: 'application/json'},
        {name: 'Content-Length', value: '7'},
      ],
      body: {length: 7, captured: 7, text: '{"n":1}'},
    },
    response: {
      status: 201,
      reason: 'Created',
      version: '1.1',
      headers: [
        {name: 'Content-Type', value: 'text/plain'},
        {name: 'Content-Encoding', value: 'gzip'},
        {name: 'Location', value: '/orders/18'},
        {name: 'Set-Cookie', value: 's=x; Path=/; HttpOnly; Expires=never'},
      ],
      body: {length: 20, captured: 20, text: 'hello world', encoding: 'gzip', decoded: true},
    },
    timings: {startedAt: time, sentNs: 500_000, waitNs: 5_000_000, receiveNs: 2_000_000, totalNs: 7_500_000},
  };
  const fields = Object.entries({...whole, ...change}).filter(([, value]) => value !== undefined);
  return Object.fromEntries(fields) as unknown as MessageEvent;
}

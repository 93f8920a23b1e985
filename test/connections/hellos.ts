/** The recorded handshakes of real programs, and what tshark says of each (made by test/fixtures/hellos/record.mjs). */
import {readdirSync, readFileSync} from 'node:fs';
import {TlsConversation} from '../../src/connections/tls-records.js';

export interface Recording {
  name: string;
  chunks: ['client' | 'server', string][];
  tshark: {
    hello: [
      serverName: string,
      alpn: string,
      ja4: string,
      ciphers: string,
      version: string,
      versions: string,
      groups: string,
      signatures: string,
    ];
    hellos: number;
    answer?: [cipher: string, version: string, chosenVersion: string, alpn: string];
    answers: number;
    alerts: string[];
  };
}

const folder = new URL('../fixtures/hellos/', import.meta.url);

export const recordings: Recording[] = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .map((name) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')));

export function recording(name: string): Recording {
  const found = recordings.find((each) => each.name === name);
  if (!found) throw new Error(`no recording ${name}`);
  return found;
}

/** All bytes of one side. */
export function bytesOf({chunks}: Recording, side: 'client' | 'server'): Buffer {
  return Buffer.concat(chunks.filter(([each]) => each === side).map(([, bytes]) => Buffer.from(bytes, 'base64')));
}

/** The facts that a process at one end learns from a recording. */
export function factsOf({chunks}: Recording, end: 'client' | 'server' = 'client') {
  const conversation = new TlsConversation();
  for (const [side, bytes] of chunks)
    conversation.push(side === end ? 'send' : 'receive', Buffer.from(bytes, 'base64'));
  conversation.end();
  return conversation.facts();
}

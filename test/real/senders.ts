/** Programs that send as fast as they can what can be checked at any place, and tell how much it was. */
import type {ChildProcess} from 'node:child_process';
import {randomBytes} from 'node:crypto';
import type {DataEvent} from '../../src/model.js';
import {until, type Workshop} from './workshop.js';

/** Two ends of TLS in one process, joined in memory: all the time goes into the library. Runs on one processor. */
const program = `
import os, select, ssl, sys
os.sched_setaffinity(0, {int(sys.argv[1])})
pattern = open(sys.argv[4], 'rb').read()
total = int(sys.argv[5])
up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[2], sys.argv[3])
client = ssl._create_unverified_context().wrap_bio(down, up)
server = context.wrap_bio(up, down, server_side=True)
for end in (client, server, client, server):
    try:
        end.do_handshake()
    except ssl.SSLWantReadError:
        pass
print('ready', flush=True)
sys.stdin.readline()
twice, sent, received, size = pattern * 2, 0, 0, 1
while sent < total and not select.select([sys.stdin], [], [], 0)[0]:
    size = size * 7919 % 16384 + 1
    start = sent % len(pattern)
    sent += client.write(twice[start:start + min(size, total - sent)])
    while received < sent:
        received += len(server.read(16384))
print(sent, received, flush=True)
sys.stdin.readline()
`;

/** A period that no size of a piece, a page or a TLS record divides. */
export const pattern = randomBytes(65_521);

export interface Sender {
  readonly child: ChildProcess;
  readonly pid: number;
  begin(): void;
  /** Asks it to stop sending if it still does, and to end. */
  halt(): void;
  /** What it says that it has sent and received, when it sends no more. Its connections stay until it is told to end. */
  readonly moved: Promise<number>;
}

/** A sender of at most so many bytes, ready to begin. */
export async function startSender(workshop: Workshop, processor: number, bytes: number): Promise<Sender> {
  const {key, certificate} = await workshop.certificate();
  const files = [workshop.file('sender.py', program), workshop.file('pattern', pattern)] as const;
  const words = ['/usr/bin/python3', files[0], String(processor), certificate, key, files[1], String(bytes)];
  const child = workshop.start(words, {stdin: 'pipe'});
  let output = '';
  let errors = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk;
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    errors += chunk;
  });
  const told = () => /^(\d+) (\d+)$/m.exec(output);
  const moved = until(() => told() !== null || child.exitCode !== null, 'a sender to be done', 120_000).then(() => {
    const match = told();
    if (!match) throw new Error(`the sender told nothing: ${errors}`);
    return Number(match[1]) + Number(match[2]);
  });
  moved.catch(() => undefined); // whoever waits for it hears of it
  await until(() => output.startsWith('ready') || child.exitCode !== null, 'the sender to be ready');
  return {
    child,
    pid: child.pid as number,
    begin: () => child.stdin?.write('begin\n'),
    halt: () => child.stdin?.write('halt\n'),
    moved,
  };
}

/** Whether the captured bytes of a call are the pattern's at its offset. */
export function isPattern({offset, length, payload, gaps = []}: DataEvent): boolean {
  const start = offset % pattern.length;
  const whole = Buffer.concat([pattern, pattern]).subarray(start, start + length);
  const kept: Buffer[] = [];
  let at = 0;
  for (const [position, missing] of gaps) {
    kept.push(whole.subarray(at, position));
    at = position + missing;
  }
  const wanted = Buffer.concat([...kept, whole.subarray(at)]);
  const bytes = Buffer.from(payload, 'base64');
  return bytes.equals(wanted.subarray(0, bytes.length));
}

import type {Socket} from './records.js';

/** Sockets kept, far more than a machine's traced processes use between two calls. */
const maxSockets = 65_536;

interface Known {
  readonly mark: string;
  readonly socket: Socket;
}

/** Which socket a descriptor of a process stands for, as T records tell. */
export class Descriptors {
  readonly #known = new Map<string, Known>();

  learn(pid: number, fd: number, mark: string, socket: Socket): void {
    const key = `${pid}|${fd}`;
    this.#known.delete(key);
    this.#known.set(key, {mark, socket});
    if (this.#known.size > maxSockets) this.#known.delete(this.#known.keys().next().value as string);
  }

  /** The socket that a call of this mark was made on: another mark means that the record of its socket was lost. */
  find(pid: number, fd: number, mark: string): Socket | undefined {
    const known = this.#known.get(`${pid}|${fd}`);
    return known?.mark === mark ? known.socket : undefined;
  }

  /** The descriptor was closed. */
  forget(pid: number, fd: number): void {
    this.#known.delete(`${pid}|${fd}`);
  }
}

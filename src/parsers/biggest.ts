/** Keeps the biggest of any number of things in a bounded room. What is kept may go on growing. */
export class Biggest<T> {
  readonly #limit: number;
  readonly #sizeOf: (thing: T) => number;
  #things: T[] = [];

  constructor(limit: number, sizeOf: (thing: T) => number) {
    this.#limit = limit;
    this.#sizeOf = sizeOf;
  }

  add(thing: T): void {
    this.#things.push(thing);
    if (this.#things.length >= 2 * this.#limit) this.#things = this.list();
  }

  /** The biggest first. */
  list(): T[] {
    return this.#things.toSorted((a, b) => this.#sizeOf(b) - this.#sizeOf(a)).slice(0, this.#limit);
  }
}

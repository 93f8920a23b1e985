/** Collections that stay small, however much is put into them. */

/** The items with the highest scores. */
export class Top<Item> {
  #items: Item[] = [];
  #least = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly limit: number,
    private readonly score: (item: Item) => number,
  ) {}

  add(item: Item): void {
    if (this.score(item) <= this.#least) return;
    this.#items.push(item);
    if (this.#items.length < 2 * this.limit) return;
    this.#items = this.highest();
    this.#least = this.score(this.#items.at(-1) as Item);
  }

  /** Highest first. */
  highest(): Item[] {
    return this.#items.toSorted((a, b) => this.score(b) - this.score(a)).slice(0, this.limit);
  }
}

/** A group for each key, until there are too many: all others share one. */
export class Groups<Group> {
  readonly #groups = new Map<string, Group>();
  #others: Group | undefined;
  #late = 0;

  /** @param make makes the group that comes first for a key, or the one of all others. */
  constructor(
    private readonly limit: number,
    private readonly makeOthers: () => Group,
  ) {}

  of(key: string, make: () => Group): Group {
    const known = this.#groups.get(key);
    if (known) return known;
    if (this.#groups.size >= this.limit) {
      this.#late++;
      this.#others ??= this.makeOthers();
      return this.#others;
    }
    const group = make();
    this.#groups.set(key, group);
    return group;
  }

  rows<Row>(toRow: (group: Group) => Row, score: (row: Row) => number): {rows: Row[]; others?: Row; late: number} {
    const rows = [...this.#groups.values()].map(toRow).sort((a, b) => score(b) - score(a));
    return {rows, ...(this.#others && {others: toRow(this.#others)}), late: this.#late};
  }
}

/** Every n-th of what came, n doubled whenever there are too many: spread evenly over all that came. */
export class Sample<Item> {
  every = 1;
  total = 0;
  #items: {readonly index: number; readonly item: Item}[] = [];

  constructor(private readonly limit: number) {}

  add(item: Item): void {
    const index = this.total++;
    if (index % this.every !== 0) return;
    this.#items.push({index, item});
    if (this.#items.length <= this.limit) return;
    this.every *= 2;
    this.#items = this.#items.filter((kept) => kept.index % this.every === 0);
  }

  get items(): Item[] {
    return this.#items.map(({item}) => item);
  }
}

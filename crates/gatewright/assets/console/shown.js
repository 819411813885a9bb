// The rows that a filter lets through, kept up as rows come: ten thousand are read once, and then only what is new.

export class Shown {
  /** Oldest first. */
  all = [];
  /** The place, among all rows that ever came, behind the last one that was read. */
  #read = 0;
  /** The places of `all`'s rows. */
  #places = [];

  /** `rows` is the store, `holds` the filter. */
  constructor(rows, holds) {
    this.rows = rows;
    this.holds = holds;
    this.update();
  }

  /** Reads what came, and lets go what the store let go; how many rows came on top. */
  update() {
    const { all, dropped, came } = this.rows;
    const gone = this.#places.findIndex((place) => place >= dropped);
    if (gone !== 0 && this.#places.length > 0) {
      const count = gone < 0 ? this.#places.length : gone;
      this.all.splice(0, count);
      this.#places.splice(0, count);
    }
    const before = this.all.length;
    for (let place = Math.max(this.#read, dropped); place < came; place += 1) {
      const row = all[place - dropped];
      if (!this.holds(row)) continue;
      this.all.push(row);
      this.#places.push(place);
    }
    this.#read = came;
    return this.all.length - before;
  }

  /** Where a row is, by its request's id; -1 where it is not shown. */
  indexOf(requestId) {
    return this.all.findLastIndex((row) => row.requestId === requestId);
  }
}

// Who wants to hear of a change, each in turn.

export class Listeners {
  #all = new Set();

  /** `does` is called after each change, until the function that this gives is called. */
  subscribe(does) {
    this.#all.add(does);
    return () => this.#all.delete(does);
  }

  tell() {
    for (const does of [...this.#all]) does();
  }
}

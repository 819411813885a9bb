// Tries again, each time after a longer wait, and says when.

/** The first wait and the longest, in milliseconds. */
const FIRST = 500;
const LONGEST = 15_000;
/** How often the remaining time is told, in milliseconds. */
const TICK = 500;

export class Retry {
  #wait = FIRST;
  #timer = 0;

  /** `does` is what is tried; `tells` gets the milliseconds that remain. */
  constructor(does, tells = () => {}) {
    this.does = does;
    this.tells = tells;
  }

  /** It worked: the next failure is tried again soon. */
  worked() {
    clearTimeout(this.#timer);
    this.#wait = FIRST;
  }

  /** It failed: try again after a wait, which doubles each time. */
  later() {
    // Up to a fifth sooner, so that many pages do not come at once to a gateway that has just started.
    const due = Date.now() + this.#wait * (0.8 + Math.random() / 5);
    this.#wait = Math.min(this.#wait * 2, LONGEST);
    const tick = () => {
      const left = due - Date.now();
      if (left <= 0) return this.does();
      this.tells(left);
      this.#timer = setTimeout(tick, Math.min(left, TICK));
    };
    clearTimeout(this.#timer);
    tick();
  }

  /** Try at once. */
  now() {
    clearTimeout(this.#timer);
    this.does();
  }
}

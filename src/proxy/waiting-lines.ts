/** About 1 KB each. */
const MAX_WAITING_LINES = 20_000;

/**
 * Log lines that wait until their session's record is stored. A disk that hangs must not fill the memory with them: past the bound a line
 * is written at once, like that of a session whose record is lost.
 */
export class WaitingLines {
  readonly #max: number;
  #count = 0;

  constructor(max: number = MAX_WAITING_LINES) {
    this.#max = max;
  }

  /** Calls `write` when `stored` has resolved, or now. `stored` never rejects. */
  hold(stored: Promise<void>, write: () => void): void {
    if (this.#count >= this.#max) {
      write();
      return;
    }
    this.#count += 1;
    void stored.then(() => {
      this.#count -= 1;
      write();
    });
  }
}

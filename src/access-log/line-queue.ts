/** Lines that go out in one write. */
export type Batch = { readonly text: string; readonly lines: number };

/** Lines are gathered into batches of about this many characters: one write each, and the step in which a file can overshoot its size. */
const BATCH_CHARACTERS = 65_536;

/**
 * Lines that an output has not written yet, in order, `maxCharacters` at most (lines are ASCII, so a character is a byte).
 * A line that does not fit is refused, so what was accepted first is kept.
 */
export class LineQueue {
  readonly #maxCharacters: number;
  readonly #batches: Batch[] = [];
  #text = "";
  #lines = 0;
  #characters = 0;
  #added = 0;
  #removed = 0;

  constructor(maxCharacters: number) {
    this.#maxCharacters = maxCharacters;
  }

  /** How many lines were ever added; with `removed` it tells a waiter when its lines have gone. */
  get added(): number {
    return this.#added;
  }

  get removed(): number {
    return this.#removed;
  }

  get isEmpty(): boolean {
    return this.#added === this.#removed;
  }

  /** False when the line does not fit; nothing is changed then. */
  add(line: string): boolean {
    if (this.#characters + line.length > this.#maxCharacters) return false;
    this.#text += line;
    this.#lines += 1;
    this.#added += 1;
    this.#characters += line.length;
    if (this.#text.length >= BATCH_CHARACTERS) this.#cut();
    return true;
  }

  /** The oldest batch, which stays until it is removed. */
  head(): Batch | undefined {
    if (this.#batches.length === 0 && this.#lines > 0) this.#cut();
    return this.#batches[0];
  }

  /**
   * Takes `batch` off the queue, or as many of its first characters and lines as were written. A batch that is no longer the
   * head, because the queue was cleared meanwhile, changes nothing; the answer is how many lines were removed.
   */
  remove(batch: Batch, characters = batch.text.length, lines = batch.lines): number {
    if (this.#batches[0] !== batch) return 0;
    if (characters === batch.text.length) this.#batches.shift();
    else {
      this.#batches[0] = { text: batch.text.slice(characters), lines: batch.lines - lines };
    }
    this.#characters -= characters;
    this.#removed += lines;
    return lines;
  }

  /** Drops everything; answers how many lines that were. */
  clear(): number {
    const dropped = this.#added - this.#removed;
    this.#batches.length = 0;
    this.#text = "";
    this.#lines = 0;
    this.#characters = 0;
    this.#removed = this.#added;
    return dropped;
  }

  #cut(): void {
    this.#batches.push({ text: this.#text, lines: this.#lines });
    this.#text = "";
    this.#lines = 0;
  }
}

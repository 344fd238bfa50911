import { inspect } from "node:util";

/**
 * Personal data on its way through the vault, as a value that cannot print itself: in a template, JSON, `inspect` or a logger it
 * is a word. SECURITY: `reveal` is called by `operate` and by nobody else; a test holds the list.
 */
export class Concealed<T> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  /** All of them as one. */
  static all<T>(concealed: readonly Concealed<T>[]): Concealed<readonly T[]> {
    return new Concealed(concealed.map((each) => each.#value));
  }

  /** What `change` makes of it, concealed again. */
  map<Changed>(change: (value: T) => Changed): Concealed<Changed> {
    return new Concealed(change(this.#value));
  }

  reveal(): T {
    return this.#value;
  }

  toString(): string {
    return "[concealed]";
  }

  toJSON(): string {
    return "[concealed]";
  }

  [inspect.custom](): string {
    return "[concealed]";
  }
}

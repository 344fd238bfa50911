const INSPECT = Symbol.for("nodejs.util.inspect.custom");
const MASK = "[secret]";

/** A value that prints as `[secret]` in JSON, templates and inspection, so that no log line can hold it by accident. */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return MASK;
  }

  toJSON(): string {
    return MASK;
  }

  [INSPECT](): string {
    return MASK;
  }
}

/** A longer line is no log line: 8 times what nginx and Apache let a request's head be. */
export const MAX_LINE_BYTES = 65_536;

export type SplitLine = {
  /** In Latin-1, without its line end; the first `MAX_LINE_BYTES` of a line that is longer. */
  readonly text: string;
  readonly isCut: boolean;
  /** Where the next line begins, in bytes since the first. */
  readonly end: number;
};

const NEWLINE = 10;

/** Cuts bytes that come in pieces into lines. Holds `MAX_LINE_BYTES` at most, whatever comes. */
export class LineSplitter {
  #begun = "";
  /** Bytes of the line under way that were not kept. */
  #dropped = 0;
  #at = 0;

  /** The lines that end in `chunk`. CR LF ends one too. */
  split(chunk: Buffer): readonly SplitLine[] {
    const lines: SplitLine[] = [];
    let from = 0;
    for (;;) {
      const end = chunk.indexOf(NEWLINE, from);
      if (end === -1) break;
      lines.push(this.#take(chunk, from, end));
      from = end + 1;
    }
    this.#keep(chunk.subarray(from));
    return lines;
  }

  /** The line that the input ended in without a line end, if there is one. */
  last(): SplitLine | undefined {
    if (this.#begun === "" && this.#dropped === 0) return undefined;
    this.#at += this.#begun.length + this.#dropped;
    return this.#finish();
  }

  #take(chunk: Buffer, from: number, end: number): SplitLine {
    const isBegun = this.#begun !== "" || this.#dropped > 0;
    if (isBegun || end - from > MAX_LINE_BYTES) {
      this.#keep(chunk.subarray(from, end));
      this.#at += this.#begun.length + this.#dropped + 1;
      return this.#finish();
    }
    this.#at += end - from + 1;
    return {
      text: withoutReturn(chunk.toString("latin1", from, end)),
      isCut: false,
      end: this.#at,
    };
  }

  #keep(bytes: Buffer): void {
    const room = MAX_LINE_BYTES - this.#begun.length;
    this.#begun += bytes.toString("latin1", 0, Math.min(room, bytes.length));
    this.#dropped += Math.max(0, bytes.length - room);
  }

  #finish(): SplitLine {
    const isCut = this.#dropped > 0;
    const text = isCut ? this.#begun : withoutReturn(this.#begun);
    this.#begun = "";
    this.#dropped = 0;
    return { text, isCut, end: this.#at };
  }
}

function withoutReturn(line: string): string {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}

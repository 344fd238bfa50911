// What is left in a log that should not be: every line through the scrubber's detectors (leftover-finder.ts), with where and what but never the
// value, and the keys and paths that a rule would be good for (log-ranking.ts, rule-proposal.ts). Reads any log, also others', in
// bounded memory: one chunk of it, one table of known fields, two of names.

import type { Leftover, LeftoverFinder } from "./leftover-finder.ts";
import { LogRanking } from "./log-ranking.ts";
import { readLogParts } from "./log-parts.ts";

/** A leftover and its line, from 1 on. */
export type LineLeftover = Leftover & { readonly line: number };

export type LogTotals = {
  readonly lines: number;
  readonly findings: number;
  readonly linesWithFindings: number;
  /** Findings by kind, most first. */
  readonly kinds: readonly (readonly [kind: string, count: number])[];
};

export class LogAudit {
  readonly ranking = new LogRanking();
  readonly #find: LeftoverFinder;
  readonly #kinds = new Map<string, number>();
  #lines = 0;
  #linesWithFindings = 0;

  constructor(find: LeftoverFinder) {
    this.#find = find;
  }

  /** Reads one log; what it finds comes in order, some lines at a time. Rejects when the log cannot be read to its end. */
  async *read(source: AsyncIterable<Uint8Array | string>): AsyncIterable<readonly LineLeftover[]> {
    let last = 0;
    let lastFound = 0;
    for await (const parts of readLogParts(source)) {
      const found: LineLeftover[] = [];
      for (const part of parts) {
        const { leftovers, targets } = this.#find(part);
        for (const target of targets) this.ranking.add(target);
        for (const leftover of leftovers) found.push({ ...leftover, line: part.line });
        if (part.line !== last) this.#lines++;
        if (leftovers.length > 0 && part.line !== lastFound) {
          this.#linesWithFindings++;
          lastFound = part.line;
        }
        last = part.line;
      }
      for (const { kind } of found) this.#kinds.set(kind, (this.#kinds.get(kind) ?? 0) + 1);
      if (found.length > 0) yield found;
    }
  }

  totals(): LogTotals {
    const kinds = [...this.#kinds].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
    return {
      lines: this.#lines,
      findings: kinds.reduce((sum, [, count]) => sum + count, 0),
      linesWithFindings: this.#linesWithFindings,
      kinds,
    };
  }
}

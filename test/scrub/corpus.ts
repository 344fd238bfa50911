// The corpus of corpus/README.md, and how well the scrubber does on it.

import { readFileSync } from "node:fs";
import { blank, pseudonymiserOf, scrubberWith } from "./scrubbing.ts";

export const KINDS = [
  "email",
  "phone",
  "ip",
  "card",
  "iban",
  "jwt",
  "key",
  "secret",
  "value",
  "encoded",
] as const;
export type Kind = (typeof KINDS)[number];

export type Line = {
  readonly file: string;
  readonly where: string;
  readonly sent: string;
  /** What must not come out. */
  readonly planted: string | undefined;
  readonly written: string;
  /** Kinds of the pseudonyms in what was written. */
  readonly kinds: readonly string[];
};

export type Measure = {
  readonly lines: number;
  readonly found: number;
  /** Pseudonyms of that kind in all files, and those of them that are in lines of that kind. */
  readonly given: number;
  readonly right: number;
};

/** Where a scanner of repositories would take a line for a leaked key, this parts it. */
const PARTING = "{+}";

export function readCorpus(file: string): readonly Line[] {
  const scrubber = scrubberWith();
  const pseudonymise = pseudonymiserOf(1);
  const text = readFileSync(new URL(`../../corpus/${file}.tsv`, import.meta.url), "utf8");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => {
      const [where = "", sent = "", planted] = line.replaceAll(PARTING, "").split("\t");
      const scrub = { ...scrubber, kept: scrubber.query }[where as "path" | "query"];
      const written = scrub(sent, pseudonymise) ?? "";
      const kinds = [...(blank(written) ?? "").matchAll(/~([a-z0-9_]+)\.\*/g)].map(
        (one) => one[1] ?? "",
      );
      return { file, where, sent, planted, written, kinds };
    });
}

/** Whether what was planted is gone, in the spelling of the line and decoded. */
export function isGone({ written, planted = "", sent }: Line): boolean {
  const readings = [written];
  for (let round = 0; round < 2; round++) readings.push(decode(readings.at(-1) ?? ""));
  return written !== sent && readings.every((reading) => !reading.includes(planted));
}

export function isFound(line: Line): boolean {
  return isGone(line) && line.kinds.some((kind) => acceptedFor(line).includes(kind));
}

/** The kinds that are right for a line: its own, and what its place or encoding makes of it. */
function acceptedFor({ file, where, sent }: Line): readonly string[] {
  if (file === "encoded") return ["encoded", "email", "ip", "phone", "iban"];
  if (file === "value") return ["value", "encoded"];
  if (where === "host") return [file, "host"];
  return where === "query" && sent.startsWith("q=") ? [file, "value"] : [file];
}

export function measure(all: readonly Line[], kind: Kind): Measure {
  const own = all.filter((line) => line.file === kind);
  const given = all.flatMap((line) =>
    line.kinds
      .filter((one) => one === kind)
      .map(() => line.file === kind || isRightElsewhere(line, kind)),
  );
  return {
    lines: own.length,
    found: own.filter(isFound).length,
    given: given.length,
    right: given.filter(Boolean).length,
  };
}

/** A line of one kind may rightly hold another: a parameter off the keep list, an address in encoded text. */
function isRightElsewhere(line: Line, kind: Kind): boolean {
  if (line.file === "nothing" || line.file === "not-found") return false;
  return acceptedFor(line).includes(kind) || (kind === "value" && line.sent.includes("="));
}

function decode(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (run) =>
    Buffer.from(run.replaceAll("%", ""), "hex").toString("utf8"),
  );
}

import { parseArgs } from "node:util";
import type { BenchFolder } from "./folder.ts";
import { chooseLoadGenerator } from "./load-generator.ts";
import type { LoadGenerator } from "./load-generator.ts";
import type { Server } from "./servers.ts";

const PARTS = ["proxy", "sessions", "lookup", "memory", "disk", "start", "expiry"] as const;

export type Part = (typeof PARTS)[number];

export type BenchOptions = {
  readonly parts: ReadonlySet<Part>;
  /** Turns that each server takes; the medians of them are reported. */
  readonly rounds: number;
  /** Length of a turn. */
  readonly seconds: number;
  /** How many sessions memory, disk, start and expiry are measured with. */
  readonly sessions: number;
  readonly generator: LoadGenerator;
  /** A few seconds in all: only whether the answers are right counts, missed figures are not failures. */
  readonly isQuick: boolean;
  readonly jsonFile: string | undefined;
};

/** What every part of a run shares. */
export type Bench = BenchOptions & {
  readonly folder: BenchFolder;
  readonly upstream: Server;
};

export const USAGE = `npm run bench -- [--only ${PARTS.join(",")}] [--rounds 4] [--seconds 4]
                 [--sessions 1000000] [--generator wrk|undici] [--quick] [--json FILE]`;

/** Throws a `TypeError` that says which argument is wrong. */
export function parseBenchOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({ args: [...args], options: OPTIONS });
  const isQuick = values.quick ?? false;
  return {
    parts: parseParts(values.only),
    rounds: parseCount("rounds", values.rounds, isQuick ? 1 : 4),
    seconds: parseCount("seconds", values.seconds, isQuick ? 1 : 4),
    sessions: parseCount("sessions", values.sessions, isQuick ? 5_000 : 1_000_000),
    generator: chooseLoadGenerator(parseGenerator(values.generator)),
    isQuick,
    jsonFile: values.json,
  };
}

const OPTIONS = {
  only: { type: "string" },
  rounds: { type: "string" },
  seconds: { type: "string" },
  sessions: { type: "string" },
  generator: { type: "string" },
  quick: { type: "boolean" },
  json: { type: "string" },
} as const;

function parseParts(text: string | undefined): ReadonlySet<Part> {
  if (text === undefined) return new Set(PARTS);
  const known = new Map<string, Part>(PARTS.map((part) => [part, part]));
  return new Set(
    text.split(",").map((name) => {
      const part = known.get(name);
      if (part === undefined) throw new TypeError(`--only: there is no part called ${name}`);
      return part;
    }),
  );
}

function parseCount(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new TypeError(`--${name}: not a positive number`);
  return Number(text);
}

function parseGenerator(text: string | undefined): "wrk" | "undici" | undefined {
  if (text === undefined || text === "wrk" || text === "undici") return text;
  throw new TypeError("--generator: wrk or undici");
}

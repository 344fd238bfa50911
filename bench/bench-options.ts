import { parseArgs } from "node:util";
import type { BenchFolder } from "./folder.ts";
import { chooseLoadGenerator } from "./load-generator.ts";
import type { LoadGenerator } from "./load-generator.ts";
import type { Server } from "./servers.ts";

const PARTS = [
  "proxy",
  "sessions",
  "bodies",
  "uploads",
  "connections",
  "lookup",
  "memory",
  "disk",
  "start",
  "expiry",
  "tokenize",
  "soak",
] as const;
const SERVERS = ["logveil", "bare", "nginx", "caddy"] as const;

/** Too long for every run: only when it is named. */
const ON_REQUEST: ReadonlySet<Part> = new Set(["soak"]);

export type Part = (typeof PARTS)[number];
export type ServerName = (typeof SERVERS)[number];

export type BenchOptions = {
  readonly parts: ReadonlySet<Part>;
  /** Whom logveil, which always runs, is compared with. */
  readonly servers: ReadonlySet<ServerName>;
  /** Turns that each server takes; the medians of them are reported. */
  readonly rounds: number;
  /** Length of a turn. */
  readonly seconds: number;
  /** How many sessions memory, disk, start and expiry are measured with. */
  readonly sessions: number;
  readonly soakSeconds: number;
  /** Whether idle cores poll or halt (awake-cores.ts). */
  readonly idle: "poll" | "sleep";
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

export const USAGE = `npm run bench -- [--only ${PARTS.join(",")}]
                 [--servers ${SERVERS.join(",")}] [--rounds 4] [--seconds 4]
                 [--sessions 1000000] [--soak-seconds 600] [--idle poll|sleep]
                 [--generator wrk|undici] [--quick] [--json FILE]`;

/** Throws a `TypeError` that says which argument is wrong. */
export function parseBenchOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({ args: [...args], options: OPTIONS });
  const isQuick = values.quick ?? false;
  return {
    parts: parseNames("only", values.only ?? PARTS.filter(isUsual).join(","), PARTS),
    servers: parseNames("servers", values.servers ?? SERVERS.join(","), SERVERS),
    rounds: parseCount("rounds", values.rounds, isQuick ? 1 : 4),
    seconds: parseCount("seconds", values.seconds, isQuick ? 1 : 4),
    sessions: parseCount("sessions", values.sessions, isQuick ? 5_000 : 1_000_000),
    soakSeconds: parseCount("soak-seconds", values["soak-seconds"], isQuick ? 2 : 600),
    idle: parseChoice("idle", values.idle, ["poll", "sleep"]) ?? "poll",
    generator: chooseLoadGenerator(parseChoice("generator", values.generator, ["wrk", "undici"])),
    isQuick,
    jsonFile: values.json,
  };
}

const OPTIONS = {
  only: { type: "string" },
  servers: { type: "string" },
  rounds: { type: "string" },
  seconds: { type: "string" },
  sessions: { type: "string" },
  "soak-seconds": { type: "string" },
  idle: { type: "string" },
  generator: { type: "string" },
  quick: { type: "boolean" },
  json: { type: "string" },
} as const;

function isUsual(part: Part): boolean {
  return !ON_REQUEST.has(part);
}

function parseNames<T extends string>(
  option: string,
  text: string,
  names: readonly T[],
): ReadonlySet<T> {
  return new Set(
    text.split(",").map((wanted) => {
      const name = names.find((known) => known === wanted);
      if (name === undefined) throw new TypeError(`--${option}: there is no ${wanted}`);
      return name;
    }),
  );
}

function parseCount(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new TypeError(`--${name}: not a positive number`);
  return Number(text);
}

function parseChoice<T extends string>(
  option: string,
  text: string | undefined,
  choices: readonly T[],
): T | undefined {
  if (text === undefined) return undefined;
  const choice = choices.find((known) => known === text);
  if (choice === undefined) throw new TypeError(`--${option}: ${choices.join(" or ")}`);
  return choice;
}

import { createLineFormats } from "../../src/access-log/line-formats.ts";
import type { FormatName } from "../../src/access-log/line-formats.ts";
import { capScopeOf } from "../../src/identity/address.ts";
import { describeUserAgent } from "../../src/identity/user-agent.ts";
import { createCleaningRules } from "../../src/ingest/cleaning-rules.ts";
import { createLineCleaner } from "../../src/ingest/line-cleaner.ts";
import { createLineParser } from "../../src/ingest/line-parser.ts";
import { createLinePseudonyms } from "../../src/ingest/line-pseudonyms.ts";
import { createTokeniser } from "../../src/token/tokeniser.ts";
import { createSessionIntake } from "../../src/vault/sessions/session-intake.ts";
import { openVaultForTest, ROTATE_MS } from "../kit/opened-vault.ts";
import type { OpenedVault } from "../kit/opened-vault.ts";

export type Cleaning = {
  readonly opened: OpenedVault;
  /** What the access log would get of a line that came at this time, in this format. */
  readonly cleaned: (line: string, format?: FormatName, atMs?: number) => Promise<string>;
  /** The tokens that were lost so far. */
  readonly lost: () => number;
  readonly settled: () => Promise<void>;
};

/** Lines cleaned by real parts on the store and keyring of a vault; its hand-moved clock says which epochs have expired. */
export async function openCleaning(
  trustedProxies: readonly string[] = [],
  opened?: OpenedVault,
): Promise<Cleaning> {
  return cleaningOn(opened ?? (await openVaultForTest()), trustedProxies);
}

function cleaningOn(opened: OpenedVault, trustedProxies: readonly string[]): Cleaning {
  let lost = 0;
  const tokeniser = createTokeniser({
    epochs: { materialOf: (epoch) => opened.keyring.lineMaterialOf(epoch) },
    isForLines: true,
    sink: createSessionIntake(opened.store.sessions, opened.keyring.sessionTrees),
    clock: opened.clock,
    rotateMs: ROTATE_MS,
    cacheSize: 100,
    cap: { count: 1000, perMs: 1000 },
    scopeOf: capScopeOf,
    describe: describeUserAgent,
    identity: ["address", "userAgent", "cookies"],
    onLost: (count) => void (lost += count),
    metrics: opened.metrics,
  });
  const clean = createLineCleaner({
    ...createCleaningRules({
      accessLog: { query: { keep: ["page"] }, paths: ["/users/:id"] },
      proxy: { trustedProxies },
      session: { cookies: "auto", rotate: ROTATE_MS },
      vault: { defaultCountry: "GB" },
    }),
    parse: createLineParser("auto"),
    tokeniser,
    pseudonymsOf: createLinePseudonyms(opened.keyring),
    nextRequestId: undefined,
  });
  return {
    opened,
    cleaned: async (text, format = "json", atMs = opened.clock.now()) => {
      const line = await clean({ text, atMs });
      await tokeniser.settled();
      const formats = createLineFormats(format, { identity: "token", userAgent: "family" });
      return line.kind === "request" ? formats.exchange(line.exchange) : formats.text(line.entry);
    },
    lost: () => lost,
    settled: tokeniser.settled,
  };
}

/** `20/Nov/2026:13:55:36 +0000` */
export function apacheTime(atMs: number): string {
  const iso = new Date(atMs).toISOString();
  const month = new Date(atMs).toLocaleString("en", { month: "short", timeZone: "UTC" });
  return `${iso.slice(8, 10)}/${month}/${iso.slice(0, 4)}:${iso.slice(11, 19)} +0000`;
}

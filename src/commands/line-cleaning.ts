import type { Configuration } from "../config/configuration.ts";
import { systemClock } from "../clock.ts";
import { LogveilError } from "../errors.ts";
import { capScopeOf } from "../identity/address.ts";
import { describeUserAgent } from "../identity/user-agent.ts";
import { createCleaningRules } from "../ingest/cleaning-rules.ts";
import { createLineCleaner } from "../ingest/line-cleaner.ts";
import { createLineParser } from "../ingest/line-parser.ts";
import type { LineFormat } from "../ingest/line-parser.ts";
import { createLinePseudonyms } from "../ingest/line-pseudonyms.ts";
import type { CopyParts } from "../ingest/log-copy.ts";
import { createMetrics } from "../metrics.ts";
import { createTokeniser } from "../token/tokeniser.ts";
import type { LineChannel } from "./line-channel.ts";

/** As many as the proxy remembers: about 25 MB. */
const KNOWN_SESSIONS = 50_000;

export type LineCleaning = Pick<CopyParts, "clean" | "stored">;

/**
 * What makes clean lines of raw ones in a command: keys come and sessions go through `channel`. There is no cap on the sessions of an
 * address, for it would go by how fast we read, and the same log would give other lines each time.
 */
export function createLineCleaning(
  configuration: Configuration,
  format: LineFormat,
  channel: LineChannel,
): LineCleaning {
  let lost = 0;
  const tokeniser = createTokeniser({
    epochs: { materialOf: channel.lineMaterialOf },
    isForLines: true,
    sink: channel,
    clock: systemClock,
    rotateMs: configuration.session.rotate,
    cacheSize: KNOWN_SESSIONS,
    cap: { count: Number.POSITIVE_INFINITY, perMs: Number.POSITIVE_INFINITY },
    scopeOf: capScopeOf,
    describe: describeUserAgent,
    identity: configuration.session.identity,
    onLost: (count) => void (lost += count),
    metrics: createMetrics(),
  });
  const clean = createLineCleaner({
    ...createCleaningRules(configuration),
    parse: createLineParser(format),
    tokeniser,
    pseudonymsOf: createLinePseudonyms(channel),
    nextRequestId: undefined,
  });
  const stored = async () => {
    await tokeniser.settled();
    // SECURITY: not a line further. Its tokens would be somebody's whom nobody could look up, or under keys that nobody has again.
    if (lost > 0) throw new LogveilError("store-unavailable");
  };
  return { clean, stored };
}

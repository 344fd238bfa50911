import { createTrustedProxies } from "../identity/client-address.ts";
import { createCookieNames, FRAMEWORK_SESSION_COOKIES } from "../identity/cookies.ts";
import { createScrubber } from "../scrub/scrubber.ts";
import type { LineCleanerOptions } from "./line-cleaner.ts";

/** What lines are cleaned by, under the names of config.yaml: the same as requests are. */
export type CleaningSettings = {
  readonly accessLog: {
    readonly query: { readonly keep: readonly string[] };
    readonly paths: readonly string[];
  };
  readonly proxy: { readonly trustedProxies: readonly string[] };
  /** `rotate` in milliseconds. */
  readonly session: { readonly cookies: "auto" | readonly string[]; readonly rotate: number };
  readonly vault: { readonly defaultCountry: string };
};

type Rules = Pick<
  LineCleanerOptions,
  "scrubber" | "trustedProxies" | "sessionCookies" | "rotateMs"
>;

export function createCleaningRules(settings: CleaningSettings): Rules {
  const { accessLog, proxy, session, vault } = settings;
  const cookies = session.cookies === "auto" ? FRAMEWORK_SESSION_COOKIES : session.cookies;
  return {
    scrubber: createScrubber({
      keepQuery: accessLog.query.keep,
      pathTemplates: accessLog.paths,
      defaultCountry: vault.defaultCountry,
    }),
    trustedProxies: createTrustedProxies(proxy.trustedProxies),
    sessionCookies: createCookieNames(cookies),
    rotateMs: session.rotate,
  };
}

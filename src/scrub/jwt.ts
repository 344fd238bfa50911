import type { Detector } from "./finding.ts";

// Begins where a run of base64url begins: else `eyJeyJeyJ…` would be searched anew from every `eyJ`.
const TOKEN = /(?<![\w-])eyJ[\w-]+\.[\w-]*(?:\.[\w-]*){1,3}/g;

/** JSON Web Tokens in compact form (RFC 7515 section 7.1, RFC 7516 section 7.1), also unsigned ones and detached payloads. */
export const JWT: Detector = {
  kind: "jwt",
  guard: /eyJ/,
  find: (text) =>
    Array.from(text.matchAll(TOKEN), (match) => ({
      start: match.index,
      end: match.index + match[0].length,
      canonical: match[0],
    })),
};

import type { Detector, Match } from "./finding.ts";

// The beginnings that providers give their keys so that scanners find them, with what they say of the rest.
const SHAPES: readonly string[] = [
  "(?:AKIA|ASIA|AROA|AIDA|ABIA|ACCA)[A-Z2-7]{16}", // Amazon
  "gh[pousr]_[A-Za-z0-9]{20,255}", // GitHub
  "github_pat_[A-Za-z0-9_]{20,255}",
  "gl(?:pat|ptt|dt|rt|cbt|ft|soat|agent|imt|oas)-[\\w.-]{20,255}", // GitLab
  "(?:sk|pk|rk)_(?:live|test)_[A-Za-z0-9]{10,255}", // Stripe
  "whsec_[A-Za-z0-9+/=]{20,255}",
  "sk-(?:[a-z]{2,8}\\d{0,2}-){0,3}[\\w-]{20,255}", // OpenAI, Anthropic
  "xox[abeoprs]-[\\w-]{10,255}", // Slack
  "xapp-[\\w-]{10,255}",
  "AIza[\\w-]{35}", // Google
  "ya29\\.[\\w-]{20,1024}",
  "GOCSPX-[\\w-]{20,64}",
  "SG\\.[\\w-]{16,64}\\.[\\w-]{16,64}", // SendGrid
  "key-[0-9a-f]{32}", // Mailgun
  "npm_[A-Za-z0-9]{30,64}",
  "pypi-[\\w-]{16,1024}",
  "hv[sbr]\\.[\\w-]{20,255}", // HashiCorp Vault
  "hf_[A-Za-z0-9]{20,64}", // Hugging Face
  "do[opr]_v1_[0-9a-f]{64}", // DigitalOcean
  "dckr_pat_[\\w-]{20,64}", // Docker
  "shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}", // Shopify
  "sq0(?:atp|csp)-[\\w-]{20,64}", // Square
  "lin_api_[A-Za-z0-9]{30,64}", // Linear
  "PMAK-[0-9a-f]{24}-[0-9a-f]{34}", // Postman
  "NRAK-[A-Z0-9]{27}", // New Relic
  "glsa_[A-Za-z0-9]{32}_[0-9a-f]{8}", // Grafana
  "AGE-SECRET-KEY-1[A-Z0-9]{40,64}",
];
const KEY = new RegExp(`(?<![A-Za-z0-9])(?:${SHAPES.join("|")})`, "g");
/** RFC 7468; the end may be cut off. */
const PEM = /-----BEGIN [A-Z0-9 ]{1,40}-----[A-Za-z0-9+/=\s\\:,-]{0,8192}/g;
/** `//bob:secret@host` (RFC 3986 section 3.2.1). What looks like a mail address is one, password and all. */
const USER_INFORMATION = /(?<=:\/\/)[^\s/?#@"'<>]{1,512}@(?=[\w[])/g;
/** What stands behind the scheme of an Authorization header, also without its name (RFC 7617, RFC 6750). */
const CREDENTIALS =
  /(?<=(?<![A-Za-z])(?:Basic|BASIC|basic|Bearer|BEARER|bearer) )[\w.~+/-]{8,4096}={0,2}/g;

/** API keys by the prefixes of their providers, private keys in PEM, credentials in URLs and behind `Basic` and `Bearer`. */
export const API_KEY: Detector = {
  kind: "key",
  guard:
    /A(?:KIA|SIA|ROA|IDA|BIA|CCA|Iza|GE-S)|[a-z3]_|gl[a-z]{2,5}-|s[kq][-0_]|xox|xapp-|ya29\.|SG\.|key-|GOCSPX|pypi-|hv[sbr]\.|PMAK|NRAK|-----BEGIN|:\/\/[^/]*@|(?:[Bb]asic|BASIC|[Bb]earer|BEARER) /,
  find: (text) =>
    inOrder([PEM, USER_INFORMATION, CREDENTIALS, KEY].flatMap((one) => all(one, text))),
};

function all(pattern: RegExp, text: string): readonly Match[] {
  return Array.from(text.matchAll(pattern), ({ 0: found, index }) => {
    // An at sign ends user information and belongs to the URL.
    const end = index + found.length - (found.endsWith("@") ? 1 : 0);
    return { start: index, end, canonical: text.slice(index, end) };
  }).filter(({ canonical }) => isRandom(canonical));
}

/** A name may begin as a key does (`key-…`, `sk-some-long-title`); keys are no words. */
function isRandom(found: string): boolean {
  const rest = found.replace(/^[A-Za-z]{2,6}\d{0,2}[-_.]/, "");
  return /[A-Z:]|\d.*\d/s.test(rest);
}

function inOrder(matches: readonly Match[]): readonly Match[] {
  const kept: Match[] = [];
  for (const match of [...matches].sort((a, b) => a.start - b.start || b.end - a.end)) {
    if (match.start >= (kept.at(-1)?.end ?? 0)) kept.push(match);
  }
  return kept;
}

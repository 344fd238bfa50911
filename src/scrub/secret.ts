import type { Detector, Match } from "./finding.ts";

// Base64, base64url, hex and what frameworks make of them. 24 characters hold 120 bits and more.
const RUN = /[\w+/-]{24,}={0,2}/g;
// Words, numbers and short hexadecimal ids, which readable names are made of.
const READABLE = /^(?:[A-Z]?[a-z]*|[A-Z]+|\d+|[0-9a-f]+|[0-9A-F]+)$/;
const HEX_SECRET = /[0-9a-f]{32}|[0-9A-F]{32}/;
const CODE_ASSET = /\.(?:m?js|cjs|css|map|woff2?|ttf|otf|eot|wasm)$/i;
const HASHED_IMAGE =
  /^[a-z][\w.@-]*[.-][0-9a-f]{32,64}\.(?:png|jpe?g|gif|svg|webp|avif|ico|mp4|webm)$/i;
const MIN_MIXED = 20;

/**
 * Long opaque secrets: 32 hexadecimal digits in a row, or 24 characters that mix letters and digits, or cases, more than names
 * do. Not the hash in an asset's file name; UUIDs have been spared before (object-id.ts).
 */
export const SECRET: Detector = { kind: "secret", guard: /[\w+/-]{24}/, find: findSecrets };

function findSecrets(text: string): readonly Match[] {
  if (CODE_ASSET.test(text) || HASHED_IMAGE.test(text)) return [];
  const findings: Match[] = [];
  for (const match of text.matchAll(RUN)) {
    if (!isSecret(match[0])) continue;
    const end = match.index + match[0].length;
    findings.push({ start: match.index, end, canonical: match[0] });
  }
  return findings;
}

function isSecret(run: string): boolean {
  if (HEX_SECRET.test(run)) return true;
  const mixed = run
    .split(/[^A-Za-z0-9]+/)
    .filter((piece) => !READABLE.test(piece))
    .join("");
  if (mixed.length < MIN_MIXED) return false;
  return alternations(mixed) >= Math.max(3, mixed.length / 8) || mixesCases(mixed);
}

/** How often a letter and a digit meet: about once in four characters of base64, a few times in a long name. */
function alternations(text: string): number {
  return text.match(/[A-Za-z](?=\d)|\d(?=[A-Za-z])/g)?.length ?? 0;
}

/** Random text has as many capitals as small letters; CamelCase has a fifth. */
function mixesCases(text: string): boolean {
  const capitals = text.match(/[A-Z]/g)?.length ?? 0;
  const small = text.match(/[a-z]/g)?.length ?? 0;
  return capitals >= text.length * 0.3 && small >= text.length * 0.25;
}

// What stands in a log line for what was found: `~email.k3f9a2xq`, its kind and 40 bits of a MAC under the epoch's scrub key.
// Equal values have equal pseudonyms within an epoch; across epochs they share nothing.

import type { EpochMaterial } from "../keys/epoch-material.ts";
import { mac } from "../keys/mac.ts";
import type { FindingKind } from "./finding.ts";

/** Gives the pseudonym of a canonical value. */
export type Pseudonymise = (kind: FindingKind, value: string) => string;

// RFC 4648 section 6, in lower case.
const BASE32 = "abcdefghijklmnopqrstuvwxyz234567";

export function createPseudonymiser(material: Pick<EpochMaterial, "scrubKey">): Pseudonymise {
  return (kind, value) =>
    // SECURITY: the kind is in the MAC too: a value found as two kinds of thing must not be linked by its pseudonyms.
    `~${kind}.${encodeBase32(mac(material.scrubKey, kind, value))}`;
}

/** The first 40 bits as eight characters. */
function encodeBase32(bytes: Buffer): string {
  const high = bytes.readUIntBE(0, 3);
  const low = bytes.readUIntBE(2, 3);
  let text = "";
  for (let shift = 19; shift >= 4; shift -= 5) text += BASE32.charAt((high >>> shift) & 31);
  for (let shift = 15; shift >= 0; shift -= 5) text += BASE32.charAt((low >>> shift) & 31);
  return text;
}

/** Matches pseudonyms of these kinds wherever they stand in a text. Global: for `split`, `replace` and `matchAll`. */
export function pseudonymPattern(kinds: Iterable<FindingKind>): RegExp {
  // SECURITY: only kinds that we give. A free kind would let a client pass `~07700900123.aaaaaaaa` off as ours.
  return new RegExp(`~(?:${[...new Set(kinds)].join("|")})\\.[a-z2-7]{8}`, "g");
}

import { macKey } from "../../src/keys/mac.ts";
import type { EpochMaterial } from "../../src/keys/epoch-material.ts";
import { type Pseudonymise, createPseudonymiser } from "../../src/scrub/pseudonym.ts";
import {
  createDetectorTable,
  createHostDetectors,
  createTextDetectors,
} from "../../src/scrub/detectors.ts";
import type { Detector } from "../../src/scrub/finding.ts";
import { type Scrubber, type ScrubberOptions, createScrubber } from "../../src/scrub/scrubber.ts";

export const KEEP = ["page", "limit", "offset", "sort", "order", "lang", "format"];

/** The pseudonymiser of an epoch whose scrub key is 32 times `byte`. */
export function pseudonymiserOf(byte: number): Pseudonymise {
  const key = macKey(new Uint8Array(32).fill(byte));
  const material: EpochMaterial = {
    epoch: byte,
    endsAtMs: 0,
    tokenKey: key,
    addressKey: key,
    scrubKey: key,
    sealingKey: new Uint8Array(32),
  };
  return createPseudonymiser(material);
}

export function scrubberWith(options: Partial<ScrubberOptions> = {}): Scrubber {
  return createScrubber({ keepQuery: KEEP, pathTemplates: [], defaultCountry: "GB", ...options });
}

/** With every pseudonym's MAC blanked: `~email.*`, for tests that are about what is replaced. */
export function blank(text: string | undefined): string | undefined {
  return text?.replace(/(~[a-z0-9_]+)\.[a-z2-7]{8}/g, "$1.*");
}

/** All detectors, those for host names and free text among them. */
export function allDetectors(): readonly Detector[] {
  const { detectors } = createDetectorTable("GB", ["value", "opaque", "host", "rest"]);
  return [...new Set([...createHostDetectors(detectors), ...createTextDetectors(detectors)])];
}

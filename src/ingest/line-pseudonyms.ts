import { LRUCache } from "lru-cache";
import type { LineEpochSource } from "../keys/epoch-material.ts";
import { createPseudonymiser } from "../scrub/pseudonym.ts";
import type { Pseudonymise } from "../scrub/pseudonym.ts";

/** As many epochs as the tokeniser keeps for lines. */
const MAX_EPOCHS = 32;

/** The pseudonyms of an epoch, closed ones included; at once when they have been asked for before. */
export type LinePseudonyms = (epoch: number) => Pseudonymise | Promise<Pseudonymise>;

export function createLinePseudonyms(source: LineEpochSource): LinePseudonyms & {
  readonly forget: (epoch: number) => void;
} {
  const known = new LRUCache<number, Pseudonymise>({ max: MAX_EPOCHS });
  const pseudonymsOf: LinePseudonyms = (epoch) =>
    known.get(epoch) ??
    source.lineMaterialOf(epoch).then((material) => {
      const pseudonymise = createPseudonymiser(material);
      known.set(epoch, pseudonymise);
      return pseudonymise;
    });
  return Object.assign(pseudonymsOf, { forget: (epoch: number) => void known.delete(epoch) });
}

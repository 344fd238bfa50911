import { LRUCache } from "lru-cache";
import type { EpochSource } from "../keys/epoch-material.ts";
import { createPseudonymiser } from "../scrub/pseudonym.ts";
import type { Pseudonymise } from "../scrub/pseudonym.ts";

/** A request may end in a later epoch than it began in, hardly in the one after that. */
const MAX_EPOCHS = 4;

/** The pseudonyms of an epoch; at once when they have been asked for before. Rejects as `materialOf` does. */
export type EpochPseudonyms = (epoch: number) => Pseudonymise | Promise<Pseudonymise>;

export function createEpochPseudonyms(epochs: EpochSource): EpochPseudonyms {
  const known = new LRUCache<number, Pseudonymise>({ max: MAX_EPOCHS });
  return (epoch) =>
    known.get(epoch) ??
    epochs.materialOf(epoch).then((material) => {
      const pseudonymise = createPseudonymiser(material);
      known.set(epoch, pseudonymise);
      return pseudonymise;
    });
}

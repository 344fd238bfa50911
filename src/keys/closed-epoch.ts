// Log lines can be older than the retention. Running over them twice must give the same tokens twice, so their key cannot be a random
// one; and nobody may look those tokens up, so nothing is stored for them.
//
// SECURITY: the key comes out of the keyring, which lives on: whoever has the keyring, and guesses an address, a user agent and cookies, can
// make the token and compare. Nobody else can. The tokens that the proxy gave in such an epoch were made under a secret that has been
// destroyed, and are others: having this key links nothing to them.

import type { KeyObject } from "node:crypto";
import { LABELS } from "./derivation.ts";
import type { ClosedEpochMaterial } from "./epoch-material.ts";
import { addressKey, deriveMacKey } from "./epoch-secret.ts";
import { mac } from "./mac.ts";

/** @param key derived under `LABELS.closedEpochs`. */
export function closedEpochMaterial(
  key: KeyObject,
  epoch: number,
  endsAtMs: number,
): ClosedEpochMaterial {
  const secret = mac(key, "closed epoch", String(epoch));
  const material = {
    epoch,
    endsAtMs,
    tokenKey: deriveMacKey(secret, LABELS.token),
    addressKey: addressKey(secret),
    scrubKey: deriveMacKey(secret, LABELS.scrub),
    sealingKey: undefined,
  };
  secret.fill(0);
  return material;
}

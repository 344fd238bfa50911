// One epoch secret E_n, and what is derived from it. This file sees the private half; the data plane gets `EpochMaterial`.

import type { KeyObject } from "node:crypto";
import { LABELS, derive, type Label } from "./derivation.ts";
import type { EpochMaterial } from "./epoch-material.ts";
import { macKey } from "./mac.ts";
import { createOpener, type SessionOpener } from "./opening.ts";
import { hpke, type SealingPair } from "./session-record.ts";

/** What the data plane needs of an epoch. `secret` may be cleared once this has resolved. */
export async function epochMaterial(
  secret: Uint8Array,
  epoch: number,
  endsAtMs: number,
): Promise<EpochMaterial> {
  const pair = await sealingPair(secret);
  return {
    epoch,
    endsAtMs,
    tokenKey: deriveMacKey(secret, LABELS.token),
    addressKey: addressKey(secret),
    scrubKey: deriveMacKey(secret, LABELS.scrub),
    sealingKey: new Uint8Array(await hpke.kem.serializePublicKey(pair.publicKey)),
  };
}

/** What the control plane needs of an epoch to open its records. */
export async function epochOpener(secret: Uint8Array, epoch: number): Promise<SessionOpener> {
  return createOpener(epoch, await sealingPair(secret));
}

export function addressKey(secret: Uint8Array): KeyObject {
  return deriveMacKey(secret, LABELS.address);
}

/** Seals the file with the epoch's session keys. */
export function sessionTreeKey(secret: Uint8Array): KeyObject {
  return deriveMacKey(secret, LABELS.sessionTree);
}

export function deriveMacKey(secret: Uint8Array, label: Label): KeyObject {
  const bytes = derive(secret, label, 32);
  const key = macKey(bytes);
  bytes.fill(0);
  return key;
}

/** HPKE DeriveKeyPair (RFC 9180 section 7.1.3): the same pair in every process that knows the secret. */
async function sealingPair(secret: Uint8Array): Promise<SealingPair> {
  const ikm = derive(secret, LABELS.sealing, 32);
  const pair = await hpke.kem.deriveKeyPair(Uint8Array.from(ikm));
  ikm.fill(0);
  return pair;
}

import { hkdfSync } from "node:crypto";

/** All HKDF labels. One secret under two labels gives two independent keys; a label is never used for a second purpose. */
export const LABELS = {
  /** Epoch secret → HMAC key of the session tokens. */
  token: "logveil v1 epoch token",
  /** Epoch secret → input of HPKE DeriveKeyPair. */
  sealing: "logveil v1 epoch sealing",
  /** Epoch secret → HMAC key of the address index. */
  address: "logveil v1 epoch address",
  /** Epoch secret → HMAC key of the pseudonyms in logs. */
  scrub: "logveil v1 epoch scrub",
  /** Epoch secret → AES-256-GCM key of the file with the epoch's session keys. */
  sessionTree: "logveil v1 epoch session tree",
  /** Master key → AES-256-GCM key that wraps other keys. */
  wrapping: "logveil v1 master wrapping",
  /** Master key → the 4 bytes that name it in a keyring. */
  masterKeyId: "logveil v1 master key id",
  /** Index key → HMAC key that places a data subject's key in its shard. */
  subjectIndex: "logveil v1 index subjects",
  /** Index key → HMAC key of the blind index over login, e-mail, phone. */
  blindIndex: "logveil v1 index blind",
  /** Index key → HMAC key under which callers' access tokens are kept. */
  callers: "logveil v1 index callers",
  /** Index key → key of the audit trail. */
  audit: "logveil v1 index audit",
  /** Index key → HMAC key that stands in for the secrets of epochs that log lines are from and that have none (closed-epoch.ts). */
  closedEpochs: "logveil v1 index closed epochs",
} as const;

export type Label = (typeof LABELS)[keyof typeof LABELS];

/** HKDF-SHA-256 (RFC 5869) without salt: the secrets are uniformly random already (section 3.1). */
export function derive(secret: Uint8Array, label: Label, length: number): Buffer {
  return Buffer.from(hkdfSync("sha256", secret, "", label, length));
}

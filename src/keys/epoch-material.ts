import type { KeyObject } from "node:crypto";

/**
 * What the data plane holds of one epoch: it can make tokens and seal identities, and cannot open what it sealed.
 * The private half of `sealingKey` exists only in the control plane (DESIGN: two planes, one seam).
 */
export type EpochMaterial = {
  /** The second, since 1970, at which the epoch began; the first 32 bits of its tokens. */
  readonly epoch: number;
  readonly endsAtMs: number;
  /** HMAC-SHA-256 key: identity → 88 bits of the token. */
  readonly tokenKey: KeyObject;
  /** HMAC-SHA-256 key: address → entry of the address index. */
  readonly addressKey: KeyObject;
  /** HMAC-SHA-256 key: what the scrubber found → its pseudonym. */
  readonly scrubKey: KeyObject;
  /** X25519 public key, 32 bytes, to which records of this epoch are sealed. */
  readonly sealingKey: Uint8Array;
};

/**
 * An epoch that lines of an old log can be from, and from which nothing can be looked up: it has expired, or not begun. Its keys make
 * the same tokens and pseudonyms each time; there is none to seal to.
 */
export type ClosedEpochMaterial = Omit<EpochMaterial, "sealingKey"> & {
  readonly sealingKey: undefined;
};

/** Where ingestion gets the epochs of log lines from: every time that a line can have is in one. */
export type LineEpochSource = {
  /** As `EpochSource.materialOf`, but for the epochs for which that rejects `epoch-expired` or `epoch-early`. */
  readonly lineMaterialOf: (epoch: number) => Promise<EpochMaterial | ClosedEpochMaterial>;
};

/** Where the data plane gets its epochs from. In one process the keyring itself; a channel or HTTP elsewhere. */
export type EpochSource = {
  /** The material of the epoch that began at second `epoch`; created when it is new. Rejects `epoch-expired` for one destroyed. */
  readonly materialOf: (epoch: number) => Promise<EpochMaterial>;
};

/** One new session as the data plane hands it over: sealed, so that nobody between here and the vault can read it. */
export type SealedSession = {
  readonly epoch: number;
  /** 11 bytes: the part of the token behind the epoch. */
  readonly tag: Uint8Array;
  /** 16 bytes: keyed MAC of the client's address, for "which tokens had this address". */
  readonly addressMac: Uint8Array;
  /** The record, sealed to the epoch's public key (format: keys/sealing.ts). */
  readonly record: Uint8Array;
};

/** The seam between the two planes (DESIGN section 1). */
export type SessionSink = {
  /**
   * Resolves when all `sessions` are stored as durably as `session.durability` asks. Rejects `store-unavailable` when they
   * are not; the caller counts the loss and goes on. A session that is stored already stays as its first request left it.
   */
  readonly append: (sessions: readonly SealedSession[]) => Promise<void>;
};

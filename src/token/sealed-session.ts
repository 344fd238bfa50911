/**
 * What the tokeniser hands over for a new session. The store's `SealedSession` and `SessionSink` have the same shape; token/
 * stands above store/ and cannot import them, and a test assigns one to the other.
 */
export type SealedSession = {
  readonly epoch: number;
  /** 11 bytes. */
  readonly tag: Uint8Array;
  /** 16 bytes: keyed MAC of the client's address. */
  readonly addressMac: Uint8Array;
  /** Format: SessionRecord in keys/session-record.ts. */
  readonly record: Uint8Array;
};

export type SealedSessionSink = {
  /** Resolves when all are stored, rejects when they are not. */
  readonly append: (sessions: readonly SealedSession[]) => Promise<void>;
};

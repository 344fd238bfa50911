import { LogveilError } from "../errors.ts";

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

/** How sessions travel over the control socket: epoch, tag, MAC of the address, record; bytes in base64. */
export type SessionsText = readonly (readonly [number, string, string, string])[];

export function encodeSessions(sessions: readonly SealedSession[]): SessionsText {
  return sessions.map(
    ({ epoch, tag, addressMac, record }) =>
      [epoch, base64(tag), base64(addressMac), base64(record)] as const,
  );
}

/** Throws `body-invalid` for what `encodeSessions` did not make. */
export function decodeSessions(value: unknown): readonly SealedSession[] {
  if (!Array.isArray(value)) throw new LogveilError("body-invalid");
  return value.map((row: unknown) => {
    const [epoch, ...texts] = Array.isArray(row) ? (row as readonly unknown[]) : [];
    const [tag, addressMac, record] = texts.map((text) => Buffer.from(String(text), "base64"));
    const isWhole = tag?.length === 11 && addressMac?.length === 16 && record !== undefined;
    if (!isWhole || typeof epoch !== "number" || epoch >>> 0 !== epoch)
      throw new LogveilError("body-invalid");
    return { epoch, tag, addressMac, record };
  });
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");
}

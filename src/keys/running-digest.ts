import { createHash } from "node:crypto";

/** SHA-256 of bytes that come in pieces, to be asked for in between. No key: for telling whether something is what it was. */
export type RunningDigest = {
  readonly update: (bytes: Uint8Array) => void;
  /** Of all so far, in hexadecimal digits; more may follow. */
  readonly soFar: () => string;
};

export function createRunningDigest(): RunningDigest {
  const running = createHash("sha256");
  return {
    update: (bytes) => void running.update(bytes),
    soFar: () => running.copy().digest("hex"),
  };
}

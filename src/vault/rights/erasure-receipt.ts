/** Whom an erasure is about: a user token, or a canonical session id of somebody who never logged in. */
export type ErasureSubject = { readonly kind: "user" | "session"; readonly id: string };

/** What was destroyed, for whoever has to prove it. It names nobody: what it is about means nothing any more. */
export type ErasureReceipt = {
  /** UUID; in the audit event too. */
  readonly id: string;
  readonly subject: ErasureSubject;
  readonly beganMs: number;
  /** When the last of it was gone. */
  readonly endedMs: number;
  /** Of each destroyed key of the data subject: 16 hex digits that tell it from others. */
  readonly keys: readonly string[];
  /** By kind (holdings.ts). Of `audit` the events stay, and their contents cannot be read any more. */
  readonly erased: Readonly<Record<string, number>>;
};

/** An erasure under way. Stored with the event that says it was asked for, so that a crash does not leave a half of somebody. */
export type Erasure = Omit<ErasureReceipt, "endedMs"> & {
  /** In the keyring; destroyed first. */
  readonly keyNames: readonly string[];
};

const FORMAT = 1;

export function encodeErasure(erasure: Erasure | ErasureReceipt): Buffer {
  return Buffer.from(JSON.stringify({ format: FORMAT, ...erasure }));
}

export function decodeErasure(bytes: Uint8Array): Erasure {
  return decode(bytes) as Erasure; // as `encodeErasure` wrote it
}

export function decodeReceipt(bytes: Uint8Array): ErasureReceipt {
  return decode(bytes) as ErasureReceipt; // likewise
}

function decode(bytes: Uint8Array): unknown {
  const { format, ...erasure } = JSON.parse(Buffer.from(bytes).toString("utf8"));
  if (format !== FORMAT) throw new TypeError("an erasure of another version");
  return erasure;
}

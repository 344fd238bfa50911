// An epoch's material on its way to a command of ours that runs beside the logveil that has the keyring, over the control socket. What
// travels is what the data plane holds: it makes tokens and seals. SECURITY: the half that opens has no place in it.

import { LogveilError } from "../errors.ts";
import type { ClosedEpochMaterial, EpochMaterial } from "./epoch-material.ts";
import { macKey } from "./mac.ts";

/** All keys in hexadecimal digits. */
export type MaterialText = {
  readonly epoch: number;
  readonly endsAtMs: number;
  readonly tokenKey: string;
  readonly addressKey: string;
  readonly scrubKey: string;
  /** Absent for a closed epoch. */
  readonly sealingKey?: string;
};

const KEY = /^[0-9a-f]{64}$/;

export function encodeMaterial(material: EpochMaterial | ClosedEpochMaterial): MaterialText {
  const { epoch, endsAtMs, tokenKey, addressKey, scrubKey, sealingKey } = material;
  return {
    epoch,
    endsAtMs,
    tokenKey: tokenKey.export().toString("hex"),
    addressKey: addressKey.export().toString("hex"),
    scrubKey: scrubKey.export().toString("hex"),
    ...(sealingKey === undefined ? {} : { sealingKey: Buffer.from(sealingKey).toString("hex") }),
  };
}

/** Throws `keyring-corrupt` for what `encodeMaterial` did not make. */
export function decodeMaterial(text: MaterialText): EpochMaterial | ClosedEpochMaterial {
  const { epoch, endsAtMs, tokenKey, addressKey, scrubKey, sealingKey } = text;
  const keys = [tokenKey, addressKey, scrubKey, ...(sealingKey === undefined ? [] : [sealingKey])];
  const isWhole = Number.isSafeInteger(epoch) && Number.isSafeInteger(endsAtMs);
  if (!isWhole || !keys.every((key) => KEY.test(key))) throw new LogveilError("keyring-corrupt");
  const common = {
    epoch,
    endsAtMs,
    tokenKey: macKey(Buffer.from(tokenKey, "hex")),
    addressKey: macKey(Buffer.from(addressKey, "hex")),
    scrubKey: macKey(Buffer.from(scrubKey, "hex")),
  };
  return sealingKey === undefined
    ? { ...common, sealingKey: undefined }
    : { ...common, sealingKey: new Uint8Array(Buffer.from(sealingKey, "hex")) };
}

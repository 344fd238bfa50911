import type { KeyObject } from "node:crypto";
import { LRUCache } from "lru-cache";
import { LogveilError } from "../errors.ts";
import { aeadKey, decrypt } from "./aead.ts";
import { equalInConstantTime } from "./constant-time.ts";
import {
  AEAD_KEY_CONTEXT,
  hpke,
  hpkeInfo,
  parseSessionRecord,
  recordAad,
  sealingKeyId,
  type SealingPair,
  type SealingPurpose,
} from "./session-record.ts";

/** Opens the session records of one epoch. Exists in the control plane only. */
export type SessionOpener = {
  /** The identity sealed under this 11-byte session tag, for a session record unless told. Rejects `open-failed`. */
  readonly open: (tag: Uint8Array, record: Uint8Array, purpose?: SealingPurpose) => Promise<Buffer>;
};

// One entry for each process that sealed in this epoch, two when it seals identities into log lines; a few hundred restarts of the data
// plane in one epoch are a lot.
const MAX_SENDERS = 256;

export async function createOpener(epoch: number, pair: SealingPair): Promise<SessionOpener> {
  const publicKey = new Uint8Array(await hpke.kem.serializePublicKey(pair.publicKey));
  const keyId = sealingKeyId(publicKey);
  const senders = new LRUCache<string, KeyObject>({ max: MAX_SENDERS });
  const keyOf = async (enc: Buffer, purpose?: SealingPurpose): Promise<KeyObject> => {
    const name = enc.toString("latin1") + (purpose ?? "");
    const known = senders.get(name);
    if (known !== undefined) return known;
    const key = await decapsulate(pair, enc, hpkeInfo(epoch, purpose));
    senders.set(name, key);
    return key;
  };
  return {
    open: async (tag, record, purpose) => {
      const { keyId: recordKeyId, enc, nonce, sealed } = parseSessionRecord(record);
      if (!equalInConstantTime(keyId, recordKeyId)) throw new LogveilError("open-failed");
      return decrypt(await keyOf(enc, purpose), nonce, sealed, recordAad(epoch, tag, purpose));
    },
  };
}

async function decapsulate(pair: SealingPair, enc: Buffer, info: Buffer): Promise<KeyObject> {
  try {
    const recipient = await hpke.createRecipientContext({
      recipientKey: pair,
      enc: Uint8Array.from(enc),
      info,
    });
    const exported = new Uint8Array(await recipient.export(AEAD_KEY_CONTEXT, 32));
    const key = aeadKey(exported);
    exported.fill(0);
    return key;
  } catch (cause) {
    // An enc that is no curve point of use (RFC 7748 section 6.1) is a damaged record like any other.
    throw new LogveilError("open-failed", { cause });
  }
}

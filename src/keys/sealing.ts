// What the data plane does with an identity: seal it to the epoch's public key. Nothing in this file can open what it
// sealed, and nothing here imports what can (opening.ts, keyring.ts); a test holds that.

import { NONCE_BYTES, aeadKey, encrypt } from "./aead.ts";
import type { EpochMaterial } from "./epoch-material.ts";
import {
  AEAD_KEY_CONTEXT,
  SESSION_TAG_BYTES,
  hpke,
  hpkeInfo,
  recordAad,
  recordHeader,
  type SealingPurpose,
} from "./session-record.ts";

const COUNTER_BYTES = 6;

export type Sealer = {
  /**
   * Seals one identity under the 11-byte session tag it belongs to (format: SessionRecord). One AES-GCM call, synchronous.
   * Throws RangeError after 2^48 records.
   */
  readonly seal: (tag: Uint8Array, plaintext: Uint8Array) => Uint8Array;
};

/** One sender for one epoch and purpose, with an ephemeral key pair of its own. */
export async function createSealer(
  material: Pick<EpochMaterial, "epoch" | "sealingKey">,
  purpose: SealingPurpose = "logveil session record",
): Promise<Sealer> {
  const sender = await hpke.createSenderContext({
    recipientPublicKey: await hpke.kem.deserializePublicKey(material.sealingKey),
    info: hpkeInfo(material.epoch, purpose),
  });
  const exported = new Uint8Array(await sender.export(AEAD_KEY_CONTEXT, 32));
  const key = aeadKey(exported);
  exported.fill(0);
  const header = recordHeader(material.sealingKey, new Uint8Array(sender.enc));
  let count = 0;
  return {
    seal: (tag, plaintext) => {
      if (tag.length !== SESSION_TAG_BYTES) throw new RangeError("a session tag has 11 bytes");
      const nonce = Buffer.alloc(NONCE_BYTES);
      // SECURITY: counted up before anything can fail; a nonce used twice under one key gives away both plaintexts.
      nonce.writeUIntBE(count++, NONCE_BYTES - COUNTER_BYTES, COUNTER_BYTES);
      const sealed = encrypt(key, nonce, plaintext, recordAad(material.epoch, tag, purpose));
      return Buffer.concat([header, nonce, ...sealed]);
    },
  };
}

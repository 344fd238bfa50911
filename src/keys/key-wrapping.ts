import type { KeyObject } from "node:crypto";
import { LogveilError } from "../errors.ts";
import { NONCE_BYTES, TAG_BYTES, aeadKey, associatedData, decrypt, encrypt } from "./aead.ts";
import { LABELS, derive } from "./derivation.ts";
import { MASTER_KEY_BYTES } from "./master-key.ts";
import { randomBytes } from "./secure-random.ts";

export const SECRET_BYTES = 32;
const ID_BYTES = 4;
/** A wrapped secret: `master key id(4) | nonce(12) | wrapped secret(32) | tag(16)`. */
export const WRAPPED_BYTES = ID_BYTES + NONCE_BYTES + SECRET_BYTES + TAG_BYTES;
const VERSION = "1";

/** What a wrapped secret is for; bound to it, so that a file or an entry cannot stand in for one of another kind. */
export type WrapPurpose = "check" | "index" | "epoch" | "subject";

type MasterKey = { readonly id: string; readonly wrapping: KeyObject };

/**
 * The master keys a keyring knows: the one that wraps, and in the middle of a rotation the one before it.
 * Nonces are random: at most 2^32 secrets under one master key (SP 800-38D section 8.3), then rotate.
 */
export class MasterKeys {
  #current: MasterKey;
  readonly #known = new Map<string, MasterKey>();

  constructor(current: Uint8Array, previous: readonly Uint8Array[] = []) {
    for (const bytes of previous) this.#add(bytes);
    this.#current = this.#add(current);
  }

  /** Eight hex digits that name the wrapping key and tell nothing about it. */
  get currentId(): string {
    return this.#current.id;
  }

  /** From now on secrets are wrapped under `next`; those under the keys before it still open. */
  use(next: Uint8Array): void {
    this.#current = this.#add(next);
  }

  /** Forgets every key but the wrapping one, after nothing is wrapped under them any more. */
  forgetPrevious(): void {
    this.#known.clear();
    this.#known.set(this.#current.id, this.#current);
  }

  /** `fields` is what the wrapped secret is bound to beside its purpose; it stands in clear next to it. */
  wrap(purpose: WrapPurpose, fields: Uint8Array, secret: Uint8Array): Buffer {
    const { id, wrapping } = this.#current;
    const nonce = randomBytes(NONCE_BYTES);
    const sealed = encrypt(wrapping, nonce, secret, bind(purpose, id, fields));
    return Buffer.concat([Buffer.from(id, "hex"), nonce, ...sealed]);
  }

  /** The caller clears the secret. Throws `key-wrong` for a master key we do not have, `keyring-corrupt` for a failed tag. */
  unwrap(purpose: WrapPurpose, fields: Uint8Array, wrapped: Uint8Array): Buffer {
    const id = masterKeyIdOf(wrapped);
    const master = this.#known.get(id);
    if (master === undefined) throw new LogveilError("key-wrong");
    const nonce = wrapped.subarray(ID_BYTES, ID_BYTES + NONCE_BYTES);
    const sealed = wrapped.subarray(ID_BYTES + NONCE_BYTES);
    try {
      return decrypt(master.wrapping, nonce, sealed, bind(purpose, id, fields));
    } catch (cause) {
      throw new LogveilError("keyring-corrupt", { cause });
    }
  }

  isCurrent(wrapped: Uint8Array): boolean {
    return masterKeyIdOf(wrapped) === this.#current.id;
  }

  #add(bytes: Uint8Array): MasterKey {
    if (bytes.length !== MASTER_KEY_BYTES) throw new LogveilError("key-invalid");
    const wrappingKey = derive(bytes, LABELS.wrapping, 32);
    const master = {
      id: derive(bytes, LABELS.masterKeyId, ID_BYTES).toString("hex"),
      wrapping: aeadKey(wrappingKey),
    };
    wrappingKey.fill(0);
    this.#known.set(master.id, master);
    return master;
  }
}

/** Names the master key of a wrapped secret: eight hex digits. */
export function masterKeyIdOf(wrapped: Uint8Array): string {
  return Buffer.from(wrapped.subarray(0, ID_BYTES)).toString("hex");
}

function bind(purpose: WrapPurpose, id: string, fields: Uint8Array): Buffer {
  return associatedData(`logveil wrapped ${purpose}`, VERSION, id, fields);
}

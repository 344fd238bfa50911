// What is stored of a user: an open header, which says what state the record is in and where the index has it, and the profile,
// sealed under a key that is this data subject's alone.

import { LogveilError } from "../../errors.ts";
import { aeadKey, associatedData, openWith, sealWith } from "../../keys/aead.ts";

/** What a caller stored about a data subject. */
export type Profile = Readonly<Record<string, unknown>>;

export type UserState = {
  /** One more with each change. */
  readonly counter: number;
  /** Which of the data subject's keys seals the profile: 0, and one more after an erasure that had to preserve something. */
  readonly generation: number;
  /** Under which keys of the index the user is found: exactly those are removed one day, whatever the configuration says then. */
  readonly indexKeys: readonly string[];
  /** Nothing is left but the user token. */
  readonly isErased: boolean;
};

export type StoredUser = UserState & { readonly token: string; readonly bytes: Uint8Array };

const FORMAT = 1;
const ERASED = 1;
const FIXED_BYTES = 10;

/** The subject under which the keyring has the key (DEK) of a user. */
export function keyNameOf(token: string, generation: number): string {
  return generation === 0 ? `user:${token}` : `user:${token}#${String(generation)}`;
}

/**
 * `format(1) | flags(1) | generation(2) | counter(4) | length of index keys(2) | index keys | sealed profile`, integers big-endian,
 * index keys and profile in JSON. The seal binds purpose, the key's name, the user token and all that stands before it.
 */
export function encodeUser(
  token: string,
  state: Omit<UserState, "isErased">,
  profile: Profile,
  key: Buffer,
): Buffer {
  const header = encodeHeader({ ...state, isErased: false });
  const plaintext = Buffer.from(JSON.stringify(profile));
  const sealed = sealWith(aeadKey(key), plaintext, bindingOf(token, state.generation, header));
  return Buffer.concat([header, sealed]);
}

/** A header alone: that user token has been given, and nobody gets it again. */
export function encodeErasedUser({ counter, generation }: UserState): Buffer {
  return encodeHeader({ counter: counter + 1, generation, indexKeys: [], isErased: true });
}

/** Throws `open-failed` for bytes that are no user record. */
export function readUser(token: string, bytes: Uint8Array): StoredUser {
  const view = viewOf(bytes);
  if (view.length < FIXED_BYTES || view.readUInt8(0) !== FORMAT || headerBytes(view) > view.length)
    throw new LogveilError("open-failed");
  return {
    token,
    bytes,
    isErased: (view.readUInt8(1) & ERASED) !== 0,
    generation: view.readUInt16BE(2),
    counter: view.readUInt32BE(4),
    indexKeys: parseIndexKeys(view.toString("utf8", FIXED_BYTES, headerBytes(view))),
  };
}

/** Throws `open-failed` for an erased user, with a wrong key, and when anything of the record was altered. */
export function openProfile({ token, generation, bytes }: StoredUser, key: Buffer): Profile {
  const split = headerBytes(viewOf(bytes));
  const binding = bindingOf(token, generation, bytes.subarray(0, split));
  const plaintext = openWith(aeadKey(key), bytes.subarray(split), binding);
  // Authenticated: `encodeUser` has written it, so it has this shape.
  return JSON.parse(plaintext.toString("utf8")) as Profile;
}

function encodeHeader({ counter, generation, indexKeys, isErased }: UserState): Buffer {
  const index = Buffer.from(JSON.stringify(indexKeys));
  const header = Buffer.alloc(FIXED_BYTES);
  header.writeUInt8(FORMAT, 0);
  header.writeUInt8(isErased ? ERASED : 0, 1);
  header.writeUInt16BE(generation, 2);
  header.writeUInt32BE(counter, 4);
  header.writeUInt16BE(index.length, 8);
  return Buffer.concat([header, index]);
}

function headerBytes(view: Buffer): number {
  return FIXED_BYTES + view.readUInt16BE(8);
}

function parseIndexKeys(text: string): readonly string[] {
  try {
    return JSON.parse(text) as string[]; // as `encodeHeader` wrote it; what was altered does not open
  } catch {
    throw new LogveilError("open-failed");
  }
}

function viewOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function bindingOf(token: string, generation: number, header: Uint8Array): Buffer {
  return associatedData("user record", keyNameOf(token, generation), token, header);
}

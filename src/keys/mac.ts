import { createHmac, createSecretKey, hash, type KeyObject } from "node:crypto";
import { encodeParts, type Part } from "./netstring.ts";

/** A key that cannot print itself. The bytes are copied; the caller may clear its own. */
export function macKey(bytes: Uint8Array): KeyObject {
  return createSecretKey(bytes);
}

/** HMAC-SHA-256 (RFC 2104) over the parts as netstrings: 32 bytes. */
export function mac(key: KeyObject, ...parts: readonly Part[]): Buffer {
  const hmac = createHmac("sha256", key);
  for (const part of parts) {
    // The same bytes as encodeParts, without the copies: this runs twice for each new session.
    if (typeof part === "string") hmac.update(`${Buffer.byteLength(part)}:${part},`);
    else hmac.update(`${part.length}:`).update(part).update(",");
  }
  return hmac.digest();
}

/** SHA-256 over the parts as netstrings: 32 bytes. No key: for chains and checks, never to hide a value that can be guessed. */
export function digest(...parts: readonly Part[]): Buffer {
  return hash("sha256", encodeParts(parts), "buffer");
}

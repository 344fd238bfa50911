import { createHmac, type KeyObject } from "node:crypto";

/**
 * HMAC-SHA-256 (RFC 2104) over `text` as it stands, in hex: for a receiver who checks it with any library. Within logveil `mac` is
 * used, which keeps parts apart.
 */
export function sign(key: KeyObject, text: string): string {
  return createHmac("sha256", key).update(text).digest("hex");
}

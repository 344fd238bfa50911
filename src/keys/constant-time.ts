import { hash, timingSafeEqual } from "node:crypto";

/**
 * Compares two secrets in a time that tells nothing about where they differ. Both are hashed first, so the length of the
 * one that is kept is not told either.
 */
export function equalInConstantTime(a: Uint8Array | string, b: Uint8Array | string): boolean {
  return timingSafeEqual(hash("sha256", a, "buffer"), hash("sha256", b, "buffer"));
}

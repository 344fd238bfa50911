import * as crypto from "node:crypto";

/** `length` bytes from the operating system's generator. */
export function randomBytes(length: number): Buffer {
  return crypto.randomBytes(length);
}

/** A random UUID, version 4 (RFC 9562 section 5.4): 122 random bits. */
export function randomUuid(): string {
  return crypto.randomUUID();
}

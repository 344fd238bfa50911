import * as crypto from "node:crypto";

/** `length` bytes from the operating system's generator. */
export function randomBytes(length: number): Buffer {
  return crypto.randomBytes(length);
}

/** A random UUID, version 4 (RFC 9562 section 5.4): 122 random bits. */
export function randomUuid(): string {
  return crypto.randomUUID();
}

/** `count` decimal digits (14 at most), each number equally likely. */
export function randomDigits(count: number): string {
  return String(crypto.randomInt(10 ** count)).padStart(count, "0");
}

// The captcha in front of the log-in, which keeps machines from having codes sent to people. Nothing is stored: a captcha code is its six
// digits and its end, sealed under a key that lives as long as the process, and whoever asks for its picture shows the code.

import { LRUCache } from "lru-cache";
import type { Clock } from "../../clock.ts";
import { LogveilError } from "../../errors.ts";
import { aeadKey, associatedData, openWith, sealWith } from "../../keys/aead.ts";
import { equalInConstantTime } from "../../keys/constant-time.ts";
import { randomBytes, randomDigits } from "../../keys/secure-random.ts";
import { drawDigits } from "./captcha-image.ts";

export type Captcha = {
  /** A new captcha code, hex. */
  readonly create: () => string;
  /** A PNG, 128 by 64. Rejects `captcha-invalid` for what is no code or is past its time, `captcha-busy` when too many are being drawn. */
  readonly draw: (code: string) => Promise<Buffer>;
  /** Throws `captcha-invalid` unless `answer` is what the picture shows. One question, one answer: also a wrong one uses the code up. */
  readonly check: (code: string, answer: string) => void;
};

export const CAPTCHA_TTL_MS = 120_000;
/** Codes that were used and have not expired, at most; while there are so many nobody gets through. */
const MAX_USED = 20_000;
/** Pictures under way; each takes about 2 ms, of which most is outside the event loop. */
const MAX_DRAWING = 8;
const DIGITS = 6;
const HEX = /^(?:[0-9a-f]{2}){30,100}$/i;

/** Rows and keys of the store have no part in it: the key is made here. AAD as for every record: purpose and the key's name. */
const BINDING = associatedData("captcha", "process");

export type CaptchaParts = {
  readonly clock: Clock;
  /** Six decimal digits; from the system's generator unless told. */
  readonly newDigits?: () => string;
};

export function createCaptcha({ clock, newDigits }: CaptchaParts): Captcha {
  const key = aeadKey(randomBytes(32));
  // SECURITY: one clock for both ends, or a wall clock that stands still would let a code outlive the memory of its use.
  const used = new LRUCache<string, true>({
    max: MAX_USED,
    ttl: CAPTCHA_TTL_MS,
    ttlResolution: 0,
    perf: { now: () => clock.monotonic() + 1 }, // a start of 0 means "none" to the cache
  });
  let drawing = 0;
  const open = (code: string): string => {
    if (!HEX.test(code)) throw new LogveilError("captcha-invalid");
    const [digits = "", expiresAt = ""] = openCode(key, code).split(":");
    if (Number(expiresAt) <= clock.monotonic()) throw new LogveilError("captcha-invalid");
    return digits;
  };
  return {
    create: () => {
      const digits = newDigits?.() ?? randomDigits(DIGITS);
      const text = `${digits}:${clock.monotonic() + CAPTCHA_TTL_MS}`;
      return sealWith(key, Buffer.from(text), BINDING).toString("hex");
    },
    draw: async (code) => {
      const digits = open(code);
      if (drawing >= MAX_DRAWING) throw new LogveilError("captcha-busy");
      drawing += 1;
      try {
        return await drawDigits(digits);
      } finally {
        drawing -= 1;
      }
    },
    check: (code, answer) => {
      const digits = open(code);
      const spelled = code.toLowerCase();
      if (used.size >= MAX_USED) used.purgeStale();
      // SECURITY: at the bound the oldest would be forgotten and could be used again.
      if (used.has(spelled) || used.size >= MAX_USED) throw new LogveilError("captcha-invalid");
      used.set(spelled, true);
      if (!equalInConstantTime(answer, digits)) throw new LogveilError("captcha-invalid");
    },
  };
}

function openCode(key: ReturnType<typeof aeadKey>, code: string): string {
  try {
    return openWith(key, Buffer.from(code, "hex"), BINDING).toString("latin1");
  } catch (cause) {
    throw new LogveilError("captcha-invalid", { cause });
  }
}

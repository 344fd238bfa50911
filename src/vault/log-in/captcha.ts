// The captcha in front of the log-in, which keeps machines from having codes sent to people. Nothing is stored: a captcha code is its six
// digits, its end and its serial number, sealed under a key that lives as long as the process, and whoever asks for its picture shows the
// code. Whether it was used is one bit in a ring of the newest serial numbers.

import type { Clock } from "../../clock.ts";
import { LogveilError } from "../../errors.ts";
import { aeadKey, associatedData, openWith, sealWith } from "../../keys/aead.ts";
import { equalInConstantTime } from "../../keys/constant-time.ts";
import { randomBytes, randomDigits } from "../../keys/secure-random.ts";
import { drawDigits } from "./captcha-image.ts";
import { createSerialRing } from "./serial-ring.ts";

export type Captcha = {
  /** A new captcha code, hex. */
  readonly create: () => string;
  /** A PNG, 128 by 64. Rejects `captcha-invalid` for what is no code or is past its time, `captcha-busy` when too many are being drawn. */
  readonly draw: (code: string) => Promise<Buffer>;
  /** Throws `captcha-invalid` unless `answer` is what the picture shows. One question, one answer: also a wrong one uses the code up. */
  readonly check: (code: string, answer: string) => void;
};

export const CAPTCHA_TTL_MS = 120_000;
/** 2 MB, 16,777,216 codes. Only who has 140,000 made a second pushes one out of it before its two minutes are over. */
const RING_BYTES = 2 ** 21;
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
  const ring = createSerialRing(RING_BYTES);
  let drawing = 0;
  const open = (code: string) => {
    if (!HEX.test(code)) throw new LogveilError("captcha-invalid");
    const [digits = "", expiresAt = "", serial = ""] = openCode(key, code).split(":");
    if (Number(expiresAt) <= clock.monotonic()) throw new LogveilError("captcha-invalid");
    return { digits, serial: Number(serial) };
  };
  return {
    create: () => {
      const digits = newDigits?.() ?? randomDigits(DIGITS);
      const text = `${digits}:${clock.monotonic() + CAPTCHA_TTL_MS}:${ring.next()}`;
      return sealWith(key, Buffer.from(text), BINDING).toString("hex");
    },
    draw: async (code) => {
      const { digits } = open(code);
      if (drawing >= MAX_DRAWING) throw new LogveilError("captcha-busy");
      drawing += 1;
      try {
        return await drawDigits(digits);
      } finally {
        drawing -= 1;
      }
    },
    check: (code, answer) => {
      const { digits, serial } = open(code);
      // SECURITY: before the answer is looked at, so that a wrong one uses the code up as well.
      if (!ring.use(serial)) throw new LogveilError("captcha-invalid");
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

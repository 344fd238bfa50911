import { findSessionToken } from "../token/session-token.ts";

// Tokens are of epochs that can be: from 2020 to 2050. A network's own unique local addresses begin so by chance, one in four.
const FIRST_EPOCH = Date.UTC(2020, 0) / 1000;
const LAST_EPOCH = Date.UTC(2050, 0) / 1000;
const TOKEN_COOKIE = /^logveil_session=/;
/** `accessLog.identity: sealed` (token/sealed-identity.ts). */
const SEALED = /^sealed:v1:[\w-]{100,8192}$/;
const PSEUDONYM = /^~[a-z0-9_]{1,32}\.[a-z2-7]{8}$/;

/**
 * True for what logveil writes in place of personal data: session tokens in both spellings, sealed identities, and pseudonyms of any kind. A unique local
 * address that people have chosen (`fd12:3456:789a::1`) has a row of zeros where a token has random bits, and is somebody's.
 */
export function isOwn(kind: string, canonical: string, written: string): boolean {
  if (kind !== "ip" && kind !== "value" && kind !== "secret") return false;
  return (
    PSEUDONYM.test(written) || SEALED.test(written) || isToken(canonical.replace(TOKEN_COOKIE, ""))
  );
}

// Cheap: the shortest token is `fd…` with hardly a zero in it.
const MIN_TOKEN_CHARACTERS = 20;

function isToken(text: string): boolean {
  if (text.length < MIN_TOKEN_CHARACTERS || text.length > 39) return false;
  const token = findSessionToken(text);
  if (token === undefined || token.epoch < FIRST_EPOCH || token.epoch >= LAST_EPOCH) return false;
  // Two groups of zeros: once in four thousand million tokens.
  return !Buffer.from(token.tag).toString("hex").includes("00000000");
}

/** logveil's request ids (`2a4b9dcf4dc0456b-000003`) and ids of spans (16 digits), half of whose digits may look like a number that people have. */
const SERIAL = /^[0-9a-f]{16}(?:-[0-9a-z]{1,16})?$/;
const SERIAL_CHARACTER = /[0-9a-z-]/;
const LETTER = /[a-f]/;

/** Whether `start` to `end` is a number only as part of such an id. */
export function isPartOfSerial(text: string, start: number, end: number): boolean {
  let from = start;
  let to = end;
  while (from > 0 && SERIAL_CHARACTER.test(text.charAt(from - 1)) && to - from < MAX_SERIAL) from--;
  while (to < text.length && SERIAL_CHARACTER.test(text.charAt(to)) && to - from < MAX_SERIAL) to++;
  const whole = text.slice(from, to);
  return SERIAL.test(whole) && LETTER.test(whole.slice(0, 16));
}

const MAX_SERIAL = 40;

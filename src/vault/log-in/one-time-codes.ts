// One-time codes with which a data subject logs in: six digits, so what protects them is how few may be tried. Of a code only a
// MAC is kept, bound to whom it was made for and how it was sent.

import type { KeyObject } from "node:crypto";
import type { Clock } from "../../clock.ts";
import { equalInConstantTime } from "../../keys/constant-time.ts";
import { mac } from "../../keys/mac.ts";
import { randomDigits } from "../../keys/secure-random.ts";
import type { Document, Documents } from "../../store/documents.ts";
import { createTurns } from "../turns.ts";
import type { TakeTurn } from "../turns.ts";

export const CODE_TTL_MS = 60_000;
/** For each owner. With `MAX_ATTEMPTS` it makes 25 guesses an hour at a million possibilities. */
export const MAX_CODES = 5;
export const MAX_ATTEMPTS = 5;
const WINDOW_MS = 3_600_000;
const DIGITS = 6;
const SLICE = 500;

export type OneTimeCodes = {
  /** A new code, which takes the place of the one before; undefined when `owner` has had five within the hour. */
  readonly issue: (owner: string, mode: string) => Promise<string | undefined>;
  /** Whether `code` is the one that was issued last, is not a minute old, has not been used and not been guessed at five times. Counts. */
  readonly redeem: (owner: string, mode: string, code: string) => Promise<boolean>;
  /** Removes what no longer counts. */
  readonly sweep: () => Promise<void>;
};

export type OneTimeCodesParts = {
  readonly documents: Documents;
  /** `keyring.callersKey`. */
  readonly key: KeyObject;
  readonly clock: Clock;
};

/** A row of the table `code`, JSON. Its key is a MAC of the owner. */
type Row = {
  readonly version: 1;
  /** Base64; absent once it was used. */
  readonly codeMac?: string;
  readonly attempts: number;
  /** When codes were issued within the last hour, milliseconds since 1970, ascending; the last one is of `codeMac`. */
  readonly issuedAtMs: readonly number[];
};

/** `owner` is any text that stands for one address; nobody learns from a row whether it is anybody's. */
export function createOneTimeCodes(parts: OneTimeCodesParts): OneTimeCodes {
  // SECURITY: one operation at a time for each owner, or guesses sent side by side would all see the same count of attempts.
  const inTurn = createTurns();
  const place = (owner: string) => mac(parts.key, "one-time code owner", owner).toString("hex");
  return {
    issue: (owner, mode) => inTurn(place(owner), () => issue(parts, place(owner), mode)),
    redeem: (owner, mode, code) =>
      inTurn(place(owner), () => redeem(parts, place(owner), mode, code)),
    sweep: () => sweep(parts, inTurn),
  };
}

async function issue(
  parts: OneTimeCodesParts,
  place: string,
  mode: string,
): Promise<string | undefined> {
  const nowMs = parts.clock.now();
  const row = await find(parts, place);
  const recent = row.issuedAtMs.filter((issuedMs) => issuedMs > nowMs - WINDOW_MS);
  if (recent.length >= MAX_CODES) return undefined;
  const code = randomDigits(DIGITS);
  await put(parts, place, {
    version: 1,
    codeMac: macOf(parts, place, mode, code).toString("base64"),
    attempts: 0,
    issuedAtMs: [...recent, nowMs],
  });
  return code;
}

async function redeem(
  parts: OneTimeCodesParts,
  place: string,
  mode: string,
  code: string,
): Promise<boolean> {
  const { codeMac, ...row } = await find(parts, place);
  const issuedMs = row.issuedAtMs.at(-1) ?? -Infinity;
  const isAlive = issuedMs > parts.clock.now() - CODE_TTL_MS && row.attempts < MAX_ATTEMPTS;
  if (codeMac === undefined || !isAlive) return false;
  const isRight = equalInConstantTime(
    macOf(parts, place, mode, code),
    Buffer.from(codeMac, "base64"),
  );
  // SECURITY: stored before the answer, so that neither a crash nor a failure gives a guess back. Right: the MAC is gone with it.
  const attempts = row.attempts + 1;
  await put(parts, place, { ...row, attempts, ...(isRight ? {} : { codeMac }) });
  return isRight;
}

async function sweep(parts: OneTimeCodesParts, inTurn: TakeTurn): Promise<void> {
  let from = "";
  for (;;) {
    const rows: readonly Document[] = await parts.documents.list("code", { from, limit: SLICE });
    for (const { key } of rows) await inTurn(key, () => removeStale(parts, key));
    const last = rows.at(-1);
    if (last === undefined || rows.length < SLICE) return;
    from = `${last.key}\0`;
  }
}

async function removeStale(parts: OneTimeCodesParts, place: string): Promise<void> {
  const { issuedAtMs } = await find(parts, place);
  if ((issuedAtMs.at(-1) ?? 0) > parts.clock.now() - WINDOW_MS) return;
  await parts.documents.commit([{ table: "code", key: place, value: undefined }]);
}

function macOf({ key }: OneTimeCodesParts, place: string, mode: string, code: string): Buffer {
  return mac(key, "one-time code", place, mode, code);
}

async function find({ documents }: OneTimeCodesParts, place: string): Promise<Row> {
  const stored = await documents.find("code", place);
  if (stored === undefined) return { version: 1, attempts: 0, issuedAtMs: [] };
  return JSON.parse(Buffer.from(stored).toString("utf8")) as Row; // `put` has written it
}

async function put({ documents }: OneTimeCodesParts, place: string, row: Row): Promise<void> {
  await documents.commit([{ table: "code", key: place, value: Buffer.from(JSON.stringify(row)) }]);
}

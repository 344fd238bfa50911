import type { Clock } from "../../clock.ts";
import { findRetryAfterMs } from "../../retry-after.ts";
import type { Outcome } from "./transport.ts";

export type Post = {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array<ArrayBuffer>;
  readonly signal: AbortSignal;
  readonly timeoutMs?: number | undefined;
};

export type Answer = {
  readonly status: number;
  readonly retryAfter: string | null;
  /** The first 256 KiB of the body. */
  readonly text: string;
};

const TIMEOUT_MS = 30_000;
/** A wish to come again later than this is a mistake or mischief. */
const MAX_WISH_MS = 3_600_000;
const MAX_ANSWER_BYTES = 256 * 1024;
/** Something about the request itself; a smaller one may do. */
const ABOUT_THE_BATCH: readonly number[] = [400, 413, 422];
/** 4xx that pass (RFC 9110 section 15.5, RFC 6585, RFC 8470). */
const PASSING: readonly number[] = [408, 425, 429];

/** Undefined when there was no answer. Never rejects. */
export async function post({ url, headers, body, ...limits }: Post): Promise<Answer | undefined> {
  try {
    const timeout = AbortSignal.timeout(limits.timeoutMs ?? TIMEOUT_MS);
    const response = await fetch(url, {
      method: "POST",
      headers: { "user-agent": "logveil", ...headers },
      body,
      // SECURITY: a redirect would carry the log, and the key to it, to an address that nobody configured.
      redirect: "manual",
      signal: AbortSignal.any([limits.signal, timeout]),
    });
    const text = await beginningOf(response);
    return { status: response.status, retryAfter: response.headers.get("retry-after"), text };
  } catch {
    // SECURITY: not reported with its cause, which may name the URL and what was sent.
    return undefined;
  }
}

/** What the status alone says. */
export function outcomeOf(answer: Answer | undefined, clock: Clock): Outcome {
  if (answer === undefined) return { kind: "away" };
  const { status, retryAfter } = answer;
  if (status >= 200 && status < 300) return { kind: "delivered", rejected: 0 };
  if (ABOUT_THE_BATCH.includes(status)) return { kind: "rejected" };
  if (status < 500 && !PASSING.includes(status)) return { kind: "refused", status };
  return { kind: "away", retryAfterMs: findRetryAfterMs(retryAfter, clock.now(), MAX_WISH_MS) };
}

/** The members of a JSON object; none for anything else. */
export function membersOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

/**
 * A number that JSON has as a number or, an int64, as a text; NaN for anything else. `Number` throws for some objects, and takes null, "" and
 * [] for 0.
 */
export function numberOf(value: unknown): number {
  if (typeof value === "number") return value;
  return typeof value === "string" && /^-?\d{1,19}$/.test(value) ? Number(value) : Number.NaN;
}

async function beginningOf({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    chunks.push(chunk);
    bytes += chunk.length;
    // Leaving the loop ends the connection.
    if (bytes > MAX_ANSWER_BYTES) break;
  }
  return Buffer.concat(chunks).toString("utf8", 0, MAX_ANSWER_BYTES);
}

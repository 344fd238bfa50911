import type { Clock } from "../../clock.ts";
import { macKey } from "../../keys/mac.ts";
import { sign } from "../../keys/signature.ts";
import { findRetryAfterMs } from "../../retry-after.ts";
import type { Attempt, Channel, Message } from "./notification.ts";

export type WebhookOptions = {
  /** http: or https:, of which the certificate is checked. */
  readonly url: string;
  /** What both sides know; signs every request. */
  readonly secret: string;
  readonly clock: Clock;
  /** 10 s unless told. */
  readonly timeoutMs?: number;
};

const TIMEOUT_MS = 10_000;
/** A wish to come again later than this is a mistake or mischief. */
const MAX_WISH_MS = 24 * 3_600_000;
/** With these a receiver speaks of itself and not of the message. */
const AWAY: readonly number[] = [429, 502, 503, 504];

/**
 * POSTs messages as JSON. `X-Logveil-Signature: t=<unix seconds>,v1=<hex>` holds HMAC-SHA-256 over `<t>.<body>` under the secret; a
 * receiver refuses what is old by `t`, and what it has seen by the member `id`. Any 2xx is a delivery.
 */
export function createWebhook({ url, secret, clock, timeoutMs }: WebhookOptions): Channel {
  const key = macKey(Buffer.from(secret));
  return {
    name: "webhook",
    send: async (message, closing) => {
      const body = JSON.stringify(payloadOf(message));
      const seconds = Math.floor(clock.now() / 1000);
      try {
        const response = await fetch(url, {
          method: "POST",
          headers: {
            "content-type": "application/json",
            "user-agent": "logveil",
            "x-logveil-signature": `t=${seconds},v1=${sign(key, `${seconds}.${body}`)}`,
          },
          body,
          // SECURITY: a redirect would carry personal data to an address that nobody configured.
          redirect: "manual",
          signal: AbortSignal.any([closing, AbortSignal.timeout(timeoutMs ?? TIMEOUT_MS)]),
        });
        // What it says is of no interest, and could be without end.
        await response.body?.cancel();
        return attemptOf(response, clock.now());
      } catch {
        // SECURITY: not reported with its cause, which may name the URL and what was sent.
        return { isDelivered: false, isAway: true };
      }
    },
  };
}

function attemptOf(response: Response, nowMs: number): Attempt {
  if (response.ok) return { isDelivered: true };
  const retryAfterMs = findRetryAfterMs(response.headers.get("retry-after"), nowMs, MAX_WISH_MS);
  return { isDelivered: false, isAway: AWAY.includes(response.status), retryAfterMs };
}

/** Databunker's members, with `id` and `time` (unix seconds). Ours come last, so that no detail can take their place. */
function payloadOf(message: Message): Readonly<Record<string, unknown>> {
  const { id, happenedAtMs, action, identity, mode, details } = message;
  return { ...details, action, identity, mode, id, time: Math.floor(happenedAtMs / 1000) };
}

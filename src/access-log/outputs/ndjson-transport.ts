import type { Clock } from "../../clock.ts";
import type { Entry } from "./entry.ts";
import { outcomeOf, post } from "./http-post.ts";
import type { Transport } from "./transport.ts";

export type NdjsonOptions = {
  readonly url: string;
  /** Added to ours, or in their place. Values are revealed to be sent, and for nothing else. */
  readonly headers: Readonly<Record<string, { readonly reveal: () => string }>>;
  readonly timeoutMs?: number | undefined;
};

/**
 * Lines by POST, one JSON object each, with `log.record.uid` as their first member. A line that is no JSON is wrapped:
 * `{"log.record.uid", "time", "message"}`. Any 2xx is a delivery.
 */
export function createNdjsonTransport(options: NdjsonOptions, clock: Clock): Transport {
  const { url, headers, timeoutMs } = options;
  return {
    name: "http",
    send: async (entries, signal) => {
      const own = Object.entries(headers).map(
        ([name, value]) => [name.toLowerCase(), value.reveal()] as const,
      );
      const answer = await post({
        url,
        headers: { "content-type": "application/x-ndjson", ...Object.fromEntries(own) },
        body: entries.map((entry) => `${objectOf(entry)}\n`).join(""),
        signal,
        timeoutMs,
      });
      return outcomeOf(answer, clock);
    },
  };
}

function objectOf({ happenedAtMs, id, line }: Entry): string {
  const uid = { "log.record.uid": id };
  if (line.startsWith('{"')) return `${JSON.stringify(uid).slice(0, -1)},${line.slice(1)}`;
  return JSON.stringify({ ...uid, time: new Date(happenedAtMs).toISOString(), message: line });
}

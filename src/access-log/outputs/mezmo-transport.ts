import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { Clock } from "../../clock.ts";
import type { Entry } from "./entry.ts";
import { membersOf, numberOf, outcomeOf, post } from "./http-post.ts";
import { readKeyFile } from "./key-file.ts";
import { withPath } from "./otlp-transport.ts";
import type { Outcome, Transport } from "./transport.ts";

export type MezmoOptions = {
  /** Without a path it gets `/logs/ingest`. */
  readonly url: string;
  /** Read for every request, so that a new key needs no restart. */
  readonly keyFile: string;
  readonly hostName: string;
  readonly timeoutMs?: number | undefined;
};

const APP = "logveil";

/**
 * Mezmo's ingestion API. The key goes in a header field and never in a URL. Of 207 (each line has a status) only those are sent again
 * that may yet be taken. Batches are far below its 10 MB.
 */
export function createMezmoTransport(options: MezmoOptions, clock: Clock): Transport {
  const base = withPath(options.url, "/logs/ingest");
  return {
    name: "mezmo",
    send: async (entries, signal) => {
      const apikey = await readKeyFile(options.keyFile).catch(() => undefined);
      if (apikey === undefined) return { kind: "refused", status: 0 };
      const url = new URL(base);
      url.searchParams.set("hostname", options.hostName);
      // Their clock minus this is what they move the lines by.
      url.searchParams.set("now", String(Math.floor(clock.now())));
      const body = await promisify(gzip)(JSON.stringify({ lines: entries.map(lineOf) }));
      const answer = await post({
        url: url.href,
        headers: { apikey, "content-type": "application/json", "content-encoding": "gzip" },
        body,
        signal,
        timeoutMs: options.timeoutMs,
      });
      if (answer?.status === 207) return outcomeOfEach(entries, answer.text);
      return outcomeOf(answer, clock);
    },
  };
}

function lineOf({ happenedAtMs, id, line }: Entry) {
  return { timestamp: happenedAtMs, line, app: APP, level: "INFO", meta: { id } };
}

/** An answer without an HTTP status for each line says nothing of any: smaller batches may tell more. */
function outcomeOfEach(entries: readonly Entry[], text: string): Outcome {
  const { status, statuses, lines } = membersOf(text);
  const each = [status, statuses, lines].find((list) => Array.isArray(list));
  if (each?.length !== entries.length) return { kind: "rejected" };
  const codes = each.map((one) => numberOf(Object(one).status ?? Object(one).code ?? one));
  if (!codes.every((code) => code >= 200 && code < 600)) return { kind: "rejected" };
  const isPassing = (code: number) => code >= 500 || code === 429 || code === 408;
  const again = entries.filter((_, at) => isPassing(codes[at] ?? 0));
  const rejected = codes.filter((code) => code >= 300 && !isPassing(code)).length;
  return again.length === 0 ? { kind: "delivered", rejected } : { kind: "partly", again, rejected };
}

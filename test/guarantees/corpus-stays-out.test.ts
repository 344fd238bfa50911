// What the scrubber's corpus plants, sent through a whole logveil: in every format of the log, in every answer, in its own messages.

import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { expect } from "chai";
import { closeServer, listen } from "../kit/loopback.ts";
import { exchangeRaw, head } from "../kit/raw-client.ts";
import { startRunningSidecar } from "../kit/running-sidecar.ts";
import type { RunningSidecar } from "../kit/running-sidecar.ts";
import { KINDS, readCorpus } from "../scrub/corpus.ts";
import type { Line } from "../scrub/corpus.ts";

/** Shorter ones ("Ada") stand in any log by chance; test/scrub/corpus.test.ts has them line by line. */
const MIN_LENGTH = 7;

describe("guarantee: what the corpus plants stays out", () => {
  const lines = KINDS.flatMap((kind) => readCorpus(kind)).filter(
    ({ planted = "" }) => planted.length >= MIN_LENGTH,
  );

  it("has enough of every place", () => {
    const places = Map.groupBy(lines, ({ where }) => where);
    for (const place of ["path", "query", "text"])
      expect(places.get(place)?.length, place).to.be.greaterThan(150);
  });

  for (const format of ["json", "ecs", "combined"])
    it(`of a log in the format ${format}, of every answer and of every message`, async () => {
      await using sidecar = await startRunningSidecar({
        upstream: `http://127.0.0.1:${String(await closedPort())}`,
        settings: { accessLog: { format } },
      });
      const answers: string[] = [];
      for (const line of lines)
        answers.push(
          line.where === "text"
            ? await ingest(sidecar, line.sent)
            : await exchangeRaw(sidecar.proxyPort, requestOf(line)),
        );
      await sidecar.close();
      const log = await readFile(sidecar.files.accessLog, "utf8");
      const events = await readFile(sidecar.files.eventLog, "utf8");
      expect(log.split("\n").length - 1, "each has its line").to.be.at.least(lines.length);
      const all = readingsOf([log, events, ...answers].join("\n"));
      const found = lines.filter(({ planted = "" }) => all.some((text) => text.includes(planted)));
      expect(found.map(({ file, sent }) => `${file}: ${sent}`)).to.deep.equal([]);
    }).timeout(60_000);
});

/** Nobody listens there, so that each answer is an error of logveil's own. */
async function closedPort(): Promise<number> {
  const server = createServer();
  const { port } = await listen(server);
  await closeServer(server);
  return port;
}

function requestOf({ where, sent }: Line): string {
  const target = where === "path" ? sent : where === "query" ? `/?${sent}` : "/";
  const host = where === "host" ? sent : "shop.example";
  const referer = where === "referer" ? [`Referer: ${sent}`] : [];
  return head(`GET ${target} HTTP/1.1`, `Host: ${host}`, ...referer, "Connection: close");
}

async function ingest({ vaultUrl, rootToken }: RunningSidecar, line: string): Promise<string> {
  const response = await fetch(`${vaultUrl}/logs/ingest`, {
    method: "POST",
    headers: { "X-Bunker-Token": rootToken, "Content-Type": "application/json" },
    body: JSON.stringify({ lines: [{ line }] }),
  });
  const text = await response.text();
  expect(response.status, text).to.equal(200);
  return text;
}

/** As it is, and with its percents decoded once and twice. */
function readingsOf(text: string): readonly string[] {
  const once = decoded(text);
  return [text, once, decoded(once)];
}

function decoded(text: string): string {
  return text.replaceAll(/(?:%[\dA-Fa-f]{2})+/g, (bytes) =>
    Buffer.from(bytes.replaceAll("%", ""), "hex").toString("utf8"),
  );
}

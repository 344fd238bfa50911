import { readFile } from "node:fs/promises";
import { expect } from "chai";
import { startEchoUpstream } from "../kit/echo-upstream.ts";
import { runLogveil, writeConfiguration } from "../kit/sidecar-process.ts";
import { createTemporaryFolder } from "../kit/temporary-folder.ts";

const ROUNDS = 20;
const CLIENTS = 16;

describe("guarantee: crash safety", () => {
  it(`${String(ROUNDS)} times kill -9 under load: the store opens, and every token in the log resolves`, async function () {
    this.timeout(240_000);
    await using folder = await createTemporaryFolder();
    await using upstream = await startEchoUpstream();
    const config = await writeConfiguration(folder.path, upstream.url);
    const known = new Set<string>();
    for (let round = 0; round < ROUNDS; round += 1) {
      await using logveil = runLogveil(["serve", "--config", config]);
      const { proxyUrl, vaultUrl } = await logveil.ready();
      // What the last kill left; everything once more at the end.
      const fresh = (await readTokens(folder.path)).difference(known);
      await lookUpAll(fresh, folder.path, vaultUrl);
      for (const token of fresh) known.add(token);
      // Between 10 and 300 answers in, so that the kill meets writes in every phase.
      await visitUntil(proxyUrl, round, 10 + ((round * 7919) % 290));
      logveil.signal("SIGKILL");
      expect(await logveil.ended()).to.equal(null);
    }
    await using logveil = runLogveil(["serve", "--config", config]);
    const { vaultUrl } = await logveil.ready();
    const tokens = await readTokens(folder.path);
    expect(tokens.size).to.be.greaterThan(1000);
    await lookUpAll(tokens, folder.path, vaultUrl);
    logveil.signal("SIGTERM");
    expect(await logveil.ended()).to.equal(0);
  });
});

/** Every request is a client never seen before, so that each one writes a record; goes on until `answers` came back. */
async function visitUntil(proxyUrl: string, round: number, answers: number): Promise<void> {
  let answered = 0;
  const client = async (name: string) => {
    for (let visit = 0; answered < answers; visit += 1) {
      const agent = `visitor ${String(round)}/${name}/${String(visit)}`;
      await fetch(proxyUrl, { headers: { "User-Agent": agent } }).then((response) =>
        response.text(),
      );
      answered += 1;
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, (_, index) => client(String(index))));
}

/** The tokens of all whole lines; a line torn by the kill has no newline behind it, or no JSON in it. */
async function readTokens(folder: string): Promise<Set<string>> {
  const text = await readFile(`${folder}/access.log`, "utf8").catch(() => "");
  return new Set(text.split("\n").flatMap((line) => tokenOf(line) ?? []));
}

async function lookUpAll(tokens: Iterable<string>, folder: string, vaultUrl: string) {
  const rootToken = (await readFile(`${folder}/data/root.token`, "utf8")).trim();
  const waiting = [...tokens];
  const caller = async () => {
    for (let token = waiting.pop(); token !== undefined; token = waiting.pop()) {
      const response = await fetch(`${vaultUrl}/v1/session/${token}`, {
        headers: { "X-Bunker-Token": rootToken },
      });
      const body = (await response.json()) as { readonly data?: Readonly<Record<string, string>> };
      expect(response.status, "a token of the log").to.equal(200);
      expect(body.data?.["clientip"]).to.equal("127.0.0.1");
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, caller));
}

function tokenOf(line: string): string | undefined {
  try {
    return (JSON.parse(line) as Record<string, string>)["session.id"];
  } catch {
    return undefined;
  }
}

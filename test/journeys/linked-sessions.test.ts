import { join } from "node:path";
import { expect } from "chai";
import { systemClock } from "../../src/clock.ts";
import { loadConfiguration } from "../../src/config/load.ts";
import { createMetrics } from "../../src/metrics.ts";
import { openVaultHost } from "../../src/vault-host.ts";
import { openEventFile } from "../kit/event-file.ts";
import { eventually } from "../kit/eventually.ts";
import { addUser } from "../kit/known-user.ts";
import { startRunningSidecar } from "../kit/running-sidecar.ts";
import type { RunningSidecar } from "../kit/running-sidecar.ts";
import { createTemporaryFolder } from "../kit/temporary-folder.ts";
import { startWebServer } from "../kit/web-server.ts";

/** A user record in the store of a sidecar that does not run. */
async function addUserBeside(dataDir: string, login: string): Promise<string> {
  const text = JSON.stringify({ vault: { dataDir } });
  const loaded = loadConfiguration({ file: { name: "test.yaml", text }, env: {}, overrides: {} });
  const events = openEventFile(join(dataDir, "..", "user-events"));
  const { eventLog } = events;
  const surroundings = { clock: systemClock, eventLog, metrics: createMetrics() };
  const host = await openVaultHost(loaded, surroundings);
  const token = await addUser(
    { documents: host.store.documents, keyring: host.keyring },
    { login },
  );
  await host.close();
  events.close();
  return token;
}

type SessionPage = {
  readonly total: number;
  readonly rows: readonly {
    readonly session: string;
    readonly data: Readonly<Record<string, string>>;
  }[];
};

async function ask(sidecar: RunningSidecar, path: string, method = "GET") {
  const response = await fetch(`${sidecar.vaultUrl}${path}`, {
    method,
    headers: { "X-Bunker-Token": sidecar.rootToken },
  });
  return { status: response.status, body: (await response.json()) as SessionPage };
}

describe("journey: whose a session is", () => {
  it("is told by the upstream, hidden from the client, and found in list and log", async () => {
    await using folder = await createTemporaryFolder();
    const token = await addUserBeside(folder.file("data"), "ada");
    await using upstream = await startWebServer((request, response) => {
      if (request.url === "/in") response.setHeader("X-Databunker-User", token.toUpperCase());
      if (request.url === "/odd") response.setHeader("X-Databunker-User", "planted-canary@x.org");
      response.end("ok");
    });
    await using sidecar = await startRunningSidecar({
      upstream: upstream.url,
      folder: folder.path,
    });
    const visit = async (path: string, cookie: string) => {
      const response = await fetch(sidecar.proxyUrl + path, { headers: { Cookie: cookie } });
      expect(response.headers.has("x-databunker-user")).to.equal(false);
    };
    await visit("/before", "sid=a");
    await visit("/in", "sid=a");
    await visit("/after", "sid=a");
    await visit("/other", "sid=b");
    await visit("/odd", "sid=b");

    const lines = await sidecar.logLines(5);
    const pseudonyms = lines.map((line) => line["enduser.pseudo.id"]);
    expect(pseudonyms[1]).to.match(/^~user\.[a-z2-7]{8}$/);
    // The first line waits for its session's record, and may be written when the second answer has come already.
    expect(pseudonyms.slice(1)).to.deep.equal([pseudonyms[1], pseudonyms[1], undefined, undefined]);
    expect(JSON.stringify(lines)).not.to.include(token).and.not.to.include("canary");

    const uuid = String(lines[0]?.["session.id"]);
    const rows = await eventually("the session in the list", async () => {
      const { body } = await ask(sidecar, `/v1/sessions/token/${token}`);
      return body.total === 0 ? undefined : body.rows;
    });
    expect(rows.map(({ session }) => session)).to.deep.equal([uuid]);
    expect(rows[0]?.data).to.include({ clientip: "127.0.0.1", cookie: "sid=a" });
  });

  it("does not keep an erased session from being stored again by the client's next request", async () => {
    await using upstream = await startWebServer((_request, response) => response.end("ok"));
    await using sidecar = await startRunningSidecar({ upstream: upstream.url });
    const visit = async () => {
      await (await fetch(sidecar.proxyUrl, { headers: { Cookie: "sid=a" } })).text();
    };
    await visit();
    const uuid = String((await sidecar.logLines(1))[0]?.["session.id"]);
    expect((await ask(sidecar, `/v1/session/${uuid}`)).status).to.equal(200);
    expect((await ask(sidecar, `/v1/session/${uuid}`, "DELETE")).status).to.equal(200);
    expect((await ask(sidecar, `/v1/session/${uuid}`)).status).to.equal(405);
    await visit();
    expect((await sidecar.logLines(2))[1]?.["session.id"]).to.equal(uuid);
    expect((await ask(sidecar, `/v1/session/${uuid}`)).status).to.equal(200);
  });
});

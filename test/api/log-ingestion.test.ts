import { readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { expect } from "chai";
import { apacheTime } from "../ingest/cleaning.ts";
import { startEchoUpstream } from "../kit/echo-upstream.ts";
import { findPerson, PEOPLE } from "../kit/people.ts";
import { startRunningSidecar } from "../kit/running-sidecar.ts";
import type { RunningSidecar } from "../kit/running-sidecar.ts";

const [{ email, ipv4, phone, userAgent }] = PEOPLE;

describe("POST /logs/ingest", () => {
  let upstream: Awaited<ReturnType<typeof startEchoUpstream>>;
  let sidecar: RunningSidecar;
  let token: string;
  before(async () => {
    upstream = await startEchoUpstream();
    sidecar = await startRunningSidecar({ upstream: upstream.url });
    const response = await fetch(`${sidecar.vaultUrl}/v1/caller`, {
      method: "POST",
      headers: { "X-Bunker-Token": sidecar.rootToken, "Content-Type": "application/json" },
      body: JSON.stringify({ name: "shop", role: "app" }),
    });
    ({ xtoken: token } = (await response.json()) as { xtoken: string });
  });
  after(async () => {
    await sidecar[Symbol.asyncDispose]();
    await upstream.close();
  });

  const access = (path: string) =>
    `${ipv4} - ada [${apacheTime(Date.now())}] "GET ${path} HTTP/1.1" 200 5 "-" "${userAgent}"`;
  const send = (
    body: unknown,
    { headers = { "X-Bunker-Token": token }, query = "" }: { readonly headers?: Readonly<Record<string, string>>; readonly query?: string } = {}, // prettier-ignore
  ) =>
    fetch(`${sidecar.vaultUrl}/logs/ingest${query}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...headers },
      body: typeof body === "string" || body instanceof Uint8Array ? Buffer.from(body) : JSON.stringify(body), // prettier-ignore
    });
  let seen = 0;
  const next = async (count: number) => {
    const lines = (await sidecar.logLines(seen + count)).slice(seen);
    seen += count;
    return lines;
  };

  it("takes a batch of Mezmo's: access logs become requests, text is scrubbed, nothing else is read", async () => {
    const body = {
      lines: [
        { line: access("/a"), app: "nginx", meta: { email } },
        { line: `mail to ${email} or ${phone}`, timestamp: 1_770_681_600_000, app: email, level: "INFO" }, // prettier-ignore
        { line: JSON.stringify({ time: new Date().toISOString(), remote_addr: ipv4, request: "GET /b HTTP/1.1", status: 404, http_user_agent: userAgent }) }, // prettier-ignore
      ],
    };
    const response = await send(body, { query: `?hostname=${email}&ip=${ipv4}&mac=00:11&now=1` });
    expect(response.status).to.equal(200);
    expect(await response.json())
      .to.include({ status: "ok" })
      .and.to.have.property("batchID");
    const [first, text, second] = await next(3);
    expect(first).to.include({ "url.path": "/a", "user_agent.name": "Chrome" });
    expect(text).to.include({ time: "2026-02-10T00:00:00.000Z" });
    expect(text?.["message"]).to.match(/^mail to ~email\.\w+ or ~phone\.\w+$/);
    expect(second).to.include({ "url.path": "/b", "session.id": first?.["session.id"] });
    const { body: found } = await sidecar.lookUp(String(first?.["session.id"]));
    expect(found.data).to.include({ clientip: ipv4 });
    expect(findPerson(await readFile(sidecar.files.accessLog))).to.deep.equal([]);
  });

  it("takes lines of newline-delimited JSON, and of text", async () => {
    const ndjson = `${JSON.stringify({ line: access("/c") })}\r\n\n${JSON.stringify({ time: Date.now(), remote_addr: ipv4, uri: "/d", status: 200 })}\n`; // prettier-ignore
    const as = (type: string) => ({ headers: { "X-Bunker-Token": token, "Content-Type": type } });
    expect((await send(ndjson, as("application/x-ndjson; charset=UTF-8"))).status).to.equal(200);
    expect((await send(`${access("/e")}\n${access("/f")}`, as("text/plain"))).status).to.equal(200);
    const paths = (await next(4)).map((line) => line["url.path"]);
    expect(paths).to.deep.equal(["/c", "/d", "/e", "/f"]);
  });

  it("takes gzip, and the token where Mezmo's agents put their key", async () => {
    const packed = gzipSync(JSON.stringify({ lines: [{ line: access("/g") }] }));
    for (const headers of [
      { apikey: token },
      { Authorization: `Basic ${Buffer.from(`${token}:`).toString("base64")}` },
      { Authorization: `Bearer ${token}` },
    ] as readonly Readonly<Record<string, string>>[])
      expect((await send(packed, { headers: { ...headers, "Content-Encoding": "gzip" } })).status).to.equal(200); // prettier-ignore
    expect(await next(3)).to.have.length(3);
    const inUrl = await send(
      { lines: [{ line: "x" }] },
      { headers: {}, query: `?apikey=${token}` },
    );
    expect(inUrl.status).to.equal(403);
  });

  it("is one event a batch, with how many lines it had and none of them", async () => {
    const trail = async () => {
      const response = await fetch(`${sidecar.vaultUrl}/v1/audit/admin?title=ingest+log+lines&limit=1`, { headers: { "X-Bunker-Token": sidecar.rootToken } }); // prettier-ignore
      return (await response.json()) as { readonly total: number; readonly rows: readonly { readonly msg: string }[] }; // prettier-ignore
    };
    const { total } = await trail();
    await send({ lines: [{ line: "one" }, { line: email }, { line: "" }] });
    const after = await trail();
    expect(after.total).to.equal(total + 1);
    expect(after.rows[0]?.msg).to.equal("2 lines");
    expect(JSON.stringify(after)).not.to.include(email);
    await next(2);
  });

  it("answers as Mezmo does what it does not take, and writes nothing of it", async () => {
    const refused: readonly (readonly [unknown, number])[] = [
      ["{", 400],
      ["[]", 400],
      ["", 400],
      [{ lines: 5 }, 400],
      [{ lines: [] }, 400],
      [{ lines: [5, null, {}] }, 400],
      [{ lines: [{ line: "x".repeat(11 * 1024 * 1024) }] }, 413],
    ];
    for (const [body, status] of refused) {
      const response = await send(body);
      expect(response.status, JSON.stringify(body).slice(0, 40)).to.equal(status);
      expect(await response.json()).to.include({ status: "error", code: "BadRequest" });
    }
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
    const headers = { "X-Bunker-Token": token, "Content-Encoding": "gzip" };
    expect((await send(bomb, { headers })).status).to.equal(413);
    expect(await sidecar.logLines(seen)).to.have.length(seen);
  });

  it("writes one line for one line, whatever breaks are in it", async () => {
    await send({ lines: [{ line: "a\nb\r\nc" }] });
    expect((await next(1))[0]).to.include({ message: "a b c" });
  });
});

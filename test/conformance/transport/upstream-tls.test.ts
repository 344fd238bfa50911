import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { request } from "node:http";
import type { IncomingMessage } from "node:http";
import { createServer } from "node:https";
import type { ServerOptions } from "node:https";
import type { TLSSocket } from "node:tls";
import { expect } from "chai";
import { WebSocket, WebSocketServer } from "ws";
import { eventually } from "../../kit/eventually.ts";
import { listen } from "../../kit/loopback.ts";
import { startRunningSidecar } from "../../kit/running-sidecar.ts";
import type { Settings } from "../../kit/running-sidecar.ts";
import { SELF_SIGNED, SELF_SIGNED_NAMED } from "../../kit/self-signed.ts";
import { createTemporaryFolder } from "../../kit/temporary-folder.ts";
import type { TemporaryFolder } from "../../kit/temporary-folder.ts";
import { writeCertificate } from "../../kit/tls-sidecar.ts";

type SecureUpstream = AsyncDisposable & {
  readonly url: string;
  /** What was asked for (SNI) on each connection, empty for none. */
  readonly names: readonly string[];
  /** Common names of the client certificates of each connection. */
  readonly clients: readonly string[];
};

/** A web server behind TLS that greets, and echoes WebSockets. */
async function startSecureUpstream(options: ServerOptions): Promise<SecureUpstream> {
  const names: string[] = [];
  const clients: string[] = [];
  const server = createServer({ ALPNProtocols: ["h2", "http/1.1"], ...options }, (_, response) =>
    response.end("behind TLS"),
  );
  server.on("secureConnection", (socket: TLSSocket) => {
    const { servername } = socket as TLSSocket & { servername?: string | false };
    names.push(servername || "");
    clients.push(String(socket.getPeerCertificate().subject?.CN ?? ""));
  });
  server.on("tlsClientError", () => undefined);
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket) => socket.on("message", (text) => socket.send(text)));
  const { port } = await listen(server);
  return {
    url: `https://127.0.0.1:${port}`,
    names,
    clients,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets.clients) socket.terminate();
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

const startTowards = (upstream: string, upstreamTls: Settings) =>
  startRunningSidecar({ upstream, settings: { proxy: { upstreamTls } } });

async function throughWebSocket(proxyUrl: string): Promise<string> {
  const socket = new WebSocket(proxyUrl.replace("http:", "ws:"), {
    headers: { Host: "other.example" },
  });
  await once(socket, "open");
  socket.send("a frame");
  const [message] = (await once(socket, "message")) as [Buffer];
  socket.terminate();
  return message.toString();
}

describe("transport: TLS towards the upstream", () => {
  let folder: TemporaryFolder;
  let ca: string;
  let namedCa: string;

  before(async () => {
    folder = await createTemporaryFolder();
    ca = folder.file("ca.pem");
    namedCa = folder.file("named-ca.pem");
    await writeFile(ca, SELF_SIGNED.cert);
    await writeFile(namedCa, SELF_SIGNED_NAMED.cert);
  });
  after(() => folder.remove());

  it("checks the upstream's certificate against the authority, for requests and WebSockets", async () => {
    await using upstream = await startSecureUpstream(SELF_SIGNED);
    await using sidecar = await startTowards(upstream.url, { ca });
    expect(await (await fetch(sidecar.proxyUrl)).text()).to.equal("behind TLS");
    expect(await throughWebSocket(sidecar.proxyUrl)).to.equal("a frame");
  });

  it("answers 502 when nobody vouches for it, and sends it nothing", async () => {
    await using upstream = await startSecureUpstream(SELF_SIGNED);
    for (const upstreamTls of [{}, { ca: namedCa }]) {
      await using sidecar = await startTowards(upstream.url, upstreamTls);
      const response = await fetch(sidecar.proxyUrl);
      expect(response.status).to.equal(502);
      expect(await response.json()).to.include({ code: "upstream_unreachable" });
      const refused = await throughWebSocket(sidecar.proxyUrl).catch((error: unknown) => error);
      expect(String(refused)).to.include("502");
    }
  });

  it("checks nothing with verify off", async () => {
    await using upstream = await startSecureUpstream(SELF_SIGNED_NAMED);
    await using sidecar = await startTowards(upstream.url, { verify: "off" });
    expect((await fetch(sidecar.proxyUrl)).status).to.equal(200);
    expect(await throughWebSocket(sidecar.proxyUrl)).to.equal("a frame");
  });

  it("asks for and checks the configured name, never the client's Host", async () => {
    await using upstream = await startSecureUpstream(SELF_SIGNED_NAMED);
    {
      await using sidecar = await startTowards(upstream.url, { ca: namedCa });
      // The certificate is for app.example; that a client says so must not make it good.
      expect(await askWithHost(sidecar.proxyPort, "app.example")).to.equal(502);
    }
    await using sidecar = await startTowards(upstream.url, {
      ca: namedCa,
      serverName: "app.example",
    });
    for (const host of ["one.example", "two.example", "one.example"]) {
      expect(await askWithHost(sidecar.proxyPort, host)).to.equal(200);
    }
    // One connection for all of them.
    expect(upstream.names.filter((name) => name !== "")).to.deep.equal(["app.example"]);
    expect(await throughWebSocket(sidecar.proxyUrl)).to.equal("a frame");
    expect(upstream.names.at(-1)).to.equal("app.example");
  });

  it("shows its own certificate to an upstream that asks, a new one after a reload", async () => {
    await using upstream = await startSecureUpstream({
      ...SELF_SIGNED,
      requestCert: true,
      rejectUnauthorized: true,
      ca: [SELF_SIGNED.cert, SELF_SIGNED_NAMED.cert],
    });
    {
      await using sidecar = await startTowards(upstream.url, { ca });
      expect((await fetch(sidecar.proxyUrl)).status).to.equal(502);
    }
    const files = await writeCertificate(folder.path, SELF_SIGNED_NAMED);
    await using sidecar = await startTowards(upstream.url, { ca, ...files });
    expect((await fetch(sidecar.proxyUrl)).status).to.equal(200);
    expect(await throughWebSocket(sidecar.proxyUrl)).to.equal("a frame");
    expect(upstream.clients.slice(-2)).to.deep.equal(["app.example", "app.example"]);
    await writeCertificate(folder.path, SELF_SIGNED);
    await sidecar.sidecar.reloadCertificates();
    expect(await throughWebSocket(sidecar.proxyUrl)).to.equal("a frame");
    expect(upstream.clients.at(-1)).to.equal("127.0.0.1");
    await writeFile(files.key, "no key");
    await sidecar.sidecar.reloadCertificates();
    expect(await throughWebSocket(sidecar.proxyUrl)).to.equal("a frame");
    await eventually("both reloads", () => upstream.clients.at(-1) === "127.0.0.1" || undefined);
  });
});

/** The status; fetch would set Host itself. */
async function askWithHost(port: number, host: string): Promise<number> {
  const asked = request({ host: "127.0.0.1", port, headers: { Host: host }, agent: false }).end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  response.resume();
  await once(response, "end");
  return response.statusCode ?? 0;
}

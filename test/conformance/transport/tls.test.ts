import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { expect } from "chai";
import { switchProtocols } from "../../kit/answers.ts";
import { startEchoUpstream } from "../../kit/echo-upstream.ts";
import { eventually } from "../../kit/eventually.ts";
import { openHttp2Client } from "../../kit/http2-client.ts";
import { askHttps, connectTls } from "../../kit/https-client.ts";
import { exchangeRaw, head, openRawClient } from "../../kit/raw-client.ts";
import { startRecordingUpstream } from "../../kit/recording-upstream.ts";
import { startRunningSidecar } from "../../kit/running-sidecar.ts";
import { SELF_SIGNED, SELF_SIGNED_NAMED } from "../../kit/self-signed.ts";
import { runLogveil, writeConfiguration } from "../../kit/sidecar-process.ts";
import { createTemporaryFolder } from "../../kit/temporary-folder.ts";
import { startTlsSidecar, writeCertificate } from "../../kit/tls-sidecar.ts";

describe("transport: TLS in front", () => {
  it("serves HTTP/1.1 to who does not ask for HTTP/2, under the same token", async () => {
    await using upstream = await startRecordingUpstream();
    await using sidecar = await startTlsSidecar(upstream.url);
    const headers = { "User-Agent": "agent/1" };
    expect(await askHttps(sidecar.proxyPort, "/one", { headers })).to.include({ status: 200 });
    await using client = await openHttp2Client(sidecar.proxyPort);
    await client.ask({ ":path": "/two", "user-agent": "agent/1" });
    const lines = await sidecar.logLines(2);
    expect(lines.map((line) => line["network.protocol.version"])).to.deep.equal(["1.1", "2"]);
    expect(lines[0]?.["session.id"]).to.equal(lines[1]?.["session.id"]);
    expect((await upstream.request(0)).head.toString()).to.include("X-Forwarded-Proto: https\r\n");
  });

  it("carries WebSocket over HTTP/1.1", async () => {
    await using upstream = await startRecordingUpstream();
    upstream.answerWith(switchProtocols());
    await using sidecar = await startTlsSidecar(upstream.url);
    const socket = await connectTls(sidecar.proxyPort);
    socket.write(head("GET /ws HTTP/1.1", "Host: a", "Connection: Upgrade", "Upgrade: websocket"));
    const [answer] = (await once(socket, "data")) as [Buffer];
    expect(answer.toString()).to.match(/^HTTP\/1\.1 101 /);
    socket.write("frames");
    expect(String((await once(socket, "data"))[0])).to.equal("frames");
    socket.destroy();
    await upstream.idle();
    expect((await upstream.request(0)).head.toString()).to.match(/X-Forwarded-Proto: https/i);
  });

  it("speaks TLS 1.2 and 1.3, and nothing older", async () => {
    await using upstream = await startRecordingUpstream();
    await using sidecar = await startTlsSidecar(upstream.url);
    for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
      const socket = await connectTls(sidecar.proxyPort, {
        minVersion: version,
        maxVersion: version,
      });
      expect(socket.getProtocol()).to.equal(version);
      socket.destroy();
    }
    const old = await connectTls(sidecar.proxyPort, {
      minVersion: "TLSv1",
      maxVersion: "TLSv1.1",
      ciphers: "DEFAULT@SECLEVEL=0",
    }).catch((error: unknown) => error);
    expect(old).to.be.instanceOf(Error);
  });

  it("closes what is no handshake, without a line or an answer in clear", async () => {
    await using upstream = await startRecordingUpstream();
    await using sidecar = await startTlsSidecar(upstream.url);
    const request = head("GET / HTTP/1.1", "Host: a");
    expect(await exchangeRaw(sidecar.proxyPort, request)).not.to.include("HTTP/1.1");
    await askHttps(sidecar.proxyPort, "/after");
    const lines = await sidecar.logLines(1);
    expect(lines.map((line) => line["url.path"])).to.deep.equal(["/after"]);
  });

  it("gives up on a handshake that does not come", async () => {
    await using upstream = await startRecordingUpstream();
    await using sidecar = await startTlsSidecar(upstream.url, { timeouts: { headers: "50ms" } });
    await using client = await openRawClient(sidecar.proxyPort);
    client.send("\x16\x03\x01");
    await client.closed();
  });

  it("refuses what follows a malformed request over TLS, as in clear", async () => {
    await using upstream = await startRecordingUpstream();
    await using sidecar = await startTlsSidecar(upstream.url);
    const socket = await connectTls(sidecar.proxyPort);
    socket.write(
      "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nGET /evil HTTP/1.1\r\nHost: a\r\n\r\n",
    );
    const [answer] = (await once(socket, "data")) as [Buffer];
    expect(answer.toString()).to.match(/^HTTP\/1\.1 400 /);
    socket.destroy();
    expect(upstream.requests.length).to.equal(0);
  });

  it("H14 the plain listener answers the preface of HTTP/2 with 400, and so does HTTP/1.1 over TLS", async () => {
    await using upstream = await startRecordingUpstream();
    await using plain = await startRunningSidecar({ upstream: upstream.url });
    const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    expect(await exchangeRaw(plain.proxyPort, preface)).to.match(/^HTTP\/1\.1 400 /);
    await using secure = await startTlsSidecar(upstream.url);
    const socket = await connectTls(secure.proxyPort);
    socket.write(preface);
    expect(String((await once(socket, "data"))[0])).to.match(/^HTTP\/1\.1 400 /);
    socket.destroy();
  });

  it("does not start with files that cannot be used, and says which kind of trouble it is", async () => {
    await using folder = await createTemporaryFolder();
    const tls = await writeCertificate(folder.path, {
      cert: SELF_SIGNED.cert,
      key: SELF_SIGNED_NAMED.key,
    });
    for (const [files, code] of [
      [tls, "certificate-invalid"],
      [{ ...tls, cert: folder.file("none.pem") }, "certificate-unreadable"],
    ] as const) {
      const config = await writeConfiguration(folder.path, "http://127.0.0.1:1", {
        proxy: { listen: "127.0.0.1:0", tls: files },
      });
      await using logveil = runLogveil(["serve", "--config", config]);
      expect(await logveil.ended()).not.to.equal(0);
      expect(logveil.stderr()).to.include(code);
    }
  });

  it("reads its certificate again on SIGHUP, keeps the old one when the new one is of no use", async () => {
    await using folder = await createTemporaryFolder();
    await using upstream = await startEchoUpstream();
    const tls = await writeCertificate(folder.path);
    const config = await writeConfiguration(folder.path, upstream.url, {
      proxy: { listen: "127.0.0.1:0", upstream: upstream.url, tls },
    });
    await using logveil = runLogveil(["serve", "--config", config]);
    const { proxyUrl, vaultUrl } = await logveil.ready();
    const port = Number(new URL(proxyUrl).port);
    const shown = async () => {
      const socket = await connectTls(port, { rejectUnauthorized: false });
      const { subject } = socket.getPeerCertificate();
      socket.destroy();
      return subject.CN;
    };
    const said = (event: string) =>
      eventually(event, () => logveil.stderr().includes(`"${event}"`) || undefined);
    const metric = async () =>
      /^logveil_config_last_reload_successful (\d)$/m.exec(
        await (await fetch(`${vaultUrl}/metrics`)).text(),
      )?.[1];
    const held = await connectTls(port);
    expect(await shown()).to.equal("127.0.0.1");
    await writeFile(tls.cert, SELF_SIGNED_NAMED.cert);
    logveil.signal("SIGHUP");
    await said("tls.reload-failed");
    expect(await shown()).to.equal("127.0.0.1");
    expect(await metric()).to.equal("0");
    await writeFile(tls.key, SELF_SIGNED_NAMED.key);
    logveil.signal("SIGHUP");
    await said("tls.reloaded");
    expect(await shown()).to.equal("app.example");
    expect(await metric()).to.equal("1");
    held.write(head("GET / HTTP/1.1", "Host: a"));
    expect(String((await once(held, "data"))[0])).to.match(/^HTTP\/1\.1 200 /);
    held.destroy();
  });
});

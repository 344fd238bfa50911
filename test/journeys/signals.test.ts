import { rename, readFile } from "node:fs/promises";
import { expect } from "chai";
import { respond, respondWhen } from "../kit/answers.ts";
import { eventually } from "../kit/eventually.ts";
import { startRecordingUpstream } from "../kit/recording-upstream.ts";
import { readLogLines } from "../kit/running-sidecar.ts";
import { runLogveil, writeConfiguration } from "../kit/sidecar-process.ts";
import { createTemporaryFolder } from "../kit/temporary-folder.ts";

describe("journey: signals", () => {
  it("SIGHUP opens the access log anew, for who has renamed it", async () => {
    await using folder = await createTemporaryFolder();
    await using upstream = await startRecordingUpstream();
    const config = await writeConfiguration(folder.path, upstream.url);
    await using logveil = runLogveil(["serve", "--config", config]);
    const { proxyUrl } = await logveil.ready();
    const log = folder.file("access.log");
    await fetch(`${proxyUrl}/before`);
    await readLogLines(log, 1);
    await rename(log, folder.file("renamed.log"));
    logveil.signal("SIGHUP");
    await eventually(
      "it has reopened",
      () => logveil.stderr().includes("access-log.reopened") || undefined,
    );
    await fetch(`${proxyUrl}/after`);
    const [line] = await readLogLines(log, 1);
    expect(line?.["url.path"]).to.equal("/after");
    expect(await readFile(folder.file("renamed.log"), "utf8"))
      .to.include("/before")
      .and.to.not.include("/after");
  });

  it("SIGTERM finishes what runs, writes its lines and ends with 0", async () => {
    await using folder = await createTemporaryFolder();
    await using upstream = await startRecordingUpstream();
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    upstream.answerWith(respondWhen(released, respond({ body: "finished" })));
    const config = await writeConfiguration(folder.path, upstream.url);
    await using logveil = runLogveil(["serve", "--config", config]);
    const { proxyUrl, vaultUrl } = await logveil.ready();
    const answers = Array.from({ length: 20 }, () =>
      fetch(proxyUrl).then((response) => response.text()),
    );
    await upstream.request(0);
    await eventually(
      "all requests are with the upstream",
      () => upstream.openConnections() === 20 || undefined,
    );
    logveil.signal("SIGTERM");
    await eventually(
      "readiness fails first",
      async () => (await fetch(`${vaultUrl}/readyz`)).status === 503 || undefined,
    );
    release();
    expect(await Promise.all(answers)).to.deep.equal(Array.from({ length: 20 }, () => "finished"));
    expect(await logveil.ended()).to.equal(0);
    expect((await readLogLines(folder.file("access.log"), 20)).length).to.equal(20);
    expect(logveil.stdout()).to.equal("");
  });

  it("the settings of the environment beat the file, and those of the command line both", async () => {
    await using folder = await createTemporaryFolder();
    await using upstream = await startRecordingUpstream();
    const config = await writeConfiguration(folder.path, "http://127.0.0.1:1");
    const environment = {
      LOGVEIL_PROXY_UPSTREAM: "http://127.0.0.1:2",
      LOGVEIL_ACCESS_LOG_OUTPUTS: "stdout",
    };
    await using logveil = runLogveil(
      ["serve", "--config", config, "--upstream", upstream.url],
      environment,
    );
    const { proxyUrl } = await logveil.ready();
    expect((await fetch(proxyUrl)).status).to.equal(200);
    await eventually(
      "the line is on standard output",
      () => logveil.stdout().includes('"session.id"') || undefined,
    );
    expect(logveil.stdout().trim().split("\n").length).to.equal(1);
  });
});

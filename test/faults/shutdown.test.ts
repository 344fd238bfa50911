import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { expect } from "chai";
import { eventually } from "../kit/eventually.ts";
import { readLogLines } from "../kit/running-sidecar.ts";
import { runLogveil, writeConfiguration } from "../kit/sidecar-process.ts";
import { createTemporaryFolder } from "../kit/temporary-folder.ts";
import { startWebServer } from "../kit/web-server.ts";
import { expectNobody, PLANTED_HEADERS, PLANTED_PATH } from "./planted.ts";
import type { VisitReport } from "./visiting-child.ts";

const CONNECTIONS = 32;

/** The client process; it is gone at the end of the test whatever became of it. */
function startVisitors(proxyUrl: string) {
  const args = [join(import.meta.dirname, "visiting-child.ts"), new URL(proxyUrl).port];
  const child = spawn(process.execPath, [...args, String(CONNECTIONS)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "close");
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const nextLine = async () => String((await lines.next()).value);
  return {
    visiting: nextLine,
    report: async () => JSON.parse(await nextLine()) as VisitReport,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

describe("fault: SIGTERM under load", () => {
  it("each request is answered whole or was never taken; readiness fails first; exit 0, nothing broken off", async () => {
    await using folder = await createTemporaryFolder();
    const release = Promise.withResolvers<void>();
    const seen = new Set<string>();
    await using upstream = await startWebServer((request, response) => {
      const url = request.url ?? "";
      seen.add(url);
      const answer = () => response.setHeader("Content-Length", 5).end("whole");
      request.resume().on("end", () => {
        if (url.startsWith("/users/")) void release.promise.then(answer);
        else void delay(2).then(answer);
      });
    });
    const config = await writeConfiguration(folder.path, upstream.url);
    await using logveil = runLogveil(["serve", "--config", config]);
    const { proxyUrl, vaultUrl } = await logveil.ready();
    const long = fetch(proxyUrl + PLANTED_PATH, { headers: PLANTED_HEADERS });
    await eventually("the long request is under way", () => seen.size === 1 || undefined);
    await using visitors = startVisitors(proxyUrl);
    expect(await visitors.visiting()).to.equal("visiting");
    logveil.signal("SIGTERM");
    const report = await visitors.report();
    // Nobody is accepted any more; what began before is still finished, and who asks is told that.
    const readiness = await fetch(`${vaultUrl}/readyz`);
    expect([readiness.status, await readiness.text()].join(" ")).to.match(/^503 .*draining/);
    release.resolve();
    const answer = await long;
    expect([answer.status, await answer.text()]).to.deep.equal([200, "whole"]);
    expect(await logveil.ended()).to.equal(0);
    const whole = pathsOf(report, "whole");
    expect(whole.length).to.be.greaterThan(CONNECTIONS * 3);
    expect(pathsOf(report, "broken"), "answers that broke off").to.deep.equal([]);
    const lost = pathsOf(report, "untouched").filter((path) => seen.has(path));
    expect(lost, "requests that the upstream saw and nobody was told of").to.deep.equal([]);
    expect(logveil.stderr()).to.match(/"sidecar.stopped","aborted":0/);
    const lines = await readLogLines(folder.file("access.log"), whole.length + 1);
    expect(lines.length).to.equal(whole.length + 1);
    expect(new Set(lines.map((line) => line["http.response.status_code"]))).to.deep.equal(
      new Set([200]),
    );
    expectNobody(folder.path, logveil.stderr());
  });

  it("what does not finish within the drain time is broken off and counted, and the end is still an orderly one", async () => {
    await using folder = await createTemporaryFolder();
    const seen = new Set<string>();
    await using upstream = await startWebServer(({ url = "" }) => void seen.add(url));
    const config = await writeConfiguration(folder.path, upstream.url, {
      proxy: { listen: "127.0.0.1:0", upstream: upstream.url, timeouts: { drain: "500ms" } },
    });
    await using logveil = runLogveil(["serve", "--config", config]);
    const { proxyUrl } = await logveil.ready();
    const hanging = fetch(proxyUrl + PLANTED_PATH, { headers: PLANTED_HEADERS }).then(
      () => "answered",
      () => "broken",
    );
    await eventually("the request is under way", () => seen.size === 1 || undefined);
    logveil.signal("SIGTERM");
    expect(await logveil.ended()).to.equal(0);
    expect(await hanging).to.equal("broken");
    expect(logveil.stderr()).to.match(/"sidecar.stopped","aborted":1/);
    const [line] = await readLogLines(folder.file("access.log"), 1);
    expect(line).to.include({ "http.response.status_code": 503, "error.type": "shutting_down" });
    expectNobody(folder.path, logveil.stderr());
  });
});

function pathsOf(report: VisitReport, sought: string): readonly string[] {
  return report.filter(([, outcome]) => outcome === sought).map(([path]) => path);
}

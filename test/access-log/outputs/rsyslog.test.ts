import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { expect } from "chai";
import { eventually } from "../../kit/eventually.ts";
import { createTemporaryFolder } from "../../kit/temporary-folder.ts";
import type { TemporaryFolder } from "../../kit/temporary-folder.ts";
import { STARTED_AT_MS } from "../exchanges.ts";
import { linesOf, numbers, openNetworkLog, settled } from "./opened-network-log.ts";

/** What rsyslog has understood of a message, one a line. */
const TEMPLATE =
  "%syslogfacility-text%.%syslogseverity-text% %timestamp:::date-rfc3339% %app-name% %msgid% %structured-data% %msg%\\n";

type Rsyslog = AsyncDisposable & { readonly port: number };

describe("access-log outputs: rsyslog", () => {
  it("understands and keeps every message, once each, over a restart of its own", async function () {
    await using folder = await createTemporaryFolder();
    const first = await startRsyslog(folder);
    if (first === undefined) {
      if (this.test) this.test.title += " (skipped: no rsyslogd here)";
      return this.skip();
    }
    const { port } = first;
    await using opened = await openNetworkLog([{ kind: "syslog", host: "127.0.0.1", port }]);
    opened.write(0, 1000);
    await settled(opened, "syslog");
    await first[Symbol.asyncDispose]();
    opened.write(1000, 2500);
    await eventually("the outage is said", () => {
      opened.clock.advance(60_000);
      return opened.events().includes("access-log.output-away") ? true : undefined;
    });
    await using second = await startRsyslog(folder, port);
    expect(second?.port).to.equal(port);
    await settled(opened, "syslog");
    const lines = await eventually("all are in its file", async () => {
      const text = await readFile(folder.file("kept.log"), "utf8").catch(() => "");
      const found = text.split("\n").slice(0, -1);
      return found.length >= 2500 ? found : undefined;
    });
    const head = /^local0\.info (\S+) logveil access \[logveil@32473 id="[\w-]+"\] +(\{.*\})$/;
    const parsed = lines.map((line) => head.exec(line) ?? []);
    const ids = parsed.map(([, , json = "{}"]) => Number(JSON.parse(json)["http.request.id"]));
    expect(ids).to.deep.equal(numbers(0, 2500));
    expect(Date.parse(parsed[0]?.[1] ?? "")).to.equal(STARTED_AT_MS);
    expect(await linesOf(opened.metrics, "syslog")).to.deep.include({ written: 2500, dropped: 0 });
  });
});

/** Undefined where there is no rsyslogd. */
async function startRsyslog(folder: TemporaryFolder, port = 0): Promise<Rsyslog | undefined> {
  const config = folder.file("rsyslog.conf");
  const portFile = folder.file(`port-${String(port)}`);
  await writeFile(
    config,
    `global(workDirectory="${folder.path}" maxMessageSize="64k")
module(load="imtcp")
template(name="understood" type="string" string="${TEMPLATE}")
ruleset(name="keep") { action(type="omfile" file="${folder.file("kept.log")}" template="understood") }
input(type="imtcp" address="127.0.0.1" port="${String(port)}" listenPortFileName="${portFile}" ruleset="keep")
`,
  );
  const options = ["-n", "-f", config, "-i", folder.file("rsyslog.pid")];
  const environment = { PATH: `${process.env["PATH"] ?? ""}:/usr/sbin` };
  const child = spawn("rsyslogd", options, { env: environment, stdio: "ignore" });
  const isThere = await Promise.race([
    once(child, "spawn").then(
      () => true,
      () => false,
    ),
    once(child, "error").then(() => false),
  ]);
  if (!isThere) return undefined;
  const dispose = () => end(child);
  // Of a port that it was told it writes no file; who sends there tries again.
  if (port > 0) return { port, [Symbol.asyncDispose]: dispose };
  try {
    const bound = await eventually("rsyslogd listens", async () => {
      const text = await readFile(portFile, "utf8").catch(() => "");
      return text.trim() === "" ? undefined : Number(text);
    });
    return { port: bound, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.kill("SIGTERM");
  await exit;
}

import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { expect } from "chai";
import { createHandClock } from "../kit/hand-clock.ts";
import { startRecordingUpstream } from "../kit/recording-upstream.ts";
import { readLogLines, startRunningSidecar } from "../kit/running-sidecar.ts";
import { runLogveil, writeConfiguration } from "../kit/sidecar-process.ts";
import { createTemporaryFolder } from "../kit/temporary-folder.ts";
import type { TemporaryFolder } from "../kit/temporary-folder.ts";
import { startAddressedServer } from "./addressed-server.ts";
import { expectNobody, PLANTED_HEADERS, PLANTED_PATH } from "./planted.ts";

const [OLD, NEW] = ["127.61.4.1", "127.61.4.2"];
const NAME = "upstream.example";
/** In a view of the file system of its own, in which /etc/hosts is a file of the test: the machine's is left alone. */
const WITH_HOSTS = (hosts: string) => [
  "unshare",
  "--mount",
  "sh",
  "-c",
  'mount --bind "$0" /etc/hosts && exec "$@"',
  hosts,
];

describe("fault: the upstream's name changes its address", () => {
  let folder: TemporaryFolder;
  let hosts: string;
  const pointTo = (address: string) => writeFileSync(hosts, `${address} ${NAME}\n`);

  beforeEach(async () => {
    folder = await createTemporaryFolder();
    hosts = folder.file("hosts");
    pointTo(OLD);
  });

  afterEach(() => folder.remove());

  it("the next connection looks the name up again: a server that moved is found without a failed request", async function () {
    if (spawnSync(...runnable([...WITH_HOSTS(hosts), "true"])).status !== 0) {
      if (this.test)
        this.test.title += " (skipped: only root can give a process its own /etc/hosts)";
      this.skip();
    }
    await using before = await startAddressedServer(OLD);
    const config = await writeConfiguration(folder.path, `http://${NAME}:${String(before.port)}`);
    await using logveil = runLogveil(["serve", "--config", config], {}, WITH_HOSTS(hosts));
    const { proxyUrl } = await logveil.ready();
    const visit = async () => {
      const response = await fetch(proxyUrl + PLANTED_PATH, { headers: PLANTED_HEADERS });
      return `${String(response.status)} ${await response.text()}`;
    };
    expect(await visit()).to.equal(`200 ${OLD}`);
    await using after = await startAddressedServer(NEW, before.port);
    pointTo(NEW);
    expect(await visit(), "a connection that stands is used on").to.equal(`200 ${OLD}`);
    await before.close();
    expect(await visit()).to.equal(`200 ${NEW}`);
    expect(after.answered()).to.equal(1);
    const lines = await readLogLines(folder.file("access.log"), 3);
    expect(lines.map((line) => line["error.type"])).to.deep.equal([
      undefined,
      undefined,
      undefined,
    ]);
    expect(logveil.stderr()).to.not.include("upstream.unreachable");
    pointTo("127.61.4.3");
    await after.close();
    expect(await visit()).to.match(/^502 .*"upstream_unreachable"/);
    writeFileSync(hosts, "");
    expect(await visit(), "the name is gone").to.match(/^502 .*"upstream_unreachable"/);
    logveil.signal("SIGTERM");
    expect(await logveil.ended()).to.equal(0);
    expect(logveil.stderr()).to.not.include(NAME);
    expectNobody(folder.path, logveil.stderr());
  });

  it("a connection that is a minute old is given up, so that a name that moved is followed though the old address answers", async () => {
    await using upstream = await startRecordingUpstream();
    const clock = createHandClock();
    await using sidecar = await startRunningSidecar({ upstream: upstream.url, clock });
    const connectionOf = async (index: number) => {
      await (await fetch(sidecar.proxyUrl)).text();
      return (await upstream.request(index)).connection;
    };
    const first = await connectionOf(0);
    expect(await connectionOf(1)).to.equal(first);
    clock.advance(59_000);
    expect(await connectionOf(2)).to.equal(first);
    clock.advance(2000);
    const second = await connectionOf(3);
    expect(second).to.not.equal(first);
    expect(await connectionOf(4)).to.equal(second);
    const events = readFileSync(sidecar.files.eventLog, "utf8");
    expect(events).to.not.include("upstream.");
  });
});

function runnable([command = "", ...args]: readonly string[]): [string, string[]] {
  return [command, args];
}

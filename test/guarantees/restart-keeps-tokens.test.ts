import { expect } from "chai";
import { createHandClock } from "../kit/hand-clock.ts";
import { startEchoUpstream } from "../kit/echo-upstream.ts";
import { startRunningSidecar } from "../kit/running-sidecar.ts";
import type { RunningSidecar } from "../kit/running-sidecar.ts";
import { createTemporaryFolder } from "../kit/temporary-folder.ts";

const DAY = 86_400_000;

describe("guarantee: a restart keeps tokens", () => {
  it("one client has one token within an epoch, whatever starts and stops; another one in the next", async () => {
    await using folder = await createTemporaryFolder();
    await using upstream = await startEchoUpstream();
    const clock = createHandClock();
    const settings = { accessLog: { file: { rotate: "3650d", keep: "3650d" } } };
    let visits = 0;
    const visit = async (sidecar: RunningSidecar, agent: string) => {
      visits += 1;
      await fetch(sidecar.proxyUrl, { headers: { "User-Agent": agent } });
      return String((await sidecar.logLines(visits)).at(-1)?.["session.id"]);
    };
    const during = async <Result>(use: (sidecar: RunningSidecar) => Promise<Result>) => {
      const options = { upstream: upstream.url, clock, settings, folder: folder.path };
      await using sidecar = await startRunningSidecar(options);
      return await use(sidecar);
    };

    const first = await during((sidecar) => visit(sidecar, "one/1"));
    clock.advance(1000);
    const other = await during((sidecar) => visit(sidecar, "two/2"));
    const again = await during((sidecar) => visit(sidecar, "one/1"));
    expect(again).to.equal(first);
    expect(other).to.not.equal(first);

    await during(async (sidecar) => {
      const { body } = await sidecar.lookUp(first);
      expect(body.data?.["user-agent"]).to.equal("one/1");
      clock.advance(DAY);
      const next = await visit(sidecar, "one/1");
      expect(next.slice(0, 8)).to.not.equal(first.slice(0, 8));
      expect(next.slice(9), "the parts behind the epoch have nothing in common").to.not.equal(
        first.slice(9),
      );
      expect((await sidecar.lookUp(first)).status).to.equal(200);
    });
  });
});

import { expect } from "chai";
import { startEchoUpstream } from "./echo-upstream.ts";

describe("echo upstream", () => {
  it("tells what it was asked", async () => {
    await using upstream = await startEchoUpstream();
    const headers = { "X-Token": "t" };
    const init = { method: "PUT", headers, body: "Zoë" };
    const answer = await fetch(`${upstream.url}/a?b=c`, init);
    const [echo] = upstream.echoes;
    expect(echo).to.include({ method: "PUT", url: "/a?b=c", body: "Zoë" });
    expect(echo?.headers).to.include({ "x-token": "t" });
    expect(echo?.rawHeaders).to.include("t");
    expect(await answer.json()).to.deep.equal(echo);
  });
});

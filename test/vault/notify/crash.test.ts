import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { eventually } from "../../kit/eventually.ts";
import { createHandClock } from "../../kit/hand-clock.ts";
import { createTemporaryFolder } from "../../kit/temporary-folder.ts";
import { startWebhookReceiver } from "../../kit/webhook-receiver.ts";
import { openOutboxIn } from "./opened-outbox.ts";

const CHILD = fileURLToPath(new URL("delivering-child.ts", import.meta.url));

describe("outbox of a process that is killed", () => {
  it("loses nothing, and sends again under the same id what may have arrived", async () => {
    await using receiver = await startWebhookReceiver();
    const folder = await createTemporaryFolder();
    // The receiver has taken them, and the sender does not know it yet.
    receiver.answerNext("silence", "silence", "silence");
    const child = spawn(process.execPath, [CHILD, folder.path, receiver.url], { stdio: "ignore" });
    await eventually("three calls", () => receiver.calls[2]);
    child.kill("SIGKILL");
    await once(child, "exit");
    const clock = createHandClock();
    const webhook = { url: receiver.url, secret: "a long random text" };
    const opened = await openOutboxIn(folder, clock, { webhook });
    await opened.notifier.deliver();
    const [before, after] = [receiver.calls.slice(0, 3), receiver.calls.slice(3)].map((calls) =>
      calls.map(({ body }) => body).toSorted(),
    );
    expect(after).to.deep.equal(before);
    expect(new Set(after).size).to.equal(3);
    expect(await opened.waiting()).to.equal(0);
    await opened.close();
  });
});

import { expect } from "chai";
import { systemClock } from "../../src/clock.ts";
import { createEventLog } from "../../src/event-log.ts";
import { openKeyring } from "../../src/keys/keyring.ts";
import { createMetrics } from "../../src/metrics.ts";
import { createTokeniser } from "../../src/token/tokeniser.ts";
import type { SealedSession } from "../../src/store/session-sink.ts";
import { createTemporaryFolder } from "../kit/temporary-folder.ts";

const DAY = 86_400_000;

describe("guarantee: one key store, one token", () => {
  it("two data planes with one key store give the same token for one client, and either's record opens", async () => {
    await using folder = await createTemporaryFolder();
    const eventLog = createEventLog({ level: "error" });
    const metrics = createMetrics();
    const masterKey = Buffer.alloc(32, 7);
    const planes = await Promise.all(
      [0, 1].map(async () => {
        const keyring = await openKeyring({
          dir: folder.file("keyring"),
          masterKey,
          clock: systemClock,
          eventLog,
          metrics,
          retention: {
            rotateMs: DAY,
            retentionMs: 30 * DAY,
          },
          durability: "process",
        });
        const sealed: SealedSession[] = [];
        const tokeniser = createTokeniser({
          epochs: keyring,
          sink: { append: async (sessions) => void sealed.push(...sessions) },
          clock: systemClock,
          rotateMs: DAY,
          cacheSize: 100,
          cap: { count: 100, perMs: 60_000 },
          scopeOf: (address) => address,
          describe: () => "agent",
          identity: ["address", "userAgent", "cookies"],
          onLost: () => undefined,
          metrics,
        });
        return { keyring, sealed, tokeniser };
      }),
    );
    const client = {
      address: "192.0.2.1",
      userAgent: "a/1",
      sessionCookies: "",
      cookieHeader: "",
      host: "h",
    };
    const sessions = await Promise.all(
      planes.map(async ({ tokeniser }) => tokeniser.tokenise(client)),
    );
    expect(sessions[0]?.uuid).to.equal(sessions[1]?.uuid);
    await Promise.all(sessions.map((session) => session.stored));
    for (const { sealed } of planes) {
      const [session] = sealed;
      if (session === undefined) throw new Error("nothing was sealed");
      for (const { keyring } of planes) {
        const opener = await keyring.openerOf(session.epoch);
        expect(String(await opener.open(session.tag, session.record))).to.include("192.0.2.1");
      }
    }
    await Promise.all(planes.map(({ keyring }) => keyring.close()));
  });
});

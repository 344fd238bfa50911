import { randomBytes } from "node:crypto";
import { expect } from "chai";
import type { AuditEvent } from "../../../src/audit/event.ts";
import { createAuditHolding } from "../../../src/vault/rights/audit-holding.ts";
import { Concealed } from "../../../src/vault/concealed.ts";
import { OpenedTrail, anEvent } from "../../audit/open-trail.ts";

const KEY = randomBytes(32);
const MOST = 10_000;

type Exported = { readonly title: string; readonly count?: number; readonly who?: string };

describe("audit holding", () => {
  let opened: OpenedTrail;
  beforeEach(async () => {
    opened = await OpenedTrail.open();
  });
  afterEach(() => opened.remove());

  const append = async (count: number, given: Partial<AuditEvent>) => {
    for (let done = 0; done < count; done += 1000) {
      const group = Array.from({ length: Math.min(1000, count - done) }, (_, index) =>
        opened.trail.append(
          anEvent({ ...given, personal: { who: String(done + index) }, sealWith: KEY }),
        ),
      );
      await Promise.all(group);
    }
  };
  const exported = async () => {
    const holding = createAuditHolding({
      trail: opened.trail,
      keyOf: () => Promise.resolve(KEY),
      alsoKnownAs: () => Promise.resolve(["session", "unused session"]),
    });
    const held = await holding.exportOf("ada");
    return held instanceof Concealed ? (held.reveal() as readonly Exported[]) : [];
  };

  it("gives all events while there are not too many, oldest first", async () => {
    await append(MOST - 1, { subject: "ada", title: "theirs" });
    await append(1, { subject: "session", title: "their session's" });
    await append(1, { subject: "boris", title: "somebody else's" });
    const events = await exported();
    expect(events).to.have.length(MOST);
    expect(events[0]).to.include({ title: "theirs", who: "0" });
    expect(events.at(-1)).to.include({ title: "their session's" });
  });

  it("leaves out the oldest of too many, of person and sessions together, and says how many", async () => {
    await append(3, { subject: "session", title: "their session's" });
    await append(MOST, { subject: "ada", title: "theirs" });
    await append(2, { subject: "session", title: "their session's" });
    const [told, ...events] = await exported();
    expect(told).to.deep.equal({ title: "older events left out", count: 5 });
    expect(events).to.have.length(MOST);
    expect(events[0]).to.include({ title: "theirs", who: "2" });
    expect(events.at(-1)).to.include({ title: "their session's", who: "1" });
  });

  it("does not call left out what somebody took from the store", async () => {
    await append(3, { subject: "ada", title: "theirs" });
    await opened.setRaw(1, undefined);
    expect((await exported()).map(({ who }) => who)).to.deep.equal(["1", "2"]);
  });

  it("is nothing where there is no event", async () => {
    expect(await exported()).to.deep.equal([]);
  });
});

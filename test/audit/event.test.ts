import { randomBytes } from "node:crypto";
import { expect } from "chai";
import { ROOT } from "../../src/callers/caller.ts";
import { decodeEvent, draftOf, encodeEvent, openPersonal } from "../../src/audit/event.ts";
import type { AuditEvent } from "../../src/audit/event.ts";
import { LogveilError } from "../../src/errors.ts";
import { anEvent } from "./open-trail.ts";

const PLACE = { sequence: 7, whenMs: 1_770_724_800_123 };
const KEY = randomBytes(32);

function stored(event: AuditEvent): Buffer {
  return encodeEvent(draftOf(event), PLACE);
}

function codeOf(act: () => unknown): unknown {
  try {
    act();
    return undefined;
  } catch (error) {
    return error instanceof LogveilError ? error.code : error;
  }
}

describe("audit event", () => {
  it("comes back as it was told, with its place", () => {
    const event = anEvent({
      status: "error",
      message: "not-found",
      subject: "s",
      mode: "email",
      app: "shop",
      reason: "ticket 4711, für Zoë",
    });
    const { atoken, sealed, details, ...record } = decodeEvent(stored(event));
    expect(record).to.deep.equal({ ...event, ...PLACE, caller: { name: "root", role: "root" } });
    expect(atoken).to.match(/^[0-9a-f-]{36}$/);
    expect({ sealed, details }).to.deep.equal({ sealed: undefined, details: [] });
  });

  it("has no caller when there was none", () => {
    expect(decodeEvent(stored(anEvent({ caller: undefined }))).caller).to.equal(undefined);
  });

  it("keeps nothing of the caller but name and role, and nothing that an event does not have", () => {
    const caller = { ...ROOT, subject: "canary-1", xtoken: "canary-2" };
    const event = { ...anEvent({ caller }), who: "canary-3", permission: "canary-4" };
    expect(stored(event).toString()).not.to.include("canary");
  });

  it("seals what is personal, and opens it with the same key only", () => {
    const personal = { who: "ada@example.org", before: { name: "Ada" }, after: { name: "Zoë" } };
    const bytes = stored(anEvent({ personal, sealWith: KEY }));
    for (const word of ["ada@example.org", "Ada", "Zoë"])
      expect(bytes.includes(word)).to.equal(false);
    const record = decodeEvent(bytes);
    expect(openPersonal(record, KEY)).to.deep.equal(personal);
    expect(record.details).to.deep.equal(["before", "after"]);
    expect(codeOf(() => openPersonal(record, randomBytes(32)))).to.equal("open-failed");
  });

  it("keeps the first 512 characters of a longer name for the data subject", () => {
    const whoOf = (who: string) =>
      openPersonal(decodeEvent(stored(anEvent({ personal: { who }, sealWith: KEY }))), KEY).who;
    expect(whoOf("a".repeat(512))).to.equal("a".repeat(512));
    expect(whoOf(`${" ".repeat(5100)}ada@example.org`)).to.equal(" ".repeat(512));
  });

  it("opens nothing that was sealed in another event", () => {
    const [one, other] = ["ada", "bob"].map((who) =>
      decodeEvent(stored(anEvent({ personal: { who }, sealWith: KEY }))),
    );
    const moved = { sealed: one?.sealed, atoken: other?.atoken ?? "" };
    expect(codeOf(() => openPersonal(moved, KEY))).to.equal("open-failed");
  });

  it("leaves out what is personal when there is no key to seal it with", () => {
    const bytes = stored(anEvent({ personal: { who: "canary", after: { a: "canary" } } }));
    expect(bytes.includes("canary")).to.equal(false);
    expect(decodeEvent(bytes)).to.deep.include({ sealed: undefined, details: [] });
  });

  it("seals nothing when there is nothing", () => {
    const event = anEvent({ personal: { who: undefined }, sealWith: KEY });
    expect(decodeEvent(stored(event)).sealed).to.equal(undefined);
  });

  it("says which of before and after there is", () => {
    const detailsOf = (personal: NonNullable<AuditEvent["personal"]>) =>
      decodeEvent(stored(anEvent({ personal, sealWith: KEY }))).details;
    expect(detailsOf({ who: "ada" })).to.deep.equal([]);
    expect(detailsOf({ after: {} })).to.deep.equal(["after"]);
    expect(detailsOf({ before: null })).to.deep.equal(["before"]);
  });

  it("is damaged when its bytes are not an event, and quotes none of them", () => {
    for (const text of ["", "{", "null", "[]", "1", '{"version":2}', '{"canary'])
      try {
        decodeEvent(Buffer.from(text));
        expect.fail(`took ${text}`);
      } catch (error) {
        expect(error).to.be.instanceOf(LogveilError).with.property("code", "audit-corrupt");
        expect(String(error)).not.to.include("canary");
      }
  });
});

import { randomBytes } from "node:crypto";
import { expect } from "chai";
import { openPersonal } from "../../src/audit/event.ts";
import type { AuditRecord } from "../../src/audit/event.ts";
import { ROOT } from "../../src/callers/caller.ts";
import type { Caller } from "../../src/callers/caller.ts";
import { LogveilError } from "../../src/errors.ts";
import { Concealed } from "../../src/vault/concealed.ts";
import { operate } from "../../src/vault/operation.ts";
import type { Operation, OperationContext, Outcome } from "../../src/vault/operation.ts";
import { createTurns } from "../../src/vault/turns.ts";
import { OpenedTrail } from "../audit/open-trail.ts";
import { codeOf } from "../store/store-folder.ts";

const ADA = "00112233-4455-6677-8899-aabbccddeeff";
const BOB = "ffeeddcc-4455-6677-8899-aabbccddeeff";
const SUPPORT: Caller = { name: "sam", role: "support" };
const LOGIN: Caller = { name: "ada", role: "login", subject: ADA };
const LOOK_UP: Operation = { caller: ROOT, permission: "session.look-up", title: "get session" };
const CHANGE = { table: "user", key: "changed", value: Buffer.from("x") } as const;

describe("operation", () => {
  let opened: OpenedTrail;
  beforeEach(async () => {
    opened = await OpenedTrail.open();
  });
  afterEach(() => opened.remove());

  const events = async (): Promise<readonly AuditRecord[]> =>
    (await opened.trail.list({ offset: 0, limit: 100 })).rows;
  /** The only event there is, without what differs from run to run. */
  const onlyEvent = async () => {
    const all = await events();
    expect(all).to.have.length(1);
    const { atoken: _, whenMs: __, sequence: ___, ...event } = all[0] as AuditRecord;
    return event;
  };
  const hasChanged = async () =>
    (await opened.store.documents.find("user", CHANGE.key)) !== undefined;
  const run = <Result>(
    given: Partial<Operation>,
    act: (context: OperationContext) => Promise<Outcome<Result>>,
  ) => operate(opened.trail, { ...LOOK_UP, ...given }, act);
  const show = async () => ({ result: new Concealed("198.51.100.237"), changes: [CHANGE] });

  it("reveals, changes and leaves one event with all that it was told", async () => {
    const key = randomBytes(32);
    const given = {
      reason: "  ticket 4711 ",
      mode: "email",
      who: "ada@example.org",
      app: "shop",
    } as const;
    const answer = await run(given, async ({ about }) => {
      about(ADA, key);
      const personal = { before: { a: 1 }, after: { a: 2 } };
      return { ...(await show()), personal, message: "done" };
    });
    expect(answer).to.equal("198.51.100.237");
    expect(await hasChanged()).to.equal(true);
    const { sealed, ...event } = await onlyEvent();
    expect(event).to.deep.equal({
      title: "get session",
      status: "ok",
      message: "done",
      caller: { name: "root", role: "root" },
      subject: ADA,
      mode: "email",
      app: "shop",
      reason: "ticket 4711",
      details: ["before", "after"],
    });
    const [record] = await events();
    expect(sealed).to.be.instanceOf(Buffer);
    expect(record && openPersonal(record, key)).to.deep.equal({
      who: "ada@example.org",
      before: { a: 1 },
      after: { a: 2 },
    });
  });

  it("answers with what was never concealed as it is", async () => {
    expect(await run({}, async () => ({ result: 7 }))).to.equal(7);
    await onlyEvent();
  });

  it("does not keep who was asked for without a key to seal it with", async () => {
    await run({ who: "canary@example.org" }, show);
    expect(await onlyEvent()).to.have.property("sealed", undefined);
    const stored = Buffer.from((await opened.raw(1)) ?? []);
    expect(stored.includes("canary")).to.equal(false);
  });

  for (const [name, caller] of [
    ["nobody", undefined],
    ["a role without the permission", { name: "max", role: "auditor" }],
    ["a role that does not exist", { name: "x", role: "nothing" } as unknown as Caller],
    ["a role of Object.prototype", { name: "x", role: "toString" } as unknown as Caller],
    ["a role that is a prototype", { name: "x", role: "__proto__" } as unknown as Caller],
  ] as const satisfies readonly (readonly [string, Caller | undefined])[]) {
    it(`denies ${name} before anything is looked at, with one event`, async () => {
      let hasLooked = false;
      const denied = run({ caller }, async () => {
        hasLooked = true;
        return show();
      });
      expect(await codeOf(denied)).to.equal("access-denied");
      expect({ hasLooked, hasChanged: await hasChanged() }).to.deep.equal({
        hasLooked: false,
        hasChanged: false,
      });
      const event = await onlyEvent();
      expect(event).to.deep.include({ status: "denied", message: "access-denied" });
      expect(event.caller?.name).to.equal(caller?.name);
    });
  }

  it("is open to everybody when it asks for no permission", async () => {
    expect(await run({ caller: undefined, permission: undefined }, show)).to.equal(
      "198.51.100.237",
    );
    const event = await onlyEvent();
    expect([event.status, event.caller]).to.deep.equal(["ok", undefined]);
  });

  for (const reason of [undefined, "", "  \t"]) {
    it(`denies support that gives ${JSON.stringify(reason)} as the reason`, async () => {
      expect(await codeOf(run({ caller: SUPPORT, reason }, show))).to.equal("reason-missing");
      expect(await onlyEvent()).to.include({ status: "denied", message: "reason-missing" });
      expect(await hasChanged()).to.equal(false);
    });
  }

  it("lets support in that says why", async () => {
    await run({ caller: SUPPORT, reason: "ticket 4711" }, show);
    expect(await onlyEvent()).to.include({ status: "ok", reason: "ticket 4711" });
  });

  it("refuses a reason that could forge a line, and does not keep it", async () => {
    const reason = "canary\nclientip 192.0.2.1";
    expect(await codeOf(run({ reason }, show))).to.equal("reason-invalid");
    const { status, message, reason: kept } = await onlyEvent();
    expect([status, message, kept]).to.deep.equal(["error", "reason-invalid", undefined]);
  });

  it("keeps no reason of somebody without an access token, and does not even read it", async () => {
    for (const reason of ["canary", "canary\n", "c".repeat(5000)])
      expect(await codeOf(run({ caller: undefined, reason }, show))).to.equal("access-denied");
    for (const event of await events()) expect(event.reason).to.equal(undefined);
    await run({ caller: undefined, permission: undefined, reason: "canary\n" }, show);
    for (const sequence of [1, 2, 3, 4]) {
      const stored = Buffer.from((await opened.raw(sequence)) ?? []);
      expect(stored.length).to.be.greaterThan(0);
      expect(stored.includes("canary")).to.equal(false);
    }
  });

  it("leaves one event of a failure, with the code and not with what it said", async () => {
    const failing = run({}, ({ about }) => {
      about(ADA);
      return Promise.reject(new LogveilError("not-found"));
    });
    expect(await codeOf(failing)).to.equal("not-found");
    const event = await onlyEvent();
    expect(event).to.include({ status: "error", message: "not-found", subject: ADA });
  });

  it("leaves one event of a failure of our own, without its message", async () => {
    const failing = run({}, () => Promise.reject(new TypeError("canary 192.0.2.1")));
    expect(await codeOf(failing)).to.be.instanceOf(TypeError);
    expect(await onlyEvent()).to.include({ status: "error", message: "unexpected" });
  });

  describe("of a data subject", () => {
    it("shows what is theirs", async () => {
      const own = run({ caller: LOGIN }, async ({ about }) => {
        about(ADA);
        return show();
      });
      expect(await own).to.equal("198.51.100.237");
      expect(await onlyEvent()).to.include({ status: "ok", subject: ADA });
    });

    it("refuses what is somebody else's, and that somebody finds the attempt among their events", async () => {
      const foreign = run({ caller: LOGIN }, async ({ about }) => {
        about(BOB);
        return show();
      });
      expect(await codeOf(foreign)).to.equal("access-denied");
      expect(await onlyEvent()).to.include({ status: "denied", subject: BOB });
      expect(await hasChanged()).to.equal(false);
    });

    it("says of what is not there what it says of what is somebody else's", async () => {
      const missing = run({ caller: LOGIN }, () => Promise.reject(new LogveilError("not-found")));
      expect(await codeOf(missing)).to.equal("access-denied");
      expect(await onlyEvent()).to.include({ status: "error", message: "not-found" });
    });

    it("says that their own is not there", async () => {
      const missing = run({ caller: LOGIN }, ({ about }) => {
        about(ADA);
        return Promise.reject(new LogveilError("not-found"));
      });
      expect(await codeOf(missing)).to.equal("not-found");
    });

    it("refuses what never said whom it is about, and what turned to somebody else", async () => {
      expect(await codeOf(run({ caller: LOGIN }, show))).to.equal("access-denied");
      const turning = run({ caller: LOGIN }, async ({ about }) => {
        about(ADA);
        try {
          about(BOB);
        } catch {
          // An operation that goes on all the same shows nothing.
        }
        return show();
      });
      expect(await codeOf(turning)).to.equal("access-denied");
      expect(await hasChanged()).to.equal(false);
    });

    it("does not stand in the way of a bearer who happens to be logged in", async () => {
      const bearer = run({ caller: LOGIN, permission: undefined }, async ({ about }) => {
        about(BOB);
        return show();
      });
      expect(await bearer).to.equal("198.51.100.237");
    });
  });

  describe("without a trail", () => {
    it("reveals nothing, changes nothing and finishes nothing", async () => {
      let hasFinished = false;
      const closing = run({}, async () => {
        await opened.store.close();
        const finish = async () => void (hasFinished = true);
        return { ...(await show()), finish };
      });
      expect(await codeOf(closing)).to.equal("audit-unavailable");
      expect(hasFinished).to.equal(false);
      await opened.restart();
      expect(await hasChanged()).to.equal(false);
      expect(await events()).to.deep.equal([]);
    });

    it("does not even say that the caller may not", async () => {
      await opened.store.close();
      expect(await codeOf(run({ caller: undefined }, show))).to.equal("audit-unavailable");
      const failing = run({}, () => Promise.reject(new LogveilError("not-found")));
      expect(await codeOf(failing)).to.equal("audit-unavailable");
    });
  });

  describe("finishing", () => {
    it("comes between the event and the answer", async () => {
      let eventsThen = 0;
      const finish = async () => {
        eventsThen = (await events()).length;
      };
      await run({}, async () => ({ result: 1, finish }));
      expect(eventsThen).to.equal(1);
    });

    it("that fails is heard of by the caller", async () => {
      const finish = () => Promise.reject(new LogveilError("store-unavailable"));
      expect(await codeOf(run({}, async () => ({ result: 1, finish })))).to.equal(
        "store-unavailable",
      );
    });
  });

  describe("holding a turn", () => {
    const inTurn = createTurns();
    const increment = async ({ hold }: OperationContext): Promise<Outcome<number>> => {
      await hold((act) => inTurn("counter", act));
      const before = await opened.store.documents.find("user", "counter");
      const count = Number(Buffer.from(before ?? []).toString()) + 1;
      const value = Buffer.from(String(count));
      return { result: count, changes: [{ table: "user", key: "counter", value }] };
    };

    it("keeps it until the changes are stored: of 50 at once none is lost", async () => {
      const counts = await Promise.all(Array.from({ length: 50 }, () => run({}, increment)));
      expect(counts.toSorted((one, other) => one - other)).to.deep.equal(
        Array.from({ length: 50 }, (_, index) => index + 1),
      );
    });

    it("gives it back behind a failure, and behind a trail that is away", async () => {
      const failing = run({}, async (context) => {
        await increment(context);
        throw new LogveilError("not-found");
      });
      expect(await codeOf(failing)).to.equal("not-found");
      const closing = run({}, async (context) => {
        const outcome = await increment(context);
        await opened.store.close();
        return outcome;
      });
      expect(await codeOf(closing)).to.equal("audit-unavailable");
      await opened.restart();
      expect(await run({}, increment)).to.equal(1);
    });

    it("hears when the turn cannot be had", async () => {
      const failing = run({}, async ({ hold }) => {
        await hold(() => Promise.reject(new LogveilError("store-unavailable")));
        return { result: 1 };
      });
      expect(await codeOf(failing)).to.equal("store-unavailable");
    });
  });
});

import { randomBytes } from "node:crypto";
import { expect } from "chai";
import { openPersonal } from "../../src/audit/event.ts";
import { openAuditTrail } from "../../src/audit/trail.ts";
import type { AuditFilter } from "../../src/audit/trail.ts";
import { ROOT } from "../../src/callers/caller.ts";
import { macKey } from "../../src/keys/mac.ts";
import type { Change } from "../../src/store/documents.ts";
import { codeOf } from "../store/store-folder.ts";
import { OpenedTrail, anEvent } from "./open-trail.ts";

const ALL: AuditFilter = { offset: 0, limit: 100 };
const SUPPORT = { name: "ada-from-support", role: "support" } as const;

function change(key: string): Change {
  return { table: "user", key, value: Buffer.from("x") };
}

describe("audit trail", () => {
  let opened: OpenedTrail;
  beforeEach(async () => {
    opened = await OpenedTrail.open();
  });
  afterEach(() => opened.remove());

  const verify = () => opened.trail.verify();
  const brokenAt = (sequence: number, problem: "altered" | "dropped") => {
    // All events of these tests are of one instant.
    const afterMs = sequence === 1 ? undefined : opened.clock.now();
    return { isIntact: false, sequence, problem, afterMs };
  };
  const isThere = async (key: string) =>
    (await opened.store.documents.find("user", key)) !== undefined;

  describe("append", () => {
    it("stores the event and the changes, and goes on after a restart", async () => {
      await opened.trail.append(anEvent({ title: "create user record" }), [change("a")]);
      await opened.restart();
      await opened.write("get session");
      expect(await opened.titles()).to.deep.equal(["get session", "create user record"]);
      expect(await isThere("a")).to.equal(true);
      expect(await verify()).to.include({ isIntact: true, events: 2 });
    });

    it("leaves no gap between 200 events at once", async () => {
      await Promise.all(
        Array.from({ length: 200 }, (_, index) =>
          opened.trail.append(anEvent({ title: `t${index}` }), [change(String(index))]),
        ),
      );
      const { total, rows } = await opened.trail.list({ offset: 0, limit: 1000 });
      expect(total).to.equal(200);
      expect(rows.map(({ sequence }) => sequence)).to.deep.equal(
        Array.from({ length: 200 }, (_, index) => 200 - index),
      );
      expect(new Set(rows.map(({ title }) => title)).size).to.equal(200);
      expect(await verify()).to.include({ isIntact: true, events: 200 });
    });

    it("stores neither when the store is closed", async () => {
      await opened.write("before");
      await opened.store.close();
      const failing = opened.trail.append(anEvent({ title: "lost" }), [change("lost")]);
      expect(await codeOf(failing)).to.equal("audit-unavailable");
      await opened.restart();
      expect(await opened.titles()).to.deep.equal(["before"]);
      expect(await isThere("lost")).to.equal(false);
      await opened.write("after");
      expect(await verify()).to.include({ isIntact: true, events: 2 });
    });

    it("fails alone with a change that cannot be stored", async () => {
      const outcomes = await Promise.all([
        codeOf(opened.trail.append(anEvent({ title: "one" }), [change("one")])),
        codeOf(opened.trail.append(anEvent({ title: "bad" }), [change("k".repeat(2000))])),
        codeOf(opened.trail.append(anEvent({ title: "two" }), [change("two")])),
      ]);
      expect(outcomes).to.deep.equal(["resolved", "audit-unavailable", "resolved"]);
      expect(await opened.titles()).to.deep.equal(["two", "one"]);
    });

    it("refuses more than it can hold, and takes what it accepted", async () => {
      const big: Change = { table: "user", key: "big", value: Buffer.alloc(1024 * 1024) };
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, () => codeOf(opened.trail.append(anEvent(), [big]))),
      );
      const stored = outcomes.filter((code) => code === "resolved").length;
      expect(stored).to.be.within(10, 16);
      expect(outcomes.slice(stored)).to.deep.equal(
        outcomes.slice(stored).map(() => "audit-unavailable"),
      );
      expect(await verify()).to.include({ isIntact: true, events: stored });
      await opened.write("room again");
    });

    it("does not go back in time with the clock", async () => {
      await opened.write("first");
      const firstMs = opened.clock.now();
      opened.clock.jumpTo(firstMs - 3_600_000);
      await opened.restart();
      await opened.write("second");
      const { rows } = await opened.trail.list(ALL);
      expect(rows.map(({ whenMs }) => whenMs)).to.deep.equal([firstMs, firstMs]);
    });
  });

  describe("verify", () => {
    beforeEach(() => opened.write("a", "b", "c", "d", "e"));

    it("finds an intact chain intact, counts it, and says how it ends", async () => {
      const before = await verify();
      expect(before).to.include({ isIntact: true, events: 5 });
      await opened.restart();
      expect(await verify()).to.deep.equal(before);
      await opened.write("f");
      expect(await verify()).to.not.have.property("end", before.isIntact && before.end);
    });

    it("is intact without any event", async () => {
      const empty = await OpenedTrail.open();
      expect(await empty.trail.verify()).to.include({ isIntact: true, events: 0 });
      await empty.remove();
    });

    for (const sequence of [1, 3, 5]) {
      it(`names event ${sequence} when any byte of it is altered`, async () => {
        const before = (await opened.raw(sequence)) ?? new Uint8Array();
        for (const at of [0, 31, 32, 60, before.length - 1]) {
          const altered = Buffer.from(before);
          altered[at] = (altered[at] ?? 0) ^ 1;
          await opened.setRaw(sequence, altered);
          const expected = brokenAt(sequence, "altered");
          expect(await verify(), `byte ${at}`).to.deep.equal(expected);
          await opened.setRaw(sequence, before);
        }
        expect(await verify()).to.include({ isIntact: true });
      });

      it(`names event ${sequence} when it is dropped`, async () => {
        await opened.setRaw(sequence, undefined);
        expect(await verify()).to.deep.equal(brokenAt(sequence, "dropped"));
      });
    }

    it("names the first of two events that changed places", async () => {
      const [second, third] = [await opened.raw(2), await opened.raw(3)];
      await opened.setRaw(2, third);
      await opened.setRaw(3, second);
      expect(await verify()).to.deep.equal(brokenAt(2, "altered"));
    });

    it("names the first of those cut off at the end, and at the beginning", async () => {
      await opened.setRaw(4, undefined);
      await opened.setRaw(5, undefined);
      expect(await verify()).to.deep.equal(brokenAt(4, "dropped"));
      await opened.setRaw(1, undefined);
      expect(await verify()).to.deep.equal(brokenAt(1, "dropped"));
    });

    it("notices an event that was put behind the last", async () => {
      await opened.setRaw(6, await opened.raw(5));
      expect(await verify()).to.include({ isIntact: false, problem: "head-replaced" });
      expect(await codeOf(opened.restart())).to.equal("audit-corrupt");
    });

    it("notices an event that was put before the first", async () => {
      await opened.setRaw(0, await opened.raw(1));
      expect(await verify()).to.include({ isIntact: false });
    });

    it("notices a head that is altered, missing, older or another key's", async () => {
      const head = Buffer.from((await opened.head()) ?? []);
      const altered = Buffer.from(head);
      altered[40] = (altered[40] ?? 0) ^ 1;
      const other = await OpenedTrail.open();
      await other.write("a", "b", "c", "d", "e");
      const foreign = await other.head();
      await other.remove();
      await opened.write("f");
      for (const wrong of [altered, undefined, head, foreign]) {
        await opened.setHead(wrong);
        expect(await verify()).to.include({ isIntact: false, problem: "head-replaced" });
        expect(await codeOf(opened.reopenTrail())).to.equal("audit-corrupt");
      }
    });

    it("names what is missing when head and events were cut back together, as long as it runs", async () => {
      const head = await opened.head();
      await opened.write("f", "g");
      await opened.setHead(head);
      await opened.setRaw(6, undefined);
      await opened.setRaw(7, undefined);
      expect(await verify()).to.deep.equal(brokenAt(6, "dropped"));
    });

    it("does not hold under another key", async () => {
      const { documents } = opened.store;
      const key = macKey(randomBytes(32));
      const opening = openAuditTrail({ documents, key, clock: opened.clock });
      expect(await codeOf(opening)).to.equal("audit-corrupt");
    });

    it("is not confused by what is written and retired during the walk", async () => {
      await Promise.all(Array.from({ length: 1500 }, () => opened.trail.append(anEvent())));
      opened.clock.advance(1000);
      const [verified] = await Promise.all([
        verify(),
        opened.trail.retire(opened.clock.now()),
        ...Array.from({ length: 100 }, () => opened.trail.append(anEvent())),
      ]);
      expect(verified).to.include({ isIntact: true });
      expect(await verify()).to.include({ isIntact: true, events: 100 });
    });
  });

  it("keeps the events of somebody whose key is destroyed: unreadable, and the chain holds", async () => {
    const key = randomBytes(32);
    const personal = { who: "ada@example.org", after: { name: "Ada" } };
    await opened.trail.append(anEvent({ subject: "ada", personal, sealWith: key }));
    const { rows } = await opened.trail.list({ ...ALL, subject: "ada" });
    const [record] = rows;
    if (record === undefined) throw new Error("no event");
    expect(openPersonal(record, key)).to.deep.equal(personal);
    key.fill(0); // what is left when the keyring has destroyed it
    expect(() => openPersonal(record, key)).to.throw("the record could not be opened");
    expect(await verify()).to.include({ isIntact: true, events: 1 });
  });

  describe("list", () => {
    const titlesOf = async (filter: Partial<AuditFilter>) => {
      const { total, rows } = await opened.trail.list({ ...ALL, ...filter });
      return { total, titles: rows.map(({ title }) => title).join("") };
    };

    beforeEach(async () => {
      const subjects = ["ada", "bob", "ada", undefined, "ada/", "ad", "ada"];
      for (const [index, subject] of subjects.entries()) {
        const caller = index % 2 === 0 ? ROOT : SUPPORT;
        const status = index === 3 ? ("denied" as const) : ("ok" as const);
        const title = "abcdefg".charAt(index);
        await opened.trail.append(anEvent({ title, subject, caller, status }));
        opened.clock.advance(1000);
      }
    });

    it("is newest first, in pages", async () => {
      expect(await titlesOf({})).to.deep.equal({ total: 7, titles: "gfedcba" });
      expect(await titlesOf({ offset: 2, limit: 3 })).to.deep.equal({ total: 7, titles: "edc" });
      expect(await titlesOf({ offset: 6, limit: 3 })).to.deep.equal({ total: 7, titles: "a" });
      expect(await titlesOf({ offset: 9 })).to.deep.equal({ total: 7, titles: "" });
      expect(await titlesOf({ limit: 0 })).to.deep.equal({ total: 7, titles: "" });
    });

    it("gives the events about one subject, and nobody's whose name only begins alike", async () => {
      expect(await titlesOf({ subject: "ada" })).to.deep.equal({ total: 3, titles: "gca" });
      expect(await titlesOf({ subject: "ad" })).to.deep.equal({ total: 1, titles: "f" });
      expect(await titlesOf({ subject: "ada/" })).to.deep.equal({ total: 1, titles: "e" });
      expect(await titlesOf({ subject: "nobody" })).to.deep.equal({ total: 0, titles: "" });
      const page = { subject: "ada", offset: 1, limit: 1 };
      expect(await titlesOf(page)).to.deep.equal({ total: 3, titles: "c" });
    });

    it("filters by time, from inclusive and to exclusive", async () => {
      const startMs = opened.clock.now() - 7000;
      const at = (second: number) => startMs + second * 1000;
      expect((await titlesOf({ fromMs: at(2) })).titles).to.equal("gfedc");
      expect((await titlesOf({ toMs: at(2) })).titles).to.equal("ba");
      expect((await titlesOf({ fromMs: at(2), toMs: at(4) })).titles).to.equal("dc");
      expect((await titlesOf({ fromMs: at(1) + 1, toMs: at(2) + 1 })).titles).to.equal("c");
      expect((await titlesOf({ fromMs: at(5), toMs: at(1) })).total).to.equal(0);
      expect((await titlesOf({ fromMs: 0, toMs: at(99) })).total).to.equal(7);
      expect(await titlesOf({ subject: "ada", fromMs: at(1) })).to.deep.equal({
        total: 2,
        titles: "gc",
      });
    });

    it("filters by title, status and actor, alone and together", async () => {
      expect((await titlesOf({ title: "c" })).titles).to.equal("c");
      expect((await titlesOf({ status: "denied" })).titles).to.equal("d");
      expect((await titlesOf({ actor: SUPPORT.name })).titles).to.equal("fdb");
      expect((await titlesOf({ actor: SUPPORT.name, status: "ok" })).titles).to.equal("fb");
      expect((await titlesOf({ actor: "root", subject: "ada" })).titles).to.equal("gca");
      expect(await titlesOf({ actor: "root", offset: 1, limit: 2 })).to.deep.equal({
        total: 4,
        titles: "ec",
      });
      expect((await titlesOf({ actor: "Root" })).total).to.equal(0);
    });

    it("goes through more than one slice", async () => {
      await Promise.all(
        Array.from({ length: 1203 }, (_, index) =>
          opened.trail.append(anEvent({ title: index % 3 === 0 ? "x" : "y", subject: "many" })),
        ),
      );
      expect((await opened.trail.list({ ...ALL, title: "x", limit: 500 })).rows).to.have.length(
        401,
      );
      expect(await opened.trail.list({ ...ALL, title: "x" })).to.have.property("total", 401);
      expect(await opened.trail.list({ ...ALL, subject: "many" })).to.have.property("total", 1203);
      const last = { ...ALL, subject: "many", offset: 1202, limit: 5 };
      expect((await opened.trail.list(last)).rows.map(({ sequence }) => sequence)).to.deep.equal([
        8,
      ]);
    });

    it("finds an event by its token, and says when one is damaged", async () => {
      const { rows } = await opened.trail.list(ALL);
      for (const row of rows) expect(await opened.trail.find(row.atoken)).to.deep.equal(row);
      expect(await opened.trail.find("00000000-0000-0000-0000-000000000000")).to.equal(undefined);
      expect(await opened.trail.find("x".repeat(5000))).to.equal(undefined);
      await opened.setRaw(7, Buffer.alloc(100));
      expect(await codeOf(opened.trail.find(rows[0]?.atoken ?? ""))).to.equal("audit-corrupt");
      expect(await codeOf(opened.trail.list(ALL))).to.equal("audit-corrupt");
    });
  });

  describe("retire", () => {
    it("removes what is older, with its index entries, and the chain holds", async () => {
      await opened.trail.append(anEvent({ title: "old", subject: "ada" }));
      await opened.write("old too");
      opened.clock.advance(1000);
      const beforeMs = opened.clock.now();
      await opened.trail.append(anEvent({ title: "new", subject: "ada" }));
      const [old] = (await opened.trail.list(ALL)).rows.slice(-1);
      expect(await opened.trail.retire(beforeMs)).to.equal(2);
      expect(await opened.trail.retire(beforeMs)).to.equal(0);
      expect(await opened.titles()).to.deep.equal(["new"]);
      expect(await opened.trail.list({ ...ALL, subject: "ada" })).to.have.property("total", 1);
      expect(await opened.trail.find(old?.atoken ?? "")).to.equal(undefined);
      expect(await opened.store.documents.list("auditIndex")).to.have.length(2);
      await opened.restart();
      await opened.write("newest");
      expect(await verify()).to.include({ isIntact: true, events: 2 });
      await opened.setRaw(3, undefined);
      expect(await verify()).to.include({ isIntact: false, sequence: 3, problem: "dropped" });
    });

    it("can remove everything, and the chain goes on", async () => {
      await opened.write("a", "b");
      opened.clock.advance(1);
      expect(await opened.trail.retire(opened.clock.now())).to.equal(2);
      expect(await verify()).to.include({ isIntact: true, events: 0 });
      await opened.restart();
      await opened.write("c");
      expect((await opened.trail.list(ALL)).rows[0]).to.include({ sequence: 3 });
      expect(await verify()).to.include({ isIntact: true, events: 1 });
    });

    it("removes more than one slice, while events are written", async () => {
      await Promise.all(Array.from({ length: 1200 }, () => opened.trail.append(anEvent())));
      opened.clock.advance(1);
      const [retired] = await Promise.all([
        opened.trail.retire(opened.clock.now()),
        ...Array.from({ length: 50 }, () => opened.trail.append(anEvent())),
      ]);
      expect(retired).to.equal(1200);
      expect(await verify()).to.include({ isIntact: true, events: 50 });
    });

    it("removes nothing where the chain is broken", async () => {
      await opened.write("a", "b", "c");
      const raw = Buffer.from((await opened.raw(2)) ?? []);
      raw[raw.length - 5] = (raw[raw.length - 5] ?? 0) ^ 1;
      await opened.setRaw(2, raw);
      opened.clock.advance(1);
      expect(await codeOf(opened.trail.retire(opened.clock.now()))).to.equal("audit-corrupt");
      expect(await opened.raw(1)).to.not.equal(undefined);
    });
  });
});

import { expect } from "chai";
import { ROOT } from "../../src/callers/caller.ts";
import { LogveilError } from "../../src/errors.ts";
import { parseSessionToken } from "../../src/token/session-token.ts";
import { createExpiry } from "../../src/vault/expiry.ts";
import type { Expiry } from "../../src/vault/expiry.ts";
import { openVaultForTest } from "../kit/opened-vault.ts";
import type { OpenedVault } from "../kit/opened-vault.ts";

const RETENTION_MS = 72 * 3_600_000;

describe("expiry", () => {
  let opened: OpenedVault;
  beforeEach(async () => {
    opened = await openVaultForTest();
  });
  afterEach(() => opened.close());

  const createWith = (further: readonly (() => Promise<unknown>)[]): Expiry =>
    createExpiry({
      ...opened,
      eventLog: opened.events.eventLog,
      onDestroyed: () => undefined,
      further,
    });

  it("sweeps what else has its time, whatever became of the others, and tells of the first failure", async () => {
    const steps: string[] = [];
    const expiry = createWith([
      () => Promise.reject(new LogveilError("audit-corrupt")),
      async () => steps.push("second"),
      () => Promise.reject(new LogveilError("store-unavailable")),
      async () => steps.push("fourth"),
    ]);
    const failure = await expiry.sweep().catch((error: unknown) => error);
    expect(failure).to.be.instanceOf(LogveilError).with.property("code", "audit-corrupt");
    expect(steps).to.deep.equal(["second", "fourth"]);
  });

  it("retires events past their retention, and the trail verifies", async () => {
    const { trail, clock } = opened;
    const expiry = createWith([() => trail.retire(clock.now() - RETENTION_MS)]);
    await trail.append({ title: "old", status: "ok", caller: ROOT });
    clock.advance(RETENTION_MS);
    await expiry.sweep();
    expect(await trail.verify()).to.include({ isIntact: true, events: 1 });
    await trail.append({ title: "new", status: "ok", caller: ROOT });
    clock.advance(1);
    await expiry.sweep();
    const { rows } = await trail.list({ offset: 0, limit: 10 });
    expect(rows.map(({ title }) => title)).to.deep.equal(["new"]);
    expect(await trail.verify()).to.include({ isIntact: true, events: 1 });
  });

  it("removes what an old copy of the store has brought back, and nothing that it does not know", async () => {
    const { keyring, store, clock } = opened;
    const { uuid } = await opened.visit({
      address: "192.0.2.1",
      userAgent: "planted/1",
      cookieHeader: "",
      host: "",
    });
    const { epoch, tag } = parseSessionToken(uuid);
    const unknown = { epoch: epoch + 7, tag, addressMac: Buffer.alloc(16), record: Buffer.of(1) };
    const expiry = createWith([]);
    await store.sessions.append([unknown]);
    await expiry.sweep();
    expect(store.sessions.epochs()).to.deep.equal([epoch, unknown.epoch]);
    clock.advance((keyring.epochs()[0]?.expiresAtMs ?? 0) - clock.now());
    await expiry.sweep();
    expect(store.sessions.epochs()).to.deep.equal([unknown.epoch]);
    // The epoch is confirmed as swept, and its records come back.
    await store.sessions.append([{ ...unknown, epoch }]);
    await expiry.sweep();
    expect(store.sessions.epochs()).to.deep.equal([unknown.epoch]);
  });

  it("says by code in the event log what failed", async () => {
    const expiry = createWith([() => Promise.reject(new LogveilError("audit-corrupt"))]);
    expiry.start(60_000);
    await expiry.close();
    expect(opened.events.text()).to.include('"code":"audit-corrupt"');
  });
});

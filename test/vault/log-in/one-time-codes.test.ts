import { expect } from "chai";
import { createOneTimeCodes } from "../../../src/vault/log-in/one-time-codes.ts";
import type { OneTimeCodes } from "../../../src/vault/log-in/one-time-codes.ts";
import { openOutboxForTest } from "../notify/opened-outbox.ts";
import type { OpenedOutbox } from "../notify/opened-outbox.ts";

const OWNER = "user:ada";
const HOUR_MS = 3_600_000;

describe("one-time codes", () => {
  let opened: OpenedOutbox;
  let codes: OneTimeCodes;
  const create = () =>
    createOneTimeCodes({
      documents: opened.store.documents,
      key: opened.keyring.callersKey,
      clock: opened.clock,
    });
  beforeEach(async () => {
    opened = await openOutboxForTest({});
    codes = create();
  });
  afterEach(() => opened.close());

  const issue = async (owner = OWNER, mode = "email") => {
    const code = await codes.issue(owner, mode);
    if (code === undefined) throw new Error("no code");
    return code;
  };
  const wrong = (code: string) => (code === "000000" ? "000001" : "000000");

  it("are six digits and right once", async () => {
    const code = await issue();
    expect(code).to.match(/^\d{6}$/);
    expect(await codes.redeem(OWNER, "email", code)).to.equal(true);
    expect(await codes.redeem(OWNER, "email", code)).to.equal(false);
  });

  it("are right once, also when shown many times side by side", async () => {
    const code = await issue();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => codes.redeem(OWNER, "email", code)),
    );
    expect(answers.filter(Boolean)).to.have.length(1);
  });

  it("live for a minute", async () => {
    const first = await issue();
    opened.clock.advance(59_999);
    expect(await codes.redeem(OWNER, "email", first)).to.equal(true);
    const second = await issue();
    opened.clock.advance(60_000);
    expect(await codes.redeem(OWNER, "email", second)).to.equal(false);
  });

  it("are their owner's, and of the way they were sent", async () => {
    const code = await issue();
    expect(await codes.redeem("user:boris", "email", code)).to.equal(false);
    expect(await codes.redeem(OWNER, "phone", code)).to.equal(false);
    expect(await codes.redeem(OWNER, "email", code)).to.equal(true);
  });

  it("end the one before", async () => {
    const first = await issue();
    const second = await issue();
    if (first !== second) expect(await codes.redeem(OWNER, "email", first)).to.equal(false);
    expect(await codes.redeem(OWNER, "email", second)).to.equal(true);
  });

  it("can be guessed at five times, and then not even rightly", async () => {
    const code = await issue();
    for (let guess = 0; guess < 5; guess += 1) {
      expect(await codes.redeem(OWNER, "email", wrong(code))).to.equal(false);
    }
    expect(await codes.redeem(OWNER, "email", code)).to.equal(false);
  });

  it("can be guessed at five times by guesses sent side by side", async () => {
    const code = await issue();
    const guesses = Array.from({ length: 5 }, () => codes.redeem(OWNER, "email", wrong(code)));
    const right = codes.redeem(OWNER, "email", code);
    expect(await Promise.all([...guesses, right])).to.deep.equal(Array(6).fill(false));
  });

  it("keep their count over a restart", async () => {
    const code = await issue();
    for (let guess = 0; guess < 4; guess += 1) await codes.redeem(OWNER, "email", wrong(code));
    opened = await opened.restart({});
    codes = create();
    expect(await codes.redeem(OWNER, "email", wrong(code))).to.equal(false);
    expect(await codes.redeem(OWNER, "email", code)).to.equal(false);
  });

  it("are five an hour, by whatever way, and also when asked for side by side", async () => {
    const asked = await Promise.all(
      Array.from({ length: 8 }, (_, index) => codes.issue(OWNER, index % 2 ? "email" : "phone")),
    );
    expect(asked.filter((code) => code !== undefined)).to.have.length(5);
    opened.clock.advance(HOUR_MS - 1);
    expect(await codes.issue(OWNER, "email")).to.equal(undefined);
    opened.clock.advance(1);
    expect(await codes.issue(OWNER, "email")).to.match(/^\d{6}$/);
  });

  it("past the five leave the last one as it is", async () => {
    for (let count = 0; count < 4; count += 1) await issue();
    const last = await issue();
    expect(await codes.issue(OWNER, "email")).to.equal(undefined);
    expect(await codes.redeem(OWNER, "email", last)).to.equal(true);
  });

  it("are swept an hour after the last, and not sooner", async () => {
    await issue();
    await issue("user:boris");
    opened.clock.advance(HOUR_MS - 1);
    await issue("user:chloe");
    await codes.sweep();
    expect(await opened.store.documents.list("code")).to.have.length(3);
    opened.clock.advance(1);
    await codes.sweep();
    expect(await opened.store.documents.list("code")).to.have.length(1);
  });

  it("are kept as a MAC alone, under a key that names nobody", async () => {
    const code = await issue();
    const [row] = await opened.store.documents.list("code");
    expect(row?.key).to.match(/^[0-9a-f]{64}$/);
    const { codeMac, ...rest } = JSON.parse(Buffer.from(row?.value ?? []).toString());
    expect(Buffer.from(codeMac, "base64")).to.have.length(32);
    expect(rest).to.deep.equal({ version: 1, attempts: 0, issuedAtMs: [opened.clock.now()] });
    expect(code).to.have.length(6);
  });
});

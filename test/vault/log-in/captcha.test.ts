import { expect } from "chai";
import * as fc from "fast-check";
import { PNG } from "pngjs";
import { LogveilError } from "../../../src/errors.ts";
import { CAPTCHA_TTL_MS, createCaptcha } from "../../../src/vault/log-in/captcha.ts";
import { drawDigits } from "../../../src/vault/log-in/captcha-image.ts";
import { createHandClock } from "../../kit/hand-clock.ts";

function codeOf(act: () => unknown): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    return error instanceof LogveilError ? error.code : String(error);
  }
}

async function rejectionOf(promise: Promise<unknown>): Promise<string | undefined> {
  const [outcome] = await Promise.allSettled([promise]);
  if (outcome?.status !== "rejected") return undefined;
  return outcome.reason instanceof LogveilError ? outcome.reason.code : String(outcome.reason);
}

function open() {
  const clock = createHandClock();
  const captcha = createCaptcha({ clock, newDigits: () => "042917" });
  return { clock, captcha };
}

describe("captcha", () => {
  it("is passed by who reads the picture, once", () => {
    const { captcha } = open();
    const code = captcha.create();
    captcha.check(code, "042917");
    for (const spelling of [code, code.toUpperCase()]) {
      expect(codeOf(() => captcha.check(spelling, "042917"))).to.equal("captcha-invalid");
    }
  });

  it("gives one guess for each code", () => {
    const { captcha } = open();
    const code = captcha.create();
    expect(codeOf(() => captcha.check(code, "000000"))).to.equal("captcha-invalid");
    expect(codeOf(() => captcha.check(code, "042917"))).to.equal("captcha-invalid");
  });

  it("ends after two minutes, for the picture too", async () => {
    const { captcha, clock } = open();
    const code = captcha.create();
    clock.advance(CAPTCHA_TTL_MS - 1);
    expect((await captcha.draw(code)).length).to.be.above(0);
    clock.advance(1);
    expect(await rejectionOf(captcha.draw(code))).to.equal("captcha-invalid");
    expect(codeOf(() => captcha.check(code, "042917"))).to.equal("captcha-invalid");
  });

  it("stays used for as long as it could be opened", () => {
    const { captcha, clock } = open();
    clock.advance(5);
    const code = captcha.create();
    captcha.check(code, "042917");
    clock.advance(CAPTCHA_TTL_MS - 1);
    expect(codeOf(() => captcha.check(code, "042917"))).to.equal("captcha-invalid");
  });

  it("lets people through however many were answered wrongly before, and takes none of those again", () => {
    const { captcha } = open();
    const codes = Array.from({ length: 20_001 }, () => captcha.create());
    for (const code of codes) {
      expect(codeOf(() => captcha.check(code, "000000"))).to.equal("captcha-invalid");
    }
    expect(codeOf(() => captcha.check(captcha.create(), "042917"))).to.equal(undefined);
    for (const code of codes) {
      expect(codeOf(() => captcha.check(code, "042917"))).to.equal("captcha-invalid");
    }
  });

  it("does not live on when the wall clock is set back", () => {
    const { captcha, clock } = open();
    const code = captcha.create();
    const startMs = clock.now();
    clock.advance(CAPTCHA_TTL_MS);
    clock.jumpTo(startMs);
    expect(codeOf(() => captcha.check(code, "042917"))).to.equal("captcha-invalid");
  });

  it("is another code each time, from which the digits cannot be read", () => {
    const { captcha } = open();
    const codes = Array.from({ length: 50 }, () => captcha.create());
    expect(new Set(codes.map((code) => code.slice(0, 26)))).to.have.property("size", 50);
    for (const code of codes) {
      expect(Buffer.from(code, "hex").toString("latin1")).not.to.include("042917");
    }
  });

  it("means nothing in another process", () => {
    const code = open().captcha.create();
    expect(codeOf(() => open().captcha.check(code, "042917"))).to.equal("captcha-invalid");
  });

  it("refuses whatever it has not made", async () => {
    const { captcha } = open();
    const code = captcha.create();
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), fc.base64String()), async (text) => {
        expect(codeOf(() => captcha.check(text, "042917"))).to.equal("captcha-invalid");
        expect(await rejectionOf(captcha.draw(text))).to.equal("captcha-invalid");
      }),
      { numRuns: 50 },
    );
    for (let at = 0; at < code.length; at += 7) {
      const flipped = `${code.slice(0, at)}${code[at] === "0" ? "1" : "0"}${code.slice(at + 1)}`;
      expect(
        codeOf(() => captcha.check(flipped, "042917")),
        String(at),
      ).to.equal("captcha-invalid");
    }
  });

  it("is drawn as a PNG of 128 by 64, another one each time", async () => {
    const { captcha } = open();
    const code = captcha.create();
    const [one, other] = [await captcha.draw(code), await captcha.draw(code)];
    const { width, height } = PNG.sync.read(one);
    expect({ width, height }).to.deep.equal({ width: 128, height: 64 });
    expect(one.equals(other)).to.equal(false);
  });

  it("draws only so many at once, and goes on afterwards", async () => {
    const { captcha } = open();
    const code = captcha.create();
    const outcomes = await Promise.all(
      Array.from({ length: 30 }, () => rejectionOf(captcha.draw(code))),
    );
    expect(outcomes.filter((outcome) => outcome === "captcha-busy")).to.have.length(22);
    expect(await rejectionOf(captcha.draw(code))).to.equal(undefined);
  });

  it("shows each digit by itself: of two pictures the ink lies where the digits differ", async () => {
    // 1 and 8 differ most in how much ink they take.
    const inkOf = async (digits: string) => {
      const { data } = PNG.sync.read(await drawDigits(digits));
      let dark = 0;
      for (let at = 0; at < data.length; at += 4) if ((data[at] ?? 255) < 160) dark += 1;
      return dark;
    };
    expect(await inkOf("888888")).to.be.above(await inkOf("111111"));
  });
});

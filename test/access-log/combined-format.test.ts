import { expect } from "chai";
import * as fc from "fast-check";
import { createCombinedFormat } from "../../src/access-log/combined-format.ts";
import { BARE_EXCHANGE, exchangeWith, SESSION } from "./exchanges.ts";

const ALL = { identity: "token", userAgent: "family" } as const;

/** What a reader who only knows Apache's format sees in a line. */
const LINE =
  /^(\S+) (\S+) (\S+) \[([^\]]+)\] "([^" ]*) ([^" ]*) HTTP\/([^" ]*)" (\d{3}) (\d+|-) "([^"]*)" "([^"]*)" "([^"]*)"\n$/;

function unescaped(text: string): string {
  const bytes = text.replace(/\\x([0-9a-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(bytes, "latin1").toString();
}

describe("access-log: combined format", () => {
  it("is Apache's combined format with the token's two spellings", () => {
    expect(createCombinedFormat(ALL)(exchangeWith())).to.equal(
      `${SESSION.address} - - [10/Feb/2026:12:00:00 +0000] ` +
        `"GET /orders/~email.k3f9a2xq?page=2 HTTP/1.1" 200 123 ` +
        `"https://shop.example" "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36" "${SESSION.uuid}"\n`,
    );
  });

  it("has a hyphen for what is absent and the unspecified address for a host", () => {
    expect(createCombinedFormat(ALL)(BARE_EXCHANGE)).to.equal(
      `:: - - [10/Feb/2026:12:00:00 +0000] "GET /orders/~email.k3f9a2xq HTTP/1.1" 200 - "-" "-" "-"\n`,
    );
  });

  it("writes no token with identity none and no user agent with userAgent none", () => {
    const line = createCombinedFormat({ identity: "none", userAgent: "none" })(exchangeWith());
    expect(line)
      .to.match(/^:: - - /)
      .and.to.match(/ "-" "-"\n$/);
    expect(line).not.to.contain(SESSION.uuid).and.not.to.contain("Chrome");
  });

  it("has the sealed identity as a further quoted field with identity sealed", () => {
    const format = createCombinedFormat({ ...ALL, identity: "sealed" });
    const line = format(exchangeWith({ sealedIdentity: "sealed:v1:AAAA" }));
    expect(line).to.match(new RegExp(` "${SESSION.uuid}" "sealed:v1:AAAA"\n$`));
    expect(format(exchangeWith())).to.match(new RegExp(` "${SESSION.uuid}" "-"\n$`));
    expect(createCombinedFormat(ALL)(exchangeWith({ sealedIdentity: "x" }))).not.to.contain('"x"');
  });

  it("writes as much of a user agent as is known", () => {
    const format = createCombinedFormat(ALL);
    const shown = (name?: string, version?: string, os?: string) => {
      const userAgent = { name, version, os };
      return LINE.exec(format(exchangeWith({ session: { ...SESSION, userAgent } })))?.[11];
    };
    expect(shown("Firefox", "140", "Linux")).to.equal(
      "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    );
    expect(shown("Vivaldi", "7", "macOS")).to.equal(
      "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Vivaldi/7.0",
    );
    expect(shown("Safari")).to.equal("Mozilla/5.0 (compatible) Safari");
    expect(shown("curl", "8")).to.equal("curl/8.0");
    expect(shown("GPTBot", "1")).to.equal("Mozilla/5.0 (compatible; GPTBot/1.0; +http)");
    expect(shown("Other", undefined, "Linux")).to.equal("Other (X11; Linux x86_64)");
    expect(shown("Other")).to.equal("Other");
    expect(shown(undefined, "7")).to.equal("-");
  });

  it("follows the calendar", () => {
    const format = createCombinedFormat(ALL);
    const timeAt = (startedAtMs: number) => LINE.exec(format(exchangeWith({ startedAtMs })))?.[4];
    expect(timeAt(Date.UTC(2024, 1, 29, 23, 59, 59, 999))).to.equal("29/Feb/2024:23:59:59 +0000");
    expect(timeAt(Date.UTC(2026, 11, 31))).to.equal("31/Dec/2026:00:00:00 +0000");
  });

  it("is one line that gives every hostile string back", () => {
    const format = createCombinedFormat(ALL);
    const hostile = fc.string({ unit: "binary", minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(hostile, hostile, hostile, hostile, (method, path, query, referer) => {
        const line = format(exchangeWith({ method, path, query, referer }));
        expect(line).to.match(/^[\x20-\x7e]+\n$/);
        const fields = LINE.exec(line)?.slice(5, 11).map(unescaped);
        expect(fields).to.deep.equal([method, `${path}?${query}`, "1.1", "200", "123", referer]);
      }),
    );
  });

  it("lets no client forge a line", () => {
    const path = '/" 200 1 "-" "-" "-"\r\n192.0.2.1 - - [x] "GET \\';
    expect(createCombinedFormat(ALL)(exchangeWith({ path, query: undefined }))).to.contain(
      String.raw`"GET /\x22\x20200\x201\x20\x22-\x22\x20\x22-\x22\x20\x22-\x22\x0d\x0a192.0.2.1` +
        String.raw`\x20-\x20-\x20[x]\x20\x22GET\x20\x5c HTTP/1.1"`,
    );
  });
});

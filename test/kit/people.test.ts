import { expect } from "chai";
import * as fc from "fast-check";
import { PEOPLE, basicAuthorizationOf, cookieHeaderOf, findPerson } from "./people.ts";
import { base64Cores, isForDocumentation } from "./spellings.ts";

const [ada, boris, chloe] = PEOPLE;

function traitsFoundIn(bytes: Uint8Array | string): readonly string[] {
  return [...new Set(findPerson(bytes).map((finding) => finding.replace(/ \(.*/, "")))];
}

describe("planted people", () => {
  it("live where nobody real does", () => {
    for (const { ipv4, ipv6 } of PEOPLE) {
      expect(isForDocumentation(ipv4)).to.equal(true);
      expect(isForDocumentation(ipv6)).to.equal(true);
    }
    expect(isForDocumentation("8.8.8.8")).to.equal(false);
  });

  it("cannot be taken for each other", () => {
    for (const person of PEOPLE) {
      const owners = findPerson(JSON.stringify(person)).map((finding) => finding.split(":")[0]);
      expect([...new Set(owners)]).to.deep.equal([person.name]);
    }
  });
});

describe("search for planted people", () => {
  it("finds nothing in what carries nobody", () => {
    const line = `{"session.id":"683f8a00-1111-8222-8333-444444444444","client.address":"fd68:3f8a::1","user_agent.name":"Chrome","user_agent.version":"131","user_agent.os.name":"Android"}`;
    expect(findPerson(line)).to.deep.equal([]);
    expect(findPerson(new Uint8Array(0))).to.deep.equal([]);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => findPerson(bytes).length === 0),
      { numRuns: 20 },
    );
  });

  const spellings: readonly (readonly [string, string, string])[] = [
    ["plain", ada.email, "email"],
    ["upper case", ada.email.toUpperCase(), "email"],
    ["lower case", boris.email.toLowerCase(), "email"],
    ["percent-encoded", encodeURIComponent(ada.email), "email"],
    ["percent-encoded twice", encodeURIComponent(encodeURIComponent(ada.email)), "email"],
    ["needlessly percent-encoded", percentEncodeAll(chloe.email), "email"],
    ["in the host part's case", "chloe@QUILLFEATHER.example", "email"],
    ["hex", Buffer.from(chloe.email).toString("hex"), "email"],
    ["as JSON escapes", '"Chlo\\u00eb Quillfeather"', "name"],
    ["percent-encoded UTF-8", encodeURIComponent(boris.name), "name"],
    ["form-encoded", "name=Ada+Featherstonehaugh", "name"],
    ["IPv4 in IPv6", `::ffff:${ada.ipv4}`, "ipv4"],
    ["IPv4 in IPv6 as hex", "::ffff:c633:64ed", "ipv4"],
    ["IPv4 as a number", "3325256941", "ipv4"],
    ["IPv6 short", "2001:DB8:ADA:1::C0DE", "ipv6"],
    ["IPv6 long", "2001:0db8:0ada:0001:0000:0000:0000:c0de", "ipv6"],
    ["IPv6 percent-encoded", encodeURIComponent(boris.ipv6), "ipv6"],
    ["phone E.164", "+447700900123", "phone"],
    ["phone national", "07700 900-123", "phone"],
    ["phone digits only", "12025550147", "phone"],
    ["phone grouped", "(202) 555-0147", "phone"],
    ["a cookie", `x=1; ${cookieHeaderOf(ada)}`, "cookie PHPSESSID"],
    ["a credential", basicAuthorizationOf(chloe), "password"],
    ["a JWT without its header", `.${chloe.jwt.split(".")[1]}.`, "jwt payload"],
    ["what a user agent tells", "Android 14; sm-g998b", "user agent's detail"],
  ];
  for (const [spelling, text, trait] of spellings) {
    it(`finds them ${spelling}`, () => {
      expect(traitsFoundIn(text).map((finding) => finding.split(": ")[1])).to.include(trait);
    });
  }

  it("finds an IPv6 address as 16 bytes", () => {
    const bytes = Buffer.from(`0020010db80ada0001000000000000c0deff`, "hex");
    expect(traitsFoundIn(bytes)).to.deep.equal([`${ada.name}: ipv6`]);
  });

  it("finds base64 at every position of a longer text, in both alphabets", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 9 }),
        fc.uint8Array({ maxLength: 9 }),
        fc.constantFrom("base64" as const, "base64url" as const),
        (before, after, alphabet) => {
          const text = Buffer.concat([before, Buffer.from(boris.password), after]);
          expect(traitsFoundIn(text.toString(alphabet))).to.include(`${boris.name}: password`);
        },
      ),
      { numRuns: 50 },
    );
  });

  it("keeps of base64 only what the value decides", () => {
    expect(base64Cores(Buffer.from("abc"))).to.include.members(["YWJj"]);
    for (const core of base64Cores(Buffer.from("abcdef"))) expect(core.length).to.be.within(7, 8);
  });
});

function percentEncodeAll(text: string): string {
  return Buffer.from(text)
    .toString("hex")
    .replace(/../g, (byte) => `%${byte}`);
}

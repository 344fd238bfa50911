import { expect } from "chai";
import * as fc from "fast-check";
import {
  createCookieNames,
  FRAMEWORK_SESSION_COOKIES,
  sessionCookiesOf,
  splitCookies,
} from "../../src/identity/cookies.ts";

describe("identity/cookies", () => {
  const names = createCookieNames(FRAMEWORK_SESSION_COOKIES);
  const identityOf = (header: string) => sessionCookiesOf(splitCookies(header), names);

  it("keeps each pair byte for byte", () => {
    expect(splitCookies(' a=1; b="x y";c ; ;d=e=f')).to.deep.equal([
      { name: "a", text: "a=1" },
      { name: "b", text: 'b="x y"' },
      { name: "c", text: "c" },
      { name: "d", text: "d=e=f" },
    ]);
  });

  it("counts session cookies only", () => {
    expect(identityOf("_ga=GA1.2.3; PHPSESSID=abc; theme=dark")).to.equal("PHPSESSID=abc");
    expect(identityOf("_ga=GA1.2.3; theme=dark")).to.equal("");
    expect(identityOf("wordpress_logged_in_1f=u; phpsessid=no")).to.equal(
      "wordpress_logged_in_1f=u",
    );
  });

  it("does not depend on the order of the pairs", () => {
    const pairs = fc.uniqueArray(
      fc.tuple(fc.constantFrom("sid", "PHPSESSID", "session", "x"), fc.stringMatching(/^\w+$/)),
      { selector: ([name]) => name, minLength: 1 },
    );
    fc.assert(
      fc.property(pairs, (cookies) => {
        const texts = cookies.map(([name, value]) => `${name}=${value}`);
        expect(identityOf(texts.join("; "))).to.equal(identityOf(texts.toReversed().join(";")));
      }),
    );
  });
});

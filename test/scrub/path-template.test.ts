import { expect } from "chai";
import { blank, pseudonymiserOf, scrubberWith } from "./scrubbing.ts";

const pseudonymise = pseudonymiserOf(1);
const scrubber = scrubberWith({
  pathTemplates: ["/users/:id", "/users/:id/orders/:Order-No", "/:tenant/admin", "c++/:x"],
});
const path = (text: string) => blank(scrubber.path(text, pseudonymise));

describe("path templates", () => {
  for (const [sent, written] of [
    ["/users/42", "/users/~id.*"],
    ["/users/42/", "/users/~id.*/"],
    ["/users/42/orders/7", "/users/~id.*/orders/~orderno.*"],
    ["/users/42/edit", "/users/~id.*/edit"],
    ["/users/42/orders/7/items/9", "/users/~id.*/orders/~orderno.*/items/9"],
    ["/acme/admin", "/~tenant.*/admin"],
    ["/c++/secret", "/c++/~x.*"],
    ["/USERS/42", "/USERS/~id.*"],
    ["/u%73ers/42", "/u%73ers/~id.*"],
    ["/u%2573ers/42", "/u%2573ers/~id.*"],
    ["//users//42", "//users//~id.*"],
    ["/x/../users/./42", "/x/../users/./~id.*"],
    ["/users;v=1/42;w", "/users;v=~value.*/~id.*;w"],
    ["/users/%ff", "/users/~opaque.*"],
    ["/users", "/users"],
    ["/users/", "/users/"],
    ["/usersx/42", "/usersx/42"],
    ["/orders/42", "/orders/42"],
    ["/orders/bob@example.com", "/orders/~email.*"],
  ] as const) {
    it(`writes ${sent} as ${written}`, () => {
      expect(path(sent)).to.equal(written);
    });
  }

  it("gives one part one pseudonym, however it is encoded", () => {
    expect(scrubber.path("/users/b%6Fb", pseudonymise).slice(-8)).to.equal(
      scrubber.path("/users/bob", pseudonymise).slice(-8),
    );
  });

  it("leaves its own pseudonyms alone", () => {
    const once = scrubber.path("/users/42/orders/7", pseudonymise);
    expect(scrubber.path(once, pseudonymise)).to.equal(once);
  });

  it("takes templates that have nothing to replace", () => {
    expect(
      scrubberWith({ pathTemplates: ["", "/", "/a", "/:"] }).path("/a", pseudonymise),
    ).to.equal("/a");
  });
});

import { expect } from "chai";
import { KEEP, blank, pseudonymiserOf, scrubberWith } from "./scrubbing.ts";

const pseudonymise = pseudonymiserOf(1);
const scrubber = scrubberWith();
const path = (text: string) => blank(scrubber.path(text, pseudonymise));
const query = (text: string) => blank(scrubber.query(text, pseudonymise));
const host = (text: string) => blank(scrubber.host(text, pseudonymise));
const referer = (text: string) => blank(scrubber.referer(text, pseudonymise));
const text = (value: string) => blank(scrubber.text(value, pseudonymise));

type Case = readonly [sent: string, written: string];

function examples(scrub: (sent: string) => string | undefined, cases: readonly Case[]): void {
  for (const [sent, written] of cases) {
    it(`writes ${JSON.stringify(sent)} as ${JSON.stringify(written)}`, () => {
      expect(scrub(sent)).to.equal(written);
    });
  }
}

describe("scrubber: paths that hold nothing stay byte for byte", () => {
  for (const ordinary of [
    "",
    "/",
    "*",
    "/assets/app.js",
    "/api/v1/orders/42/items",
    "/assets/app.3f9c2b1a.js",
    "/assets/app.d41d8cd98f00b204e9800998ecf8427e.js",
    "/assets/logo-9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08.png",
    "/jquery-3.6.0.min.js",
    "/npm/react@18.2.0/umd",
    "/@types/node",
    "/img/logo@2x.png",
    "/orders/550e8400-e29b-41d4-a716-446655440000",
    "/things/507f1f77bcf86cd799439011",
    "/2024/01/15/how-to-install-node-20-on-ubuntu-24-04-in-ten-minutes",
    "/export/2024-01-15-10-30-45",
    "/docs/MyVeryLongComponentNameExample2",
    "/std::string/10:30:45",
    "/caf%C3%A9/%E6%9D%B1%E4%BA%AC",
    "/a%2Fb//c/../d",
    "/products/12345678",
    "/status/127.0.0.1",
    "/100%25/fun",
  ]) {
    it(JSON.stringify(ordinary), () => {
      expect(scrubber.path(ordinary, pseudonymise)).to.equal(ordinary);
    });
  }
});

describe("scrubber: paths", () => {
  examples(path, [
    ["/users/bob@example.com/edit", "/users/~email.*/edit"],
    ["/users/bob+news%40example.com", "/users/~email.*"],
    ["/users/bob%2540example.com", "/users/~email.*"],
    ["/users/mail:bob@example.com", "/users/~email.*"],
    ["/@bob@mastodon.example", "/@~email.*"],
    ["/u/%22john%20doe%22@example.com", "/u/~email.*"],
    ["/u/bob@[192.0.2.1]", "/u/~email.*"],
    ["/u/x%EF%BC%A0example.com", "/u/~email.*"],
    ["/u/jörg@bücher.example", "/u/~email.*"],
    ["/bounce+bob=example.org@lists.example.com", "/~email.*"],
    ["/call/07700900123", "/call/~phone.*"],
    ["/call/+44%207700%20900123", "/call/~phone.*"],
    ["/call/(020)%207946%200958", "/call/~phone.*"],
    ["/call+07911+123456", "/call+~phone.*"],
    ["/call/+1+202+555+0147", "/call/~phone.*"],
    ["/wa.me/12025550147", "/wa.me/~phone.*"],
    ["/tel07911123456x", "/tel~phone.*x"],
    ["/order-4-020-7946-0958", "/order-4-~phone.*"],
    ["/whois/192.0.2.1", "/whois/~ip.*"],
    ["/whois/2001:db8::1", "/whois/~ip.*"],
    ["/whois/%5B2001%3Adb8%3A%3A1%5D", "/whois/%5B~ip.*%5D"],
    ["/whois/::ffff:192.0.2.1", "/whois/~ip.*"],
    ["/pay/4111111111111111", "/pay/~card.*"],
    ["/pay/4111-1111-1111-1111", "/pay/~card.*"],
    ["/pay/GB82WEST12345698765432", "/pay/~iban.*"],
    ["/pay/gb82%20west%201234%205698%207654%2032", "/pay/~iban.*"],
    ["/t/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcDEF123_-x", "/t/~jwt.*"],
    ["/t/d41d8cd98f00b204e9800998ecf8427e", "/t/~secret.*"],
    ["/open/d41d8cd98f00b204e9800998ecf8427e.gif", "/open/~secret.*.gif"],
    ["/reset/dQw4w9WgXcQ_-abcDEFghiJKLmno123", "/reset/~secret.*"],
    ["/(S(lit3py55t21z5v55vlm25s55))/orders", "/(S(~secret.*))/orders"],
    ["/cart;jsessionid=ABC123;v=1/next", "/cart;jsessionid=~value.*;v=~value.*/next"],
    ["/cart;e=bob@example.com;=;flag", "/cart;e=~email.*;=;flag"],
  ]);
});

describe("scrubber: what cannot be read is replaced whole", () => {
  examples(path, [
    ["/a/%zz/b", "/a/~opaque.*/b"],
    ["/a/%", "/a/~opaque.*"],
    ["/a/%ff", "/a/~opaque.*"],
    ["/a/bob%u0040example.com", "/a/~opaque.*"],
    ["/a/bob%252540example.com", "/a/~opaque.*"],
    ["/a/bob%2540example.com%25ff%25zz", "/a/~email.*%25ff%25zz"],
  ]);
  examples(query, [["page=%zz&lang=en&name=%ff", "page=~opaque.*&lang=en&name=~opaque.*"]]);
});

describe("scrubber: controls never come out raw", () => {
  examples(path, [
    ["/a\u0000b\nc\u007f", "/a%00b%0Ac%7F"],
    ["/a\u0085\u2028\u2029\u202e", "/a%C2%85%E2%80%A8%E2%80%A9%E2%80%AE"],
    ["/a\ud800", "/a%EF%BF%BD"],
    ["/a%0Abob@example.com", "/a%0A~email.*"],
    ["/a%1Bz%20bob@example.com", "/a%1Bz%20~email.*"],
  ]);
  examples(text, [["one\ntwo", "one%0Atwo"]]);
});

describe("scrubber: queries", () => {
  examples(query, [
    ["", ""],
    ["page=2&sort=asc", "page=2&sort=asc"],
    ["page=2&name=bob&flag&empty=&=x", "page=2&name=~value.*&flag&empty=&=~value.*"],
    ["Page=2", "Page=~value.*"],
    ["p%61ge=2", "p%61ge=2"],
    ["email=bob@example.com&ip=192.0.2.1", "email=~email.*&ip=~ip.*"],
    ["text=write%20to%20bob@example.com", "text=~value.*"],
    ["sort=bob@example.com", "sort=~email.*"],
    ["sort=name,bob%40example.com,age", "sort=name,~email.*,age"],
    ["sort=call+07911+123456", "sort=call+~phone.*"],
    ["sort=+447911123456", "sort=~phone.*"],
    ["sort=GB82+WEST+1234+5698+7654+32", "sort=~iban.*"],
    ["user[bob@example.com]=1", "user[~email.*]=~value.*"],
    ["bob@example.com", "~email.*"],
    ["page=1;name=bob", "page=1;name=~value.*"],
    ["page=1&amp;lang=en", "page=1&amp;lang=en"],
    ["id=550e8400-e29b-41d4-a716-446655440000", "id=~value.*"],
    ["a=1&a=2&&a=", "a=~value.*&a=~value.*&&a="],
  ]);

  it("gives equal values equal pseudonyms, however they are spelt", () => {
    const written = scrubber.query("a=BOB%40example.com&b=bob@example.com", pseudonymise);
    const [a, b] = written.split("&").map((pair) => pair.slice(2));
    expect(a).to.equal(b);
    expect(scrubber.path("/+44%207911%20123456", pseudonymise)).to.equal(
      scrubber.path("/07911-123456", pseudonymise),
    );
    expect(scrubber.path("/2001:DB8:0::1", pseudonymise)).to.equal(
      scrubber.path("/2001:db8::1", pseudonymise),
    );
    expect(scrubber.query("q=a+b", pseudonymise)).to.equal(scrubber.query("q=a%20b", pseudonymise));
  });
});

describe("scrubber: long input", () => {
  it("replaces what is beyond 4 KiB of a path from its segment on", () => {
    const written = path(`/first/${"a/".repeat(2040)}${"x".repeat(40)}/secret/bob@example.com`);
    expect(written).to.match(/^\/first\/(?:a\/)+~rest\.\*$/);
    expect(path(`/${"x".repeat(5000)}`)).to.equal("/~rest.*");
  });

  it("replaces what is beyond 8 KiB or 200 parameters of a query", () => {
    const long = query(`page=1&lang=${"x".repeat(9000)}&sort=a`);
    expect(long).to.equal("page=1&~rest.*");
    const many = query(Array.from({ length: 300 }, () => "page=1").join("&"));
    expect(many).to.equal(`${"page=1&".repeat(200)}~rest.*`);
  });

  it("replaces what is beyond 8 KiB of free text", () => {
    expect(text(`${"word ".repeat(1700)}bob`)).to.match(/^(?:word )+~rest\.\*$/);
  });

  it("looks few numbers up and replaces the others unseen", () => {
    const written = path("/1234567890".repeat(40));
    expect(written?.split("/").slice(20)).to.satisfy((rest: string[]) =>
      rest.every((segment) => segment === "~phone.*"),
    );
  });
});

describe("scrubber: hosts", () => {
  examples(host, [
    ["", ""],
    ["example.com", "example.com"],
    ["www.example.com:8080", "www.example.com"],
    ["my_host-1.example.com.", "my_host-1.example.com."],
    ["localhost:3000", "localhost"],
    ["127.0.0.1:80", "127.0.0.1"],
    ["[::1]:80", "::1"],
    ["192.0.2.1:80", "~ip.*"],
    ["[2001:db8::1]:443", "~ip.*"],
    ["[fe80::1%25eth0]", "~ip.*"],
    ["3221225985", "~ip.*"],
    ["0xc0.0.2.1", "~ip.*"],
    ["192.0.2.1.nip.example", "~ip.*.nip.example"],
    ["ec2-203-0-113-7.compute.example", "ec2-~ip.*.compute.example"],
    ["d41d8cd98f00b204e9800998ecf8427e.example.com", "~secret.*.example.com"],
    ["bob@example.com", "~host.*"],
    ["a b", "~host.*"],
    ["-a.example", "~host.*"],
    [`${"a".repeat(64)}.example`, "~host.*"],
    ["a.".repeat(200), "~host.*"],
    ["ex\u0000mple", "~host.*"],
  ]);
});

describe("scrubber: referers", () => {
  examples(referer, [
    ["https://www.example.com/bob?email=x#y", "https://www.example.com"],
    ["http://bob:pw@example.com:8080/x", "http://example.com:8080"],
    ["https://192.0.2.1/x", "https://~ip.*"],
    ["https://3221225985/x", "https://~ip.*"],
    ["https://[2001:db8::1]:8443/x", "https://~ip.*:8443"],
    ["https://[::1]:8443/x", "https://[::1]:8443"],
    ["android-app://com.example.mail/", "android-app://com.example.mail"],
  ]);

  for (const none of [
    "",
    "/path",
    "about:blank",
    "bob@example.com",
    "data:,x",
    "x07911123456://a",
  ]) {
    it(`has none for ${JSON.stringify(none)}`, () => {
      expect(referer(none)).to.equal(undefined);
    });
  }
});

describe("scrubber: free text", () => {
  examples(text, [
    [
      '192.0.2.7 - - "GET /a/bob%40example.com?email=bob&page=2 HTTP/1.1" 100% 07911 123456',
      '~ip.* - - "GET /a/~email.*?email=~value.*&page=2 HTTP/1.1" 100% ~phone.*',
    ],
    ["mail <bob@example.com>, bob%2540example.com", "mail <~email.*>, ~email.*"],
    ["what? nothing", "what? nothing"],
    ["Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.e30.abc", "Authorization: Bearer ~jwt.*"],
    ["Authorization: Basic YWRhOnB3", "Authorization: Basic ~key.*"],
    ["Cookie: a=b; c=d", "Cookie: ~value.*"],
  ]);
});

describe("scrubber: configuration", () => {
  it("keeps the values of the keep list only", () => {
    const strict = scrubberWith({ keepQuery: [] });
    const pairs = KEEP.map((key) => `${key}=1`).join("&");
    expect(blank(strict.query(pairs, pseudonymise))).to.equal(
      KEEP.map((key) => `${key}=~value.*`).join("&"),
    );
  });

  it("keeps no value whose name means a secret, whatever the keep list says", () => {
    const lax = scrubberWith({
      keepQuery: ["access_token", "Password", "state", "name", "page_token"],
    });
    const sent = "access_token=a&Password=b&state=c&name=d&page_token=e";
    const written = "access_token=~value.*&Password=~value.*&state=c&name=d&page_token=e";
    expect(blank(lax.query(sent, pseudonymise))).to.equal(written);
  });

  it("dials numbers without + in the default country", () => {
    const german = scrubberWith({ defaultCountry: "DE" });
    expect(blank(german.path("/030-12345678", pseudonymise))).to.equal("/~phone.*");
    const unknown = scrubberWith({ defaultCountry: "XX" });
    expect(unknown.path("/07911123456", pseudonymise)).to.equal("/07911123456");
    expect(blank(unknown.path("/+447911123456", pseudonymise))).to.equal("/~phone.*");
  });
});

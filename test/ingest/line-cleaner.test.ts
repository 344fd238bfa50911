import { expect } from "chai";
import * as fc from "fast-check";
import { parseSessionToken } from "../../src/token/session-token.ts";
import { basicAuthorizationOf, cookieHeaderOf, findPerson, PEOPLE } from "../kit/people.ts";
import { apacheTime, openCleaning } from "./cleaning.ts";
import type { Cleaning } from "./cleaning.ts";

const DAY_MS = 86_400_000;

describe("line cleaner", () => {
  let cleaning: Cleaning;
  let nowMs: number;
  before(async () => {
    cleaning = await openCleaning(["10.0.0.0/8"]);
    nowMs = cleaning.opened.clock.now();
  });
  after(() => cleaning.opened.close());

  const combined = (address: string, userAgent = "curl/8.0", more = "", atMs = nowMs) =>
    `${address} - - [${apacheTime(atMs)}] "GET / HTTP/1.1" 200 5 "-" "${userAgent}"${more}`;
  const fields = async (line: string) => JSON.parse(await cleaning.cleaned(line)) as Record<string, unknown>; // prettier-ignore
  const token = async (line: string) => String((await fields(line))["session.id"]);
  const find = (uuid: string) => {
    const { epoch, tag } = parseSessionToken(uuid);
    return cleaning.opened.store.sessions.find(epoch, tag);
  };

  it("gives the token that the proxy gives, and the record that opens", async () => {
    const { uuid } = await cleaning.opened.visit({ address: "198.51.100.7", userAgent: "curl/8.0", cookieHeader: "", host: "" }); // prettier-ignore
    expect(await token(combined("198.51.100.7"))).to.equal(uuid);
    expect(await token(combined("::ffff:198.51.100.7"))).to.equal(uuid);
    expect(await token(combined("198.51.100.8"))).not.to.equal(uuid);
    const other = await token(combined("198.51.100.9", "x"));
    expect(await find(other)).not.to.equal(undefined);
  });

  it("counts a session cookie where the line has one", async () => {
    const line = (cookie: string) =>
      JSON.stringify({ time: nowMs, remote_addr: "198.51.100.7", request: "GET / HTTP/1.1", status: 200, http_user_agent: "curl/8.0", http_cookie: cookie }); // prettier-ignore
    const { uuid } = await cleaning.opened.visit({ address: "198.51.100.7", userAgent: "curl/8.0", cookieHeader: "PHPSESSID=a", host: "" }); // prettier-ignore
    expect(await token(line("b=c; PHPSESSID=a"))).to.equal(uuid);
    expect(await token(line("b=c"))).to.equal(await token(combined("198.51.100.7")));
  });

  it("believes a forwarded address behind a trusted proxy only", async () => {
    const direct = await token(combined("203.0.113.9"));
    expect(await token(combined("10.0.0.1", "curl/8.0", ' "1.2.3.4, 203.0.113.9"'))).to.equal(
      direct,
    );
    expect(await token(combined("198.51.100.7", "curl/8.0", ' "203.0.113.9"'))).not.to.equal(
      direct,
    );
    expect(await token(combined("10.0.0.1", "curl/8.0", ' "not an address"'))).to.equal(await token(combined("10.0.0.1"))); // prettier-ignore
  });

  it("gives no token to a line without an address, and to an error line the one without a user agent", async () => {
    expect((await fields(combined("dsl-7.example")))["session.id"]).to.equal(undefined);
    const local = new Date(nowMs);
    const time = `${String(local.getFullYear())}/${String(local.getMonth() + 1).padStart(2, "0")}/${String(local.getDate()).padStart(2, "0")} ${local.toTimeString().slice(0, 8)}`;
    const error = await fields(`${time} [error] 1#1: *1 x, client: 198.51.100.7, server: _`);
    expect(error).to.include({ severity_text: "error", message: "x" });
    expect(error["session.id"]).to.equal(await token(combined("198.51.100.7", "-")));
  });

  describe("times", () => {
    it("a past epoch that has not expired is created with its own window", async () => {
      const atMs = nowMs - 2 * DAY_MS;
      const uuid = await token(combined("198.51.100.7", "curl/8.0", "", atMs));
      const epoch = Math.floor(atMs / DAY_MS) * 86_400;
      expect(parseSessionToken(uuid).epoch).to.equal(epoch);
      expect(await find(uuid)).not.to.equal(undefined);
      const status = cleaning.opened.keyring.epochs().find((each) => each.epoch === epoch);
      expect(status).to.include({ startsAtMs: epoch * 1000, endsAtMs: epoch * 1000 + DAY_MS, expiresAtMs: epoch * 1000 + 4 * DAY_MS }); // prettier-ignore
    });

    it("an expired epoch gives the same tokens and pseudonyms each time, that nobody can look up", async () => {
      const atMs = nowMs - 90 * DAY_MS;
      const line = combined("198.51.100.7", "curl/8.0", "", atMs).replace("GET /", "GET /ada@example.org"); // prettier-ignore
      const first = await cleaning.cleaned(line);
      const other = await openCleaning();
      expect(await other.cleaned(line), "another keyring").not.to.equal(first);
      await other.opened.close();
      expect(await cleaning.cleaned(line)).to.equal(first);
      const uuid = String((JSON.parse(first) as Record<string, unknown>)["session.id"]);
      expect(await find(uuid)).to.equal(undefined);
      expect(cleaning.lost()).to.equal(0);
      expect(cleaning.opened.keyring.epochs().map(({ epoch }) => epoch)).not.to.include(parseSessionToken(uuid).epoch); // prettier-ignore
    });

    it("a token that the proxy gave is not given again once its epoch has expired", async () => {
      const own = await openCleaning();
      const { clock, keyring } = own.opened;
      const line = combined("198.51.100.7", "curl/8.0", "", clock.now());
      const before = await own.cleaned(line);
      clock.advance(5 * DAY_MS);
      await keyring.destroyExpired();
      // As a command that runs later: on the same keyring, with nothing in memory.
      const later = await openCleaning([], own.opened);
      const after = await later.cleaned(line);
      expect(after).not.to.equal(before);
      expect(await later.cleaned(line)).to.equal(after);
      await own.opened.close();
    });

    it("a time to come makes no key", async () => {
      const line = combined("198.51.100.7", "curl/8.0", "", nowMs + 40 * DAY_MS);
      expect(await cleaning.cleaned(line)).to.equal(await cleaning.cleaned(line));
      const latest = Math.max(...cleaning.opened.keyring.epochs().map(({ startsAtMs }) => startsAtMs)); // prettier-ignore
      expect(latest).to.be.lessThan(nowMs + DAY_MS);
    });

    it("without one the line has that of its arrival", async () => {
      expect(await fields("hello")).to.deep.equal({ time: new Date(nowMs).toISOString(), message: "hello", "logveil.unparsed": true }); // prettier-ignore
    });
  });

  describe("nothing of a person comes out", () => {
    const lines = PEOPLE.flatMap((person) => {
      const { email, ipv4, ipv6, jwt, login, name, password, phone, userAgent } = person;
      const cookie = cookieHeaderOf(person);
      const target = `/u/${email}/${jwt}?email=${encodeURIComponent(email)}&page=${encodeURIComponent(phone)}&q=${encodeURIComponent(name)}`;
      const referer = `https://${email.split("@")[1] ?? ""}.example/${login}?p=${password}`;
      const time = apacheTime(Date.UTC(2026, 1, 10));
      const basic = basicAuthorizationOf(person);
      return [
        `${ipv4} - ${login} [${time}] "GET ${target} HTTP/1.1" 200 5 "${referer}" "${userAgent}" "${ipv6}" "${cookie}"`,
        `${email}:443 ${ipv6} - ${name} [${time}] "${basic}" 400 5 "-" "-" "${cookie}"`,
        `${ipv4} - ${login} [${time}] "POST ${target}" 200 5`,
        JSON.stringify({ time: Date.UTC(2026, 1, 10), remote_addr: ipv6, remote_user: login, request_method: "GET", request_uri: target, status: 200, http_user_agent: userAgent, http_cookie: cookie, http_referer: referer, http_authorization: basic, request_id: login }), // prettier-ignore
        JSON.stringify({ ts: 1770681600, request: { client_ip: ipv4, method: "GET", uri: target, host: `${login}.example`.replace(login, email.split("@")[0] ?? ""), proto: "HTTP/2.0", headers: { "User-Agent": [userAgent], Authorization: [basic], Cookie: [cookie], "X-Forwarded-For": [ipv6] } }, status: 200 }), // prettier-ignore
        `2026/02/10 00:00:00 [error] 7#7: *1 open() "/www${target}" failed, client: ${ipv6}, server: _, request: "GET ${target} HTTP/1.1", upstream: "http://${ipv4}/${target}", host: "shop.example", referrer: "${referer}"`,
        `2026/02/10 00:00:00 [error] 7#7: *1 user "${login}" was not found in "/etc/passwords", client: ${ipv4}, server: _`,
        `2026/02/10 00:00:00 [info] 7#7: *1 client sent invalid header line: "Cookie: ${cookie}" while reading, client: ${ipv4}`,
        `[Tue Feb 10 00:00:00.000000 2026] [auth_basic:error] [pid 7:tid 9] [client ${ipv4}:4711] AH01618: user ${login} not found: ${target}, referer: ${referer}`,
        `[Tue Feb 10 00:00:00.000000 2026] [php:notice] [pid 7:tid 9] [client ${ipv6}:4711] mail to ${email}, phone ${phone}`,
        // What is nothing that anybody could read.
        `${ipv4} - ${login} [${time} "GET ${target} HTTP/1.1" 200 5 "${referer}" "${userAgent}`,
        `visit of ${ipv4} (${ipv6}) ${email} ${phone} ${jwt} ${basic} "${name}" "${userAgent}"`,
        `User-Agent: ${userAgent}`,
        `user=${login} password=${password} "${cookie}"`,
        JSON.stringify({ msg: "x", who: name, ua: userAgent, cookie, login, at: "never" }),
        JSON.stringify({ msg: name, ua: userAgent }).slice(0, -1),
        Buffer.from(`${name} ${userAgent} ${cookie}`, "utf16le").toString("latin1"),
        `${userAgent} \u00ff ${cookie} ${name}`,
        `\u001b[2J${login} ${cookie}`,
      ];
    });

    for (const format of ["json", "ecs", "combined"] as const)
      it(`in ${format}`, async () => {
        for (const line of lines) {
          const bytes = Buffer.from(line).toString("latin1");
          const written = await cleaning.cleaned(bytes, format);
          expect(findPerson(written), `${line}\n${written}`).to.deep.equal([]);
          expect(written).to.match(/^[\x20-\x7e]+\n$/);
        }
      });

    it("in garbage made of such lines", async () => {
      const [{ email, ipv4, ipv6, jwt, phone, userAgent }] = PEOPLE;
      // What can be told from its shape, wherever it stands: docs/scrubbing.md says what cannot.
      const planted = fc.constantFrom(email, ipv4, ipv6, jwt, phone, `"${userAgent}"`, email.toUpperCase()); // prettier-ignore
      const filler = fc.oneof(
        fc.constantFrom(
          " ",
          " - - [",
          '] "',
          '" ',
          "{",
          "}",
          ", ",
          "\t",
          " 200 5 ",
          "GET /x ",
          '"a":',
        ),
        fc.stringMatching(/^ [a-z ]{0,8} $/),
      );
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(filler, planted, filler), { maxLength: 4 }),
          async (parts) => {
            const line = parts
              .map(([before, person, after]) => `${before} ${person} ${after}`)
              .join(" ");
            for (const format of ["json", "combined"] as const)
              expect(findPerson(await cleaning.cleaned(line, format)), line).to.deep.equal([]);
          },
        ),
        { numRuns: 150 },
      );
    });

    it("in arbitrary bytes, which give one line of printable ASCII each", async () => {
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
          const written = await cleaning.cleaned(Buffer.from(bytes).toString("latin1"));
          expect(written).to.match(/^[\x20-\x7e]+\n$/);
          JSON.parse(written);
        }),
        { numRuns: 200 },
      );
    });
  });
});

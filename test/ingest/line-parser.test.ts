import { expect } from "chai";
import * as fc from "fast-check";
import { createLineParser } from "../../src/ingest/line-parser.ts";
import type { LoggedError, LoggedLine, LoggedRequest } from "../../src/ingest/logged-line.ts";

const parse = createLineParser("auto");

function request(line: string): LoggedRequest {
  const parsed = parse(line);
  if (parsed?.kind !== "request") throw new Error("not read as a request");
  return parsed;
}

function error(line: string): LoggedError {
  const parsed = parse(line);
  if (parsed?.kind !== "error") throw new Error("not read as an error");
  return parsed;
}

const AT = Date.UTC(2026, 10, 20, 12, 55, 36);
const UA = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0";

describe("line parser", () => {
  describe("combined and its relatives", () => {
    const head = `198.51.100.7 - - [20/Nov/2026:13:55:36 +0100]`;

    it("reads combined", () => {
      const parsed = request(
        `${head} "GET /a/b?c=d HTTP/1.1" 404 512 "https://x.example/y" "${UA}"`,
      );
      expect(parsed).to.deep.include({ atMs: AT, statusCode: 404, responseBodyBytes: 512 });
      expect(parsed.client).to.deep.include({ address: "198.51.100.7", userAgent: UA, host: "" });
      expect(parsed.target).to.deep.include({ method: "GET", path: "/a/b", query: "c=d", protocolVersion: "1.1" }); // prettier-ignore
      expect(parsed.referer).to.equal("https://x.example/y");
      expect(parsed.durationMs).to.equal(undefined);
    });

    it("reads common, where nothing is known of the user agent", () => {
      const parsed = request(`${head} "GET / HTTP/1.0" 200 -`);
      expect(parsed).to.deep.include({ responseBodyBytes: 0, referer: undefined });
      expect(parsed.client.userAgent).to.equal("");
    });

    it("reads either behind the name of a virtual host", () => {
      const parsed = request(`shop.example:443 ${head} "GET / HTTP/2.0" 200 5 "-" "-"`);
      expect(parsed.client).to.deep.include({ address: "198.51.100.7", host: "shop.example", userAgent: "" }); // prettier-ignore
      expect(parsed.target.protocolVersion).to.equal("2");
    });

    it("takes user names with spaces, and IPv6 in any spelling", () => {
      const line = head.replace("198.51.100.7 - -", "2001:0DB8:0::1 - Ada Lovelace");
      expect(request(`${line} "GET / HTTP/1.1" 200 5`).client.address).to.equal("2001:db8::1");
    });

    it("has no address for a host name, and does not take it for a virtual host", () => {
      const line = head.replace("198.51.100.7", "dsl-7.customers.example");
      expect(request(`${line} "GET / HTTP/1.1" 200 5`).client).to.deep.include({ address: undefined, host: "" }); // prettier-ignore
    });

    it("undoes the escapes of nginx and of Apache: the bytes that the client sent", () => {
      const sent = 'a "quoted" \\ agent \u00c3\u00a9';
      const nginx = "a \\x22quoted\\x22 \\x5C agent \\xC3\\xA9";
      const apache = 'a \\"quoted\\" \\\\ agent \\xc3\\xa9';
      for (const written of [nginx, apache])
        expect(request(`${head} "GET / HTTP/1.1" 200 5 "-" "${written}"`).client.userAgent).to.equal(sent); // prettier-ignore
    });

    it("reads the first quoted field behind it as what was forwarded, and nothing else of it", () => {
      const parsed = request(
        `${head} "GET / HTTP/1.1" 200 5 "-" "-" "203.0.113.9, 10.0.0.1" "x" 0.4`,
      );
      expect(parsed.client.forwardedFor).to.equal("203.0.113.9, 10.0.0.1");
      expect(JSON.stringify(parsed)).not.to.include('"x"');
    });

    it("knows methods and versions of HTTP, and takes nobody's word for others", () => {
      expect(request(`${head} "PROPFIND /x HTTP/1.1" 200 5`).target.method).to.equal("PROPFIND");
      expect(request(`${head} "ADA /x HTTP/1.1" 200 5`).target.method).to.equal("_OTHER");
      expect(request(`${head} "GET /x HTTP/ada" 200 5`).target.protocolVersion).to.equal(undefined);
      expect(request(`${head} "GET http://h.example/x?y HTTP/1.1" 200 5`).target).to.deep.include({ authority: "h.example", path: "/x", query: "y" }); // prettier-ignore
    });

    it("leaves a request line that is none unread", () => {
      for (const sent of ["\\x16\\x03\\x01", "-", "", "hello"])
        expect(request(`${head} "${sent}" 400 0`).target.path, sent).to.equal(undefined);
    });

    for (const line of [
      "",
      "hello",
      head,
      `${head} "GET / HTTP/1.1" 20 5`,
      `${head} "GET / HTTP/1.1" 200`,
      `${head} "GET / HTTP/1.1`,
      head.replace("Nov", "Nev") + ' "GET / HTTP/1.1" 200 5',
      head.replace("20/Nov", "32/Nov") + ' "GET / HTTP/1.1" 200 5',
      head.replace("2026", "2226") + ' "GET / HTTP/1.1" 200 5',
    ])
      it(`does not take ${JSON.stringify(line.slice(0, 80))}`, () => {
        expect(parse(line)).to.equal(undefined);
      });
  });

  describe("JSON", () => {
    const nginx = {
      time_iso8601: "2026-11-20T13:55:36+01:00",
      remote_addr: "::ffff:198.51.100.7",
      remote_user: "ada",
      request: "GET /a?b=c HTTP/1.1",
      status: "200",
      body_bytes_sent: "512",
      request_time: "0.042",
      upstream_response_time: "0.010, 0.040",
      http_referer: "",
      http_user_agent: UA,
      http_cookie: "PHPSESSID=x1; a=b",
      host: "shop.example",
      request_id: "0123456789abcdef0123456789abcdef",
    };

    it("reads nginx under the variables' own names", () => {
      const parsed = request(JSON.stringify(nginx));
      expect(parsed).to.deep.include({ atMs: AT, statusCode: 200, durationMs: 42, upstreamMs: 40, requestId: nginx.request_id }); // prettier-ignore
      expect(parsed.client).to.deep.include({ address: "198.51.100.7", cookieHeader: "PHPSESSID=x1; a=b", host: "shop.example" }); // prettier-ignore
    });

    it("takes a request id that a client can have chosen for none", () => {
      expect(request(JSON.stringify({ ...nginx, request_id: "ada" })).requestId).to.equal(
        undefined,
      );
    });

    it("reads times as seconds, milliseconds and Apache's", () => {
      for (const time of [
        "1795179336.000",
        1795179336,
        1795179336000,
        "20/Nov/2026:13:55:36 +0100",
      ]) {
        const { time_iso8601: _, ...others } = nginx;
        expect(request(JSON.stringify({ ...others, time })).atMs, String(time)).to.equal(AT);
      }
    });

    it("reads bytes, escaped or not", () => {
      const bytes = Buffer.from(JSON.stringify({ ...nginx, http_user_agent: "é→" })).toString(
        "latin1",
      );
      expect(request(bytes).client.userAgent).to.equal(Buffer.from("é→").toString("latin1"));
      const spelt = JSON.stringify({ ...nginx, http_user_agent: "ARROW" }).replace(
        "ARROW",
        "\\u2192",
      );
      expect(request(spelt).client.userAgent).to.equal(Buffer.from("→").toString("latin1"));
      const apache = JSON.stringify({ ...nginx, http_user_agent: "ACUTE" }).replace(
        "ACUTE",
        "\\xc3\\xa9",
      );
      expect(request(apache).client.userAgent).to.equal(Buffer.from("é").toString("latin1"));
    });

    it("reads Caddy, whose cookies are its own word when it has not logged them", () => {
      const caddy = {
        level: "info",
        ts: 1795179336.5,
        logger: "http.log.access",
        msg: "handled request",
        request: {
          remote_ip: "10.0.0.1",
          client_ip: "198.51.100.7",
          proto: "HTTP/2.0",
          method: "GET",
          host: "shop.example:8443",
          uri: "/a?b=c",
          headers: { "User-Agent": [UA], Cookie: ["REDACTED"], Referer: ["https://x.example/"] },
        },
        bytes_read: 3,
        duration: 0.25,
        size: 512,
        status: 404,
      };
      const parsed = request(JSON.stringify(caddy));
      expect(parsed).to.deep.include({ atMs: AT + 500, statusCode: 404, durationMs: 250, requestBodyBytes: 3 }); // prettier-ignore
      expect(parsed.client).to.deep.include({ address: "198.51.100.7", userAgent: UA, cookieHeader: "", host: "shop.example" }); // prettier-ignore
      expect(parsed.target).to.deep.include({ path: "/a", query: "b=c", protocolVersion: "2" });
    });

    it("looks into what Docker wraps around a line", () => {
      const line = `198.51.100.7 - - [20/Nov/2026:13:55:36 +0100] "GET / HTTP/1.1" 200 5 "-" "-"\n`;
      expect(request(JSON.stringify({ log: line, stream: "stdout", time: "x" })).atMs).to.equal(AT);
    });

    it("takes nothing else that is JSON", () => {
      for (const other of [{}, { a: 1 }, { ...nginx, status: "x" }, { ...nginx, request: 1 }, []])
        expect(parse(JSON.stringify(other)), JSON.stringify(other)).to.equal(undefined);
    });
  });

  describe("error logs", () => {
    const local = new Date(2026, 10, 20, 13, 55, 36).getTime();

    it("reads nginx's", () => {
      const parsed = error(
        '2026/11/20 13:55:36 [error] 7#7: *90 open() "/www/x" failed (2: No such file or directory), client: 198.51.100.7, server: _, request: "GET /x?a=b HTTP/1.1", host: "shop.example", referrer: "https://x.example/y"',
      );
      expect(parsed).to.deep.include({
        atMs: local,
        level: "error",
        referer: "https://x.example/y",
      });
      expect(parsed.message).to.equal('open() "/www/x" failed (2: No such file or directory)');
      expect(parsed.client).to.deep.include({ address: "198.51.100.7", host: "shop.example" });
      expect(parsed.target).to.deep.include({ path: "/x", query: "a=b" });
      expect(error("2026/11/20 13:55:36 [notice] 1#1: signal process started").client.address).to.equal(undefined); // prettier-ignore
    });

    it("reads Apache's, of 2.2 and 2.4, with and without a port", () => {
      const text = "AH00128: File does not exist: /www/x, referer: https://x.example/y";
      const of24 = `[Fri Nov 20 13:55:36.123456 2026] [core:info] [pid 7:tid 9]`;
      expect(error(`${of24} [client 198.51.100.7:4711] ${text}`)).to.deep.include({ atMs: local + 123, level: "info", message: "AH00128: File does not exist: /www/x", referer: "https://x.example/y" }); // prettier-ignore
      expect(error(`${of24} [client 2001:db8::1:4711] x`).client.address).to.equal("2001:db8::1");
      expect(error(`[Fri Nov 20 13:55:36 2026] [error] [client 2001:db8::1] x`).client.address).to.equal("2001:db8::1"); // prettier-ignore
      expect(error(`[Fri Nov 20 13:55:36 2026] [notice] caught SIGTERM`).client.address).to.equal(undefined); // prettier-ignore
    });

    it("takes no other word for a level", () => {
      expect(parse("2026/11/20 13:55:36 [ada] 7#7: x")).to.equal(undefined);
    });
  });

  it("reads what it is told to read only", () => {
    const combined = `198.51.100.7 - - [20/Nov/2026:13:55:36 +0100] "GET / HTTP/1.1" 200 5`;
    expect(createLineParser("json")(combined)).to.equal(undefined);
    expect(createLineParser("common")("2026/11/20 13:55:36 [error] 7#7: x")).to.equal(undefined);
    expect(createLineParser("combined")(combined)?.kind).to.equal("request");
  });

  it("never throws, whatever comes", () => {
    const part = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom(' "', '" ', " [", "] ", "{", "}", '"request":', "\\x", "\\", ", client: ", "[client ", "20/Nov/2026:13:55:36 +0100", "2026/11/20 13:55:36 [error] 1#1: ", "GET / HTTP/1.1", " 200 5", "198.51.100.7 - - "), // prettier-ignore
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 20 }), (parts) => {
        const parsed: LoggedLine | undefined = parse(parts.join(""));
        if (parsed !== undefined) expect(parsed.atMs).to.be.within(0, 2 ** 32 * 1000);
      }),
      { numRuns: 2000 },
    );
  });

  it("takes time that grows with the line, not with its square", () => {
    const hostile = [
      (size: number) => `2026/11/20 13:55:36 [error] 1#1: x, client: 1.2.3.4, server: ${', request: "'.repeat(size)}`, // prettier-ignore
      (size: number) => `198.51.100.7 - - [20/Nov/2026:13:55:36 +0100] "${'\\"'.repeat(size)}`,
      (size: number) => `[Fri Nov 20 13:55:36 2026] [error] ${", referer: ".repeat(size)}`,
    ];
    for (const make of hostile) {
      const cost = (size: number) => {
        const line = make(size);
        const started = process.cpuUsage();
        for (let turn = 0; turn < 20; turn++) parse(line);
        const { user, system } = process.cpuUsage(started);
        return user + system + 2000;
      };
      cost(500);
      // Ten times the length: a hundred times the work, were it the square.
      expect(cost(5000) / cost(500)).to.be.lessThan(60);
    }
  });
});

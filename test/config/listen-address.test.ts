import { expect } from "chai";
import {
  clash,
  findListenAddress,
  findUpstream,
  reaches,
  type ListenAddress,
} from "../../src/config/listen-address.ts";

function listenAt(text: string): ListenAddress {
  const address = findListenAddress(text);
  if (address === undefined) throw new Error(`${text} is no address`);
  return address;
}

describe("listen addresses", () => {
  it("are what server.listen takes", () => {
    expect(findListenAddress("127.0.0.1:8080")).to.deep.equal({ host: "127.0.0.1", port: 8080 });
    expect(findListenAddress("localhost:0")).to.deep.equal({ host: "localhost", port: 0 });
    expect(findListenAddress("[::1]:8080")).to.deep.equal({ host: "::1", port: 8080 });
    expect(findListenAddress(":8080")).to.deep.equal({ port: 8080 });
    expect(findListenAddress("unix:/run/a.sock")).to.deep.equal({ path: "/run/a.sock" });
  });

  for (const text of [
    "",
    "8080",
    ":",
    "127.0.0.1",
    "127.0.0.1:",
    "127.0.0.1:65536",
    "127.0.0.1:-1",
    "127.0.0.1:80x",
    "127.0.0.256:80",
    "127.1:80",
    "::1:8080",
    "[::1]",
    "[::1:8080",
    "[127.0.0.1]:8080",
    "[]:80",
    "http://127.0.0.1:80",
    "a b:80",
    "-a:80",
    "host:80\n",
    "unix:",
    "unix:run/a.sock",
    `unix:/${"a".repeat(107)}`,
  ]) {
    it(`refuse ${JSON.stringify(text.slice(0, 30))}`, () => {
      expect(findListenAddress(text)).to.equal(undefined);
    });
  }
});

describe("upstreams", () => {
  it("are origins or sockets", () => {
    expect(findUpstream("http://127.0.0.1:8000")).to.equal("http://127.0.0.1:8000");
    expect(findUpstream("http://web_1:8000/")).to.equal("http://web_1:8000");
    expect(findUpstream("HTTPS://Example.org:443")).to.equal("https://example.org");
    expect(findUpstream("http://[::1]:80")).to.equal("http://[::1]");
    expect(findUpstream("unix:/run/app.sock")).to.equal("unix:/run/app.sock");
  });

  for (const text of [
    "",
    "127.0.0.1:8000",
    "http://",
    "http://a:0",
    "http://a:99999",
    "http://a/path",
    "http://a?q",
    "http://a/?",
    "http://a#f",
    "http://name:password@a",
    "http://a b",
    " http://a",
    "ftp://a",
    "file:///a",
    "unix:app.sock",
  ]) {
    it(`refuse ${JSON.stringify(text)}`, () => {
      expect(findUpstream(text)).to.equal(undefined);
    });
  }
});

describe("a loop", () => {
  for (const [upstream, listen] of [
    ["http://127.0.0.1:8080", "127.0.0.1:8080"],
    ["http://127.0.0.1:8080", ":8080"],
    ["http://127.0.0.1:8080", "0.0.0.0:8080"],
    ["http://localhost:8080", "127.0.0.1:8080"],
    ["http://127.0.0.1:8080", "localhost:8080"],
    ["http://LOCALHOST:8080", "[::1]:8080"],
    ["http://[::1]:8080", "[::]:8080"],
    ["http://[0:0::1]:8080", "[::1]:8080"],
    ["http://0.0.0.0:8080", ":8080"],
    ["http://127.0.0.1", ":80"],
    ["https://localhost", ":443"],
    ["http://192.0.2.1:8080", "192.0.2.1:8080"],
    ["unix:/a.sock", "unix:/a.sock"],
  ] as const) {
    it(`leads from ${listen} to ${upstream}`, () => {
      expect(reaches(upstream, listenAt(listen))).to.equal(true);
    });
  }

  for (const [upstream, listen] of [
    ["http://127.0.0.1:8000", "127.0.0.1:8080"],
    ["http://127.0.0.2:8080", "127.0.0.1:8080"],
    ["http://[::1]:8080", "127.0.0.1:8080"],
    ["http://[::1]:8080", "0.0.0.0:8080"],
    ["http://web.example.org:8080", ":8080"],
    ["http://192.0.2.1:80", ":80"],
    ["http://127.0.0.1:8080", "unix:/a.sock"],
    ["unix:/a.sock", "127.0.0.1:8080"],
    ["unix:/a.sock", "unix:/b.sock"],
  ] as const) {
    it(`does not lead from ${listen} to ${upstream}`, () => {
      expect(reaches(upstream, listenAt(listen))).to.equal(false);
    });
  }
});

describe("two listeners", () => {
  for (const [one, other, expected] of [
    ["127.0.0.1:80", "127.0.0.1:80", true],
    [":80", "127.0.0.1:80", true],
    ["192.0.2.1:80", "0.0.0.0:80", true],
    ["[::]:80", "[::1]:80", true],
    ["localhost:80", "127.0.0.1:80", true],
    ["unix:/a", "unix:/a", true],
    ["127.0.0.1:0", "127.0.0.1:0", false],
    ["127.0.0.1:80", "127.0.0.1:81", false],
    ["127.0.0.1:80", "[::1]:80", false],
    ["0.0.0.0:80", "[::1]:80", false],
    ["unix:/a", "unix:/b", false],
    ["unix:/a", ":80", false],
  ] as const) {
    it(`${one} and ${other} ${expected ? "clash" : "can be side by side"}`, () => {
      expect(clash(listenAt(one), listenAt(other))).to.equal(expected);
      expect(clash(listenAt(other), listenAt(one))).to.equal(expected);
    });
  }
});

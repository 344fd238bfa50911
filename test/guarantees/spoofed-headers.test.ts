import { expect } from "chai";
import { startEchoUpstream } from "../kit/echo-upstream.ts";
import type { Echo, EchoUpstream } from "../kit/echo-upstream.ts";
import { startRunningSidecar } from "../kit/running-sidecar.ts";
import type { RunningSidecar, Settings } from "../kit/running-sidecar.ts";

const SPOOFED = "203.0.113.66";

/** What a client may try to be believed with. */
const SPOOFS: Readonly<Record<string, string>> = {
  "X-Forwarded-For": SPOOFED,
  Forwarded: `for=${SPOOFED}`,
  "X-Real-IP": SPOOFED,
  "X-Client-IP": SPOOFED,
  "True-Client-IP": SPOOFED,
  "CF-Connecting-IP": SPOOFED,
  X_Forwarded_For: SPOOFED,
  "X-Session-Token": "11111111-2222-8333-8444-555555555555",
  X_Session_Token: "11111111-2222-8333-8444-555555555555",
  "X-Forwarded-Host": "evil.example",
  "X-Forwarded-Proto": "https",
  "X-Request-Id": "chosen-by-the-client",
  Via: "1.1 evil",
  Cookie: "logveil_session=11111111-2222-8333-8444-555555555555",
};

describe("guarantee: spoofed headers", () => {
  let upstream: EchoUpstream;
  const running: RunningSidecar[] = [];

  const start = async (settings: Settings = {}) => {
    const sidecar = await startRunningSidecar({ upstream: upstream.url, settings });
    running.push(sidecar);
    return sidecar;
  };

  beforeEach(async () => {
    upstream = await startEchoUpstream();
  });

  afterEach(async () => {
    for (const sidecar of running.splice(0)) await sidecar[Symbol.asyncDispose]();
    await upstream.close();
  });

  it("nothing that a client claims about itself reaches the upstream", async () => {
    const sidecar = await start();
    await fetch(sidecar.proxyUrl, { headers: SPOOFS });
    const seen = JSON.stringify(upstream.echoes[0]?.rawHeaders);
    expect(seen).to.not.include(SPOOFED);
    expect(seen).to.not.include("11111111");
    expect(seen).to.not.include("evil");
    expect(seen).to.not.include("chosen-by-the-client");
  });

  it("the session is the same with and without the claims", async () => {
    const sidecar = await start();
    const { Cookie: _cookie, ...claims } = SPOOFS;
    await fetch(sidecar.proxyUrl);
    await fetch(sidecar.proxyUrl, { headers: claims });
    const [plain, spoofed] = await sidecar.logLines(2);
    expect(spoofed?.["session.id"]).to.equal(plain?.["session.id"]);
  });

  it("every slot for an address holds the token's address spelling", async () => {
    const sidecar = await start();
    await fetch(sidecar.proxyUrl, { headers: SPOOFS });
    const headers = headersOf(upstream);
    const [line] = await sidecar.logLines(1);
    const address = line?.["client.address"];
    expect(address).to.match(/^fd[0-9a-f:]+$/);
    expect(headers["x-forwarded-for"]).to.equal(address);
    expect(headers["x-real-ip"]).to.equal(address);
    expect(headers["forwarded"]).to.equal(`for="[${String(address)}]"`);
    expect(headers["x-session-token"]).to.equal(line?.["session.id"]);
    expect(headers["user-agent"]).to.equal(`logveil-session/${String(line?.["session.id"])}`);
    expect(headers["via"]).to.equal("1.1 logveil");
  });

  it("believes a trusted proxy, from the right", async () => {
    const sidecar = await start({ proxy: { trustedProxies: ["127.0.0.1"] } });
    const forwardedFor = `${SPOOFED}, 198.51.100.7`;
    await fetch(sidecar.proxyUrl, { headers: { ...SPOOFS, "X-Forwarded-For": forwardedFor } });
    const [line] = await sidecar.logLines(1);
    const { body } = await sidecar.lookUp(String(line?.["session.id"]));
    expect(body.data?.["clientip"]).to.equal("198.51.100.7");
    expect(headersOf(upstream)["x-forwarded-host"]).to.equal("evil.example");
    expect(headersOf(upstream)["x-forwarded-proto"]).to.equal("https");
  });

  const policies: readonly (readonly [
    string,
    Settings,
    Readonly<Record<string, RegExp | undefined>>,
  ])[] = [
    [
      "omit",
      { clientAddress: "omit", userAgent: "omit", cookies: "omit" },
      {
        "x-forwarded-for": undefined,
        "x-real-ip": undefined,
        forwarded: undefined,
        "user-agent": undefined,
        cookie: undefined,
      },
    ],
    [
      "pass",
      { clientAddress: "pass", userAgent: "pass", cookies: "pass" },
      {
        "x-forwarded-for": /^127\.0\.0\.1$/,
        "user-agent": /^Mozilla\/5\.0 \(X11; Linux/,
        cookie: /^a=1$/,
        "sec-ch-ua": /^"Chrome"/,
      },
    ],
    ["reduced", { userAgent: "reduced" }, { "user-agent": /Chrome\/131/, "sec-ch-ua": undefined }],
  ];
  for (const [name, forward, expected] of policies) {
    it(`forward: ${name}`, async () => {
      const sidecar = await start({ proxy: { forward } });
      const agent =
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.6778.85 Safari/537.36";
      await fetch(sidecar.proxyUrl, {
        headers: {
          "User-Agent": agent,
          Cookie: "a=1",
          "Sec-CH-UA": '"Chrome";v="131"',
          "X-Forwarded-For": SPOOFED,
        },
      });
      const headers = headersOf(upstream);
      for (const [field, pattern] of Object.entries(expected)) {
        if (pattern === undefined) expect(headers[field], field).to.equal(undefined);
        else expect(headers[field], field).to.match(pattern);
      }
      expect(headers["x-session-token"]).to.match(/^[0-9a-f-]{36}$/);
      if (name === "reduced") expect(headers["user-agent"]).to.not.include("131.0.6778");
    });
  }
});

function headersOf(upstream: EchoUpstream): Echo["headers"] {
  const echo = upstream.echoes.at(-1);
  if (echo === undefined) throw new Error("nothing reached the upstream");
  return echo.headers;
}

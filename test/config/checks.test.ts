import { expect } from "chai";
import { load, pathsOf, problemsOf } from "./loading.ts";

describe("keys that must fit together", () => {
  for (const [problem, text] of [
    [
      "proxy.upstream is the address that the proxy itself listens on",
      "proxy: { upstream: http://127.0.0.1:8080 }",
    ],
    ["proxy.upstream is the address that the proxy itself listens on", "proxy: { listen: :8000 }"],
    ["proxy.upstream is the address of the vault", "proxy: { upstream: http://localhost:3000 }"],
    ["vault.listen is taken by proxy.listen", "vault: { listen: :8080 }"],
    [
      "proxy.forward.passCookies names logveil_session, which logveil sets",
      "proxy: { forward: { passCookies: [logveil_session] } }",
    ],
    ["session.rotate must be whole seconds", "session: { rotate: 1001ms }"],
    [
      "vault.rootTokenFile is the same file as vault.masterKeyFile",
      "vault: { rootTokenFile: <dataDir>/master.key }",
    ],
    ["proxy.tls.key is missing while proxy.tls.cert is set", "proxy: { tls: { cert: a.pem } }"],
    ["proxy.tls.cert is missing while proxy.tls.key is set", "proxy: { tls: { key: a.key } }"],
    [
      "proxy.upstreamTls.key is missing while proxy.upstreamTls.cert is set",
      "proxy: { upstream: 'https://a', upstreamTls: { cert: a.pem } }",
    ],
    [
      "proxy.upstreamTls.cert is missing while proxy.upstreamTls.key is set",
      "proxy: { upstream: 'https://a', upstreamTls: { key: a.key } }",
    ],
    [
      "proxy.upstreamTls.ca has no effect on a connection without TLS",
      "proxy: { upstreamTls: { ca: a.pem } }",
    ],
    [
      "proxy.upstreamTls.serverName has no effect on a connection without TLS",
      "proxy: { upstream: 'unix:/a', upstreamTls: { serverName: a.example } }",
    ],
    [
      "proxy.proxyProtocol is on while proxy.trustedProxies is empty, so every connection would be closed",
      "proxy: { proxyProtocol: on }",
    ],
    [
      "accessLog.syslog.url is missing while accessLog.outputs names syslog",
      "accessLog: { outputs: [syslog] }",
    ],
    [
      "accessLog.otlp.url is missing while accessLog.outputs names otlp",
      "accessLog: { outputs: [otlp] }",
    ],
    [
      "accessLog.mezmo.keyFile is missing while accessLog.outputs names mezmo",
      "accessLog: { outputs: [mezmo] }",
    ],
    [
      "accessLog.http.url is missing while accessLog.outputs names http",
      "accessLog: { outputs: [http] }",
    ],
    [
      "accessLog.syslog.ca has no effect on a connection without TLS",
      "accessLog: { syslog: { url: 'tcp://a:601', ca: a.pem } }",
    ],
    [
      "vault.notify.secret is missing while vault.notify.webhook is set",
      "vault: { notify: { webhook: 'https://a' } }",
    ],
    [
      "vault.notify.from is missing while vault.notify.smtp is set",
      "vault: { notify: { smtp: 'smtps://a' } }",
    ],
  ] as const) {
    it(`are refused: ${problem}`, () => {
      const found = problemsOf({ text }).map(({ path, problem }) => `${path} ${problem}`);
      expect(found[0]).to.equal(problem);
    });
  }

  it("are not guessed about when one of them is invalid itself", () => {
    const text = "proxy: { listen: nonsense, upstream: http://127.0.0.1:8080 }";
    expect(pathsOf({ text })).to.deep.equal(["proxy.listen"]);
    const section = "proxy: 5\nvault: { listen: :8080 }";
    expect(pathsOf({ text: section })).to.deep.equal(["proxy"]);
  });

  it("say which variable set the key", () => {
    const env = { LOGVEIL_PROXY_UPSTREAM: "http://127.0.0.1:8080" };
    expect(problemsOf({ env })[0]?.source).to.equal("LOGVEIL_PROXY_UPSTREAM");
    const overrides = { upstream: "http://127.0.0.1:8080" };
    expect(problemsOf({ env, overrides })[0]?.source).to.equal("--upstream");
  });
});

describe("warnings", () => {
  for (const [path, text] of [
    ["session.retention", "session: { retention: 71h }"],
    ["proxy.trustedProxies", "proxy: { trustedProxies: [0.0.0.0/0] }"],
    ["proxy.trustedProxies", "proxy: { trustedProxies: ['::/0'] }"],
    ["proxy.trustedProxies", "proxy: { listen: 'unix:/a' }"],
    ["proxy.upstreamTls.verify", "proxy: { upstream: 'https://a', upstreamTls: { verify: off } }"],
    ["proxy.forward.passCookies", "proxy: { forward: { cookies: pass, passCookies: [a] } }"],
    ["session.cookies", "session: { identity: [address], cookies: [a] }"],
    ["vault.notify.webhook", "vault: { notify: { webhook: 'http://a', secret: b } }"],
    ["vault.notify.secret", "vault: { notify: { secret: b } }"],
    ["vault.notify.from", "vault: { notify: { from: b@a } }"],
  ] as const) {
    it(`name ${path} and let ${text} load`, () => {
      expect(load({ text }).warnings.map((warning) => warning.path)).to.deep.equal([path]);
    });
  }

  it("are none for a webhook on this machine", () => {
    for (const host of ["localhost", "127.0.0.1:9", "[::1]:9"]) {
      const text = `vault: { notify: { webhook: 'http://${host}/', secret: b } }`;
      expect(load({ text }).warnings, host).to.deep.equal([]);
    }
  });

  it("are none at 72h", () => {
    expect(load({ text: "session: { retention: 72h }" }).warnings).to.deep.equal([]);
  });
});

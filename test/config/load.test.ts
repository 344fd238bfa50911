import { expect } from "chai";
import type { Configuration } from "../../src/config/configuration.ts";
import { ConfigurationError, formatProblems } from "../../src/config/problem.ts";
import { configurationOf, load, pathsOf, problemsOf } from "./loading.ts";

const DAY_MS = 86_400_000;

/** SPEC section 2, as the program gets it. That it compiles proves the type; that it equals proves the schema. */
const DEFAULTS: Configuration = {
  proxy: {
    listen: { host: "127.0.0.1", port: 8080 },
    socketAccess: "group",
    upstream: "http://127.0.0.1:8000",
    trustedProxies: [],
    proxyProtocol: "off",
    forward: { clientAddress: "token", userAgent: "token", cookies: "token", passCookies: "auto" },
    tls: { cert: undefined, key: undefined },
    upstreamTls: {
      ca: undefined,
      serverName: undefined,
      cert: undefined,
      key: undefined,
      verify: "on",
    },
    limits: {
      headers: 16_384,
      body: Infinity,
      connections: 10_000,
      newSessionsPerAddress: { count: 600, perMs: 60_000 },
    },
    timeouts: {
      headers: 10_000,
      request: 300_000,
      idle: 60_000,
      upstreamConnect: 5000,
      upstreamResponse: 60_000,
      drain: 30_000,
    },
  },
  session: {
    identity: ["address", "userAgent", "cookies"],
    cookies: "auto",
    rotate: DAY_MS,
    retention: 30 * DAY_MS,
    durability: "process",
  },
  accessLog: {
    format: "json",
    outputs: ["stdout"],
    file: { path: "./logs/access.log", rotate: DAY_MS, maxSize: 104_857_600, keep: 30 * DAY_MS },
    syslog: { url: undefined, ca: undefined },
    otlp: { url: undefined },
    mezmo: { url: "https://logs.mezmo.com", keyFile: undefined },
    http: { url: undefined, headers: {} },
    spool: { dir: "data/spool", maxSize: 1_073_741_824 },
    identity: "token",
    userAgent: "family",
    query: { keep: ["page", "limit", "offset", "sort", "order", "lang", "format"] },
    paths: [],
  },
  ingest: { syslog: { udp: undefined, tcp: undefined } },
  vault: {
    listen: { host: "127.0.0.1", port: 3000 },
    dataDir: "./data",
    masterKeyFile: "data/master.key",
    rootTokenFile: "data/root.token",
    maxSharedRecord: 31 * DAY_MS,
    maxSession: 30 * DAY_MS,
    auditRetention: 365 * DAY_MS,
    defaultCountry: "GB",
    userSchema: undefined,
    dialect: { createUserWithoutToken: false, listUsers: false, statusCodes: "databunker" },
    selfService: { forgetMe: false, changeProfile: false, changeApps: [] },
    notify: { webhook: undefined, secret: undefined, smtp: undefined, from: undefined },
    disclosure: {
      support: { address: "network", userAgent: "family", cookie: "none" },
      dpo: { address: "full", userAgent: "full", cookie: "full" },
    },
  },
};

describe("a configuration", () => {
  for (const [what, text] of [
    ["no file", undefined],
    ["an empty file", ""],
    ["nothing but comments", "# proxy:\n#   listen: 127.0.0.1:1\n"],
    ["a section whose keys are all commented out", "proxy:\n  # listen: :1\nvault:\n  notify:\n"],
    ["empty sections", "proxy: {}\naccessLog: { file: {} }"],
    ["a byte order mark and CRLF", "\uFEFFproxy:\r\n  listen: 127.0.0.1:8080\r\n"],
  ] as const) {
    it(`has every default with ${what}`, () => {
      const given = text === undefined ? {} : { text };
      expect(load(given).configuration).to.deep.equal(DEFAULTS);
      expect(load(given).warnings).to.deep.equal([]);
    });
  }

  it("takes what the file says, and defaults for the rest of a section", () => {
    const { proxy, session, accessLog } = configurationOf(`
proxy:
  listen: "[::1]:9090"
  trustedProxies: [10.0.0.0/8, 192.0.2.7, "2001:db8::/32", "::1"]
  forward: { passCookies: [sessionid, csrftoken] }
  limits: { body: 1MiB, newSessionsPerAddress: 5/s }
session: { retention: 90d, cookies: [wordpress_logged_in_*] }
accessLog: { outputs: [file, stdout], paths: ["/users/:id"] }`);
    expect(proxy.listen).to.deep.equal({ host: "::1", port: 9090 });
    expect(proxy.trustedProxies).to.deep.equal([
      "10.0.0.0/8",
      "192.0.2.7/32",
      "2001:db8::/32",
      "::1/128",
    ]);
    expect(proxy.forward.passCookies).to.deep.equal(["sessionid", "csrftoken"]);
    expect(proxy.forward.userAgent).to.equal("token");
    expect(proxy.limits.body).to.equal(1_048_576);
    expect(proxy.limits.newSessionsPerAddress).to.deep.equal({ count: 5, perMs: 1000 });
    expect(session.retention).to.equal(90 * DAY_MS);
    expect(session.cookies).to.deep.equal(["wordpress_logged_in_*"]);
    expect(accessLog.outputs).to.deep.equal(["file", "stdout"]);
    expect(accessLog.paths).to.deep.equal(["/users/:id"]);
  });

  it("puts <dataDir> where the data folder is, whoever named it", () => {
    const { vault } = configurationOf(
      "vault: { dataDir: /var/lib/logveil, rootTokenFile: ./root }",
    );
    expect(vault.masterKeyFile).to.equal("/var/lib/logveil/master.key");
    expect(vault.rootTokenFile).to.equal("./root");
    const moved = load({ text: "vault: { dataDir: /a }", overrides: { dataDir: "b" } });
    expect(moved.configuration.vault.masterKeyFile).to.equal("b/master.key");
    expect(moved.configuration.accessLog.spool.dir).to.equal("b/spool");
  });

  it("lets the command line beat the environment, and the environment the file", () => {
    const text = "proxy: { upstream: http://file:1, listen: :1 }\nvault: { listen: :2 }";
    const env = { LOGVEIL_PROXY_UPSTREAM: "http://env:1", LOGVEIL_PROXY_LISTEN: ":3" };
    const overrides = { upstream: "http://option:1", vaultListen: ":4", listen: undefined };
    const { proxy, vault } = load({ text, env, overrides }).configuration;
    expect(proxy.upstream).to.equal("http://option:1");
    expect(proxy.listen).to.deep.equal({ port: 3 });
    expect(vault.listen).to.deep.equal({ port: 4 });
  });

  it("gives one aliased section its own defaults in each place", () => {
    const text = "proxy: { forward: &shared {} , tls: *shared, limits: *shared }";
    expect(configurationOf(text)).to.deep.equal(DEFAULTS);
  });
});

describe("problems", () => {
  it("are all found at once, in sentences that say what is allowed", () => {
    const text = `
proxy:
  lissten: :80
  listen: 8080
  trustedProxies: [10.0.0.0/8, 10.0.0.0/33, nonsense]
  limits: { connections: 0, body: 5 }
session: { identity: [], rotate: 1 }
accessLog: { format: xml, outputs: [stdout, stdout] }
vault: { dialect: { listUsers: 1 }, disclosure: all, defaultCountry: UK }`;
    const env = { LOGVEIL_PROXY_TIMEOUTS_IDLE: "60", LOGVEIL_PROXY_UPSTRAEM: "http://a" };
    expect(formatProblems(problemsOf({ text, env, overrides: { vaultListen: "3000" } }))).to.equal(
      [
        "LOGVEIL_PROXY_UPSTRAEM: is no variable of logveil, did you mean LOGVEIL_PROXY_UPSTREAM?",
        "proxy.lissten: is no key of logveil, did you mean proxy.listen?",
        "proxy.listen: must be host:port, for example 127.0.0.1:8080",
        "proxy.trustedProxies[1]: must be a network in CIDR notation or unix, for example 10.0.0.0/8",
        "proxy.trustedProxies[2]: must be a network in CIDR notation or unix, for example 10.0.0.0/8",
        "proxy.limits.body: must be a size from 1B to 1024TiB, or none, for example none",
        "proxy.limits.connections: must be a whole number from 1 to 1000000, for example 10000",
        "proxy.timeouts.idle (LOGVEIL_PROXY_TIMEOUTS_IDLE): must be a duration from 1ms to 24h, for example 60s",
        "session.identity: must be a list, not empty, without repeats, of address, userAgent, cookies, for example [address, userAgent, cookies]",
        "session.rotate: must be a duration from 1s to 366d, for example 24h",
        "accessLog.format: must be one of json, ecs, combined, for example json",
        "accessLog.outputs: must be a list, without repeats, of stdout, file, syslog, otlp, mezmo, http, for example [stdout]",
        "vault.listen (--vault-listen): must be host:port, for example 127.0.0.1:3000",
        "vault.defaultCountry: must be a country code (ISO 3166), two capital letters, for example GB",
        "vault.dialect.listUsers: must be true or false, for example false",
        "vault.disclosure: must be a group of keys, for example { support: … }",
      ].join("\n"),
    );
  });

  it("come as one error with a code", () => {
    expect(() => load({ text: "a: 1" }))
      .to.throw(ConfigurationError)
      .with.property("code", "configuration-invalid");
  });

  it("suggest the key that was meant", () => {
    const remedy = (text: string) => problemsOf({ text }).map(({ remedy }) => remedy);
    expect(remedy("proxy: { trusted_proxies: [] }")).to.deep.equal([
      "did you mean proxy.trustedProxies?",
    ]);
    expect(remedy("proxy: { retention: 4d }")).to.deep.equal(["did you mean session.retention?"]);
    expect(remedy("acessLog: {}")).to.deep.equal(["did you mean accessLog?"]);
    expect(remedy("vault: { dialect: { listusers: true } }")).to.deep.equal([
      "did you mean vault.dialect.listUsers?",
    ]);
    expect(remedy("database: {}")).to.deep.equal(["see docs/configuration.md"]);
  });

  for (const [path, text] of [
    ["proxy", "proxy: 5"],
    ["proxy", "proxy: []"],
    ["proxy.listen", "proxy: { listen: }"],
    ["proxy.listen", "proxy: { listen: [a] }"],
    ["proxy.upstream", "proxy: { upstream: 127.0.0.1:8000 }"],
    ["proxy.trustedProxies", "proxy: { trustedProxies: 10.0.0.0/8 }"],
    ["proxy.trustedProxies", "proxy: { trustedProxies: }"],
    ["proxy.trustedProxies[0]", "proxy: { trustedProxies: ['::ffff:10.0.0.0/104'] }"],
    ["proxy.trustedProxies[0]", "proxy: { trustedProxies: ['fe80::1%eth0'] }"],
    ["proxy.trustedProxies[0]", "proxy: { trustedProxies: [10.0.0.0/08] }"],
    ["proxy.trustedProxies[0]", "proxy: { trustedProxies: [loopback] }"],
    ["proxy.forward.passCookies", "proxy: { forward: { passCookies: all } }"],
    ["proxy.forward.passCookies", "proxy: { forward: { passCookies: ['a b'] } }"],
    ["proxy.limits.headers", "proxy: { limits: { headers: none } }"],
    ["proxy.limits.headers", "proxy: { limits: { headers: 2MiB } }"],
    ["proxy.limits.newSessionsPerAddress", "proxy: { limits: { newSessionsPerAddress: 600 } }"],
    ["proxy.timeouts.headers", "proxy: { timeouts: { headers: 0s } }"],
    ["session.rotate", "session: { rotate: 500ms }"],
    ["session.rotate", "session: { rotate: 1500ms }"],
    ["session.identity[1]", "session: { identity: [address, name] }"],
    ["accessLog.file.path", "accessLog: { file: { path: '' } }"],
    ["accessLog.file.path", "accessLog: { file: { path: <datadir>/a.log } }"],
    ["accessLog.file.path", 'accessLog: { file: { path: "a\\0b" } }'],
    ["accessLog.paths[0]", "accessLog: { paths: ['users/:id'] }"],
    ["accessLog.query.keep[1]", "accessLog: { query: { keep: [page, 5] } }"],
    ["accessLog.http.headers", "accessLog: { http: { headers: { 'a b': c } } }"],
    ["accessLog.http.headers", 'accessLog: { http: { headers: { a: "b\\r\\nc: d" } } }'],
    ["accessLog.otlp.url", "accessLog: { otlp: { url: 'tcp://a:1' } }"],
    ["accessLog.otlp.url", "accessLog: { otlp: { url: 'https://name:password@a' } }"],
    ["accessLog.syslog.url", "accessLog: { syslog: { url: 'udp://a:514' } }"],
    ["vault.dataDir", "vault: { dataDir: <dataDir>/data }"],
    ["vault.auditRetention", "vault: { auditRetention: 71h }"],
    ["vault.defaultCountry", "vault: { defaultCountry: XX }"],
    ["vault.notify.secret", "vault: { notify: { secret: 12345 } }"],
    ["vault.*", "vault: { a1b2c3d4e5f6: x }"],
    ["proxy.*", "proxy: { __proto__: { listen: :1 } }"],
    ["proxy.constructor", "proxy: { constructor: x }"],
  ] as const) {
    it(`name ${path} in ${text}`, () => {
      expect(pathsOf({ text })).to.deep.equal([path]);
    });
  }
});

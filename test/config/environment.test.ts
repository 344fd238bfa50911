import { expect } from "chai";
import { inspect } from "node:util";
import { variableOf } from "../../src/config/environment.ts";
import { KEYS } from "../../src/config/schema.ts";
import { load, problemsOf } from "./loading.ts";

describe("the environment", () => {
  it("has one variable for each key", () => {
    const variables = [...KEYS.keys()].map(variableOf);
    expect(variables).to.include.members([
      "LOGVEIL_PROXY_UPSTREAM",
      "LOGVEIL_VAULT_DATA_DIR",
      "LOGVEIL_VAULT_MASTER_KEY_FILE",
      "LOGVEIL_SESSION_RETENTION",
      "LOGVEIL_PROXY_LIMITS_NEW_SESSIONS_PER_ADDRESS",
    ]);
    expect(new Set(variables).size).to.equal(KEYS.size);
  });

  it("spells values as text", () => {
    const { proxy, session, accessLog } = load({
      env: {
        LOGVEIL_PROXY_LIMITS_CONNECTIONS: "50",
        LOGVEIL_PROXY_TRUSTED_PROXIES: "10.0.0.0/8, ::1",
        LOGVEIL_PROXY_FORWARD_PASS_COOKIES: "a,b",
        LOGVEIL_SESSION_COOKIES: "auto",
        LOGVEIL_SESSION_RETENTION: "4d",
        LOGVEIL_ACCESS_LOG_OUTPUTS: "stdout,file",
        LOGVEIL_ACCESS_LOG_FILE_MAX_SIZE: "1GiB",
      },
    }).configuration;
    expect(proxy.limits.connections).to.equal(50);
    expect(proxy.trustedProxies).to.deep.equal(["10.0.0.0/8", "::1/128"]);
    expect(proxy.forward.passCookies).to.deep.equal(["a", "b"]);
    expect(session.cookies).to.equal("auto");
    expect(session.retention).to.equal(4 * 86_400_000);
    expect(accessLog.outputs).to.deep.equal(["stdout", "file"]);
    expect(accessLog.file.maxSize).to.equal(1_073_741_824);
  });

  it("reads booleans and header fields", () => {
    const paths = (env: Record<string, string>) =>
      problemsOf({ env }).map(({ path, problem }) => `${path} ${problem}`);
    for (const [text, isAllowed] of [
      ["true", true],
      ["false", false],
    ] as const) {
      const { configuration } = load({ env: { LOGVEIL_VAULT_DIALECT_LIST_USERS: text } });
      expect(configuration.vault.dialect.listUsers).to.equal(isAllowed);
    }
    expect(paths({ LOGVEIL_VAULT_DIALECT_LIST_USERS: "yes" })).to.deep.equal([
      "vault.dialect.listUsers must be true or false",
    ]);
    const headers = load({
      env: { LOGVEIL_ACCESS_LOG_HTTP_HEADERS: "authorization=Basic YQ==,x=y" },
    }).configuration.accessLog.http.headers;
    const revealed = Object.entries(headers).map(([name, value]) => [name, value.reveal()]);
    expect(revealed).to.deep.equal([
      ["authorization", "Basic YQ=="],
      ["x", "y"],
    ]);
    expect(JSON.stringify(headers)).not.to.include("YQ");
    expect(paths({ LOGVEIL_ACCESS_LOG_HTTP_HEADERS: "a b=c" })).to.deep.equal([
      "accessLog.http.headers must be header fields, each with one line of text",
    ]);
  });

  it("counts an empty variable as not set", () => {
    const env = {
      LOGVEIL_PROXY_LISTEN: "",
      LOGVEIL_MASTER_KEY: "",
      LOGVEIL_PROXY_UPSTREAM: undefined,
    };
    const { configuration, secrets } = load({ text: "proxy: { listen: :9 }", env });
    expect(configuration.proxy.listen).to.deep.equal({ port: 9 });
    expect(secrets.masterKey).to.equal(undefined);
  });

  it("hands secrets over in a form that does not print", () => {
    const { secrets } = load({
      env: {
        LOGVEIL_MASTER_KEY: "canary-master",
        LOGVEIL_PREVIOUS_MASTER_KEY: "canary-previous",
        LOGVEIL_ROOT_TOKEN: "canary-root",
        LOGVEIL_CONFIG: "other.yaml",
      },
    });
    expect(secrets.masterKey?.reveal()).to.equal("canary-master");
    expect(secrets.previousMasterKey?.reveal()).to.equal("canary-previous");
    expect(secrets.rootToken?.reveal()).to.equal("canary-root");
    const printed = `${String(secrets.masterKey)} ${JSON.stringify(secrets)} ${inspect(secrets, { depth: 9, showHidden: true })}`;
    expect(printed).to.include("[secret]").and.not.include("canary");
  });

  it("refuses a variable that only looks like ours, and says what it may have meant", () => {
    const remedies = (name: string) => problemsOf({ env: { [name]: "x" } }).map((p) => p.remedy);
    expect(remedies("LOGVEIL_MASTERKEY")).to.deep.equal(["did you mean LOGVEIL_MASTER_KEY?"]);
    expect(remedies("LOGVEIL_PROXY_TIMEOUT_IDLE")).to.deep.equal([
      "did you mean LOGVEIL_PROXY_TIMEOUTS_IDLE?",
    ]);
    expect(remedies("LOGVEIL_QQQQQQQQQQQQQQQQQQQQQQQQQQQQ")).to.deep.equal([
      "see docs/configuration.md",
    ]);
    expect(remedies("LOGVEIL_PROXY_PORT")).to.have.length(1);
    expect(problemsOf({ env: { "LOGVEIL_a\nb": "x" } })[0]?.path).to.equal("LOGVEIL_*");
    expect(
      problemsOf({ env: { LOGVEIL: "x", OTHER_LOGVEIL_X: "x", logveil_x: "x" } }),
    ).to.deep.equal([]);
  });

  it("passes over what Kubernetes and Docker set beside a service of our name", () => {
    const env = {
      LOGVEIL_SERVICE_HOST: "10.0.0.1",
      LOGVEIL_SERVICE_PORT: "8080",
      LOGVEIL_SERVICE_PORT_HTTP: "8080",
      LOGVEIL_PORT: "tcp://10.0.0.1:8080",
      LOGVEIL_PORT_8080_TCP: "tcp://10.0.0.1:8080",
      LOGVEIL_PORT_8080_TCP_PROTO: "tcp",
      LOGVEIL_PORT_8080_TCP_ADDR: "10.0.0.1",
      LOGVEIL_VAULT_SERVICE_HOST: "10.0.0.2",
      LOGVEIL_VAULT_PORT: "tcp://10.0.0.2:3000",
      LOGVEIL_VAULT_PORT_3000_TCP_PORT: "3000",
    };
    expect(problemsOf({ env })).to.deep.equal([]);
  });
});

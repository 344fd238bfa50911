import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect } from "chai";
import type { Deployment } from "kubernetes-types/apps/v1.d.ts";
import type { Container, Probe, Secret, Service } from "kubernetes-types/core/v1.d.ts";
import type { NetworkPolicy } from "kubernetes-types/networking/v1.d.ts";
import { parse } from "yaml";
import { parseMasterKey } from "../../src/keys/master-key.ts";
import { findAccessToken } from "../../src/callers/access-token.ts";
import { readImage } from "./image.ts";
import {
  KUBERNETES,
  findTypeErrors,
  kubernetesObjects,
  parseObjects,
} from "./kubernetes-objects.ts";
import type { KubernetesObject } from "./kubernetes-objects.ts";
import { loadDeployed, portOf } from "./loaded-configuration.ts";

type Kustomization = {
  readonly namespace: string;
  readonly resources: readonly string[];
  readonly configMapGenerator: readonly { readonly name: string; readonly files: string[] }[];
};

const objects = kubernetesObjects();
const find = (kind: string, name = "web"): unknown => {
  const found = objects.find((object) => object.kind === kind && object.metadata.name === name);
  if (found === undefined) throw new Error(`no ${kind} ${name}`);
  return found;
};
// Each has been through the compiler in the first test, as a literal of its type.
const deployment = find("Deployment") as Deployment;
const pod = deployment.spec?.template.spec;
const [sidecar] = pod?.initContainers ?? [];
const [server] = pod?.containers ?? [];
const env = { LOGVEIL_MASTER_KEY: "00".repeat(32), LOGVEIL_ROOT_TOKEN: crypto.randomUUID() };
const configuration = loadDeployed(`${KUBERNETES}/config.yaml`, env);

describe("deploy/kubernetes", () => {
  it("has objects as Kubernetes describes them", async () => {
    expect(objects.map(({ kind }) => kind)).to.include.members([
      "Deployment",
      "NetworkPolicy",
      "PersistentVolumeClaim",
      "Secret",
      "Service",
    ]);
    expect(await findTypeErrors(objects)).to.deep.equal([]);
  });

  it("is checked by something that refuses unknown fields, wrong types and what is missing", async () => {
    const broken = BROKEN.map((change) => {
      const copy = structuredClone(deployment);
      change(copy as unknown as Loose); // made wrong on purpose
      return copy as unknown as KubernetesObject;
    });
    const errors = (await findTypeErrors(broken)).join("\n");
    expect(errors).to.include(`'"livenesProbe"' does not exist in type 'Container'`);
    expect(errors).to.include(`'"replica"' does not exist in type 'DeploymentSpec'`);
    expect(errors).to.include("Type 'string' is not assignable to type 'number'");
    expect(errors).to.include("Property 'selector' is missing");
    expect(errors.split("\n")).to.have.length(BROKEN.length);
  });

  describe("the pod", () => {
    it("has logveil as native sidecar in front of a web server that listens on loopback", () => {
      expect(sidecar?.name).to.equal("logveil");
      expect(sidecar?.restartPolicy).to.equal("Always");
      expect(server?.ports).to.equal(undefined);
      const listens = [...webServer().matchAll(/^\s*listen (.+);$/gm)];
      expect(listens.map(([, address]) => `http://${address}`)).to.deep.equal([
        configuration.proxy.upstream,
      ]);
      expect(configuration.proxy.upstream).to.match(/^http:\/\/127\.0\.0\.1:/);
      expect(pod?.hostNetwork).to.equal(undefined);
    });

    it("starts the web server when logveil is ready, and asks both how they are", () => {
      const asked = (probe: Probe | undefined) => [probe?.httpGet?.path, probe?.httpGet?.port];
      expect(asked(sidecar?.startupProbe)).to.deep.equal(["/readyz", "vault"]);
      expect(asked(sidecar?.readinessProbe)).to.deep.equal(["/readyz", "vault"]);
      expect(asked(sidecar?.livenessProbe)).to.deep.equal(["/healthz", "vault"]);
    });

    it("lets logveil drain before it is killed", () => {
      const preStop = server?.lifecycle?.preStop?.exec?.command;
      expect(preStop?.[0]).to.equal("sleep");
      const drainSeconds = configuration.proxy.timeouts.drain / 1000;
      const needed = Number(preStop?.[1]) + drainSeconds;
      expect(pod?.terminationGracePeriodSeconds).to.be.above(needed + 10);
    });

    it("is the image's user, ports, volume and configuration file", () => {
      const image = readImage();
      const { runAsUser, runAsGroup } = sidecar?.securityContext ?? {};
      expect(`${runAsUser}:${runAsGroup}`).to.equal(image.user);
      expect(pod?.securityContext?.fsGroup).to.equal(runAsGroup);
      const ports = Object.fromEntries(
        (sidecar?.ports ?? []).map(({ name, containerPort }) => [name, containerPort]),
      );
      expect(ports["proxy"]).to.equal(image.port);
      expect(ports["proxy"]).to.equal(portOf(configuration.proxy.listen));
      expect(ports["vault"]).to.equal(portOf(configuration.vault.listen));
      const mounts = (sidecar?.volumeMounts ?? []).map(({ mountPath }) => mountPath);
      expect(mounts).to.include(image.volume);
      expect(configuration.vault.dataDir).to.equal(image.volume);
      expect(mounts).to.include(`${image.volume}/keyring`);
      expect(mounts.map((path) => `${path}/config.yaml`)).to.include(image.configFile);
    });

    it("mounts volumes that exist, of claims and maps that exist", () => {
      const { configMapGenerator } = kustomization();
      for (const { name, persistentVolumeClaim, configMap } of pod?.volumes ?? []) {
        if (persistentVolumeClaim !== undefined)
          find("PersistentVolumeClaim", persistentVolumeClaim.claimName);
        if (configMap !== undefined)
          expect(
            configMapGenerator.map((map) => map.name),
            name,
          ).to.include(configMap.name);
      }
      const volumes = pod?.volumes?.map(({ name }) => name);
      for (const container of containers())
        for (const { name } of container.volumeMounts ?? []) expect(volumes).to.include(name);
    });

    it("may do nothing (the restricted pod security standard), and write to its volumes only", () => {
      expect(pod?.securityContext?.runAsNonRoot).to.equal(true);
      expect(pod?.securityContext?.seccompProfile?.type).to.equal("RuntimeDefault");
      expect(pod?.automountServiceAccountToken).to.equal(false);
      expect(containers()).to.have.length(2);
      for (const { name, securityContext } of containers()) {
        expect(securityContext?.allowPrivilegeEscalation, name).to.equal(false);
        expect(securityContext?.readOnlyRootFilesystem, name).to.equal(true);
        expect(securityContext?.capabilities, name).to.deep.equal({ drop: ["ALL"] });
        expect(securityContext?.runAsUser, name).to.be.above(0);
      }
    });

    it("says what it needs and has a bound on its memory", () => {
      for (const { name, resources } of containers()) {
        expect(resources?.requests, name).to.have.keys("cpu", "memory");
        expect(resources?.limits, name).to.have.property("memory");
      }
    });

    it("owns its volume alone: one pod, and the old one goes first", () => {
      expect(deployment.spec?.replicas).to.equal(1);
      expect(deployment.spec?.strategy).to.deep.equal({ type: "Recreate" });
      for (const name of ["logveil-data", "logveil-keyring"]) {
        const claim = find("PersistentVolumeClaim", name) as { spec: { accessModes: string[] } };
        expect(claim.spec.accessModes).to.deep.equal(["ReadWriteOnce"]);
      }
    });
  });

  describe("keys", () => {
    const secret = find("Secret", "logveil-keys") as Secret;

    it("come from the Secret, by names that logveil knows", () => {
      const used = (sidecar?.env ?? []).map(({ name, valueFrom }) => {
        const { key = "", optional } = valueFrom?.secretKeyRef ?? {};
        expect(valueFrom?.secretKeyRef?.name).to.equal(secret.metadata?.name);
        if (optional !== true) expect(secret.stringData, name).to.have.property(key);
        return name;
      });
      const given = Object.fromEntries(used.map((name) => [name, env.LOGVEIL_MASTER_KEY]));
      expect(() => loadDeployed(`${KUBERNETES}/config.yaml`, given)).not.to.throw();
      expect(used).to.include.members(["LOGVEIL_MASTER_KEY", "LOGVEIL_ROOT_TOKEN"]);
    });

    it("are in no file: the example is refused, and is not applied with the rest", () => {
      const { "master-key": masterKey = "", "root-token": rootToken = "" } =
        secret.stringData ?? {};
      expect(() => parseMasterKey(masterKey)).to.throw();
      expect(findAccessToken(rootToken)).to.equal(undefined);
      expect(kustomization().resources.join()).not.to.include("secret");
    });
  });

  describe("the network", () => {
    const policy = (find("NetworkPolicy") as NetworkPolicy).spec;
    const labels = deployment.spec?.template.metadata?.labels;

    it("lets visitors to the proxy's port only, and named pods to the vault's", () => {
      expect(policy?.podSelector?.matchLabels).to.deep.equal(labels);
      expect(policy?.policyTypes).to.have.members(["Ingress", "Egress"]);
      const ports = policy?.ingress?.map((rule) => rule.ports?.map(({ port }) => port));
      expect(ports).to.deep.equal([[8080], [3000], [3000]]);
      for (const { from, ports } of policy?.ingress ?? []) {
        expect(from).to.have.length(1);
        const isVault = ports?.some(({ port }) => port === 3000);
        if (isVault === true) expect(from?.[0]?.podSelector?.matchLabels).not.to.equal(undefined);
      }
    });

    it("names each way out", () => {
      expect(policy?.egress).not.to.have.length(0);
      for (const { to } of policy?.egress ?? []) expect(to).to.have.length(1);
    });

    it("has services that reach logveil and never the web server", () => {
      const names = (sidecar?.ports ?? []).map(({ name }) => name);
      for (const name of ["web", "web-vault"]) {
        const { spec } = find("Service", name) as Service;
        expect(spec?.selector).to.deep.equal(labels);
        for (const { targetPort } of spec?.ports ?? []) expect(names).to.include(targetPort);
      }
      const { spec } = find("Service") as Service;
      expect(spec?.ports?.map(({ targetPort }) => targetPort)).to.deep.equal(["proxy"]);
    });
  });

  describe("kustomization", () => {
    it("applies every object but the example of a Secret", () => {
      const { resources } = kustomization();
      const applied = resources.flatMap((file) =>
        parseObjects(readFileSync(`${KUBERNETES}/${file}`, "utf8")),
      );
      const named = ({ kind, metadata }: KubernetesObject) => `${kind} ${metadata.name}`;
      const all = objects.filter(({ kind }) => kind !== "Secret");
      expect(applied.map(named)).to.have.members(all.map(named));
      expect(find("Namespace", kustomization().namespace)).not.to.equal(undefined);
    });

    it("is built by kubectl (skipped where it is not installed)", async function () {
      this.timeout(60_000);
      const built = spawnSync("kubectl", ["kustomize", KUBERNETES], { encoding: "utf8" });
      if (built.error !== undefined) this.skip();
      expect(built.status, built.stderr).to.equal(0);
      const made = parseObjects(built.stdout);
      expect(await findTypeErrors(made)).to.deep.equal([]);
      expect(made.filter(({ kind }) => kind === "ConfigMap")).to.have.length(2);
      expect(built.stdout).not.to.match(/image: logveil$/m);
    });
  });
});

/** An object of which a test changes what its type would not let it. */
type Loose = { spec: Record<string, unknown> & { template: { spec: LoosePod } } };
type LoosePod = Record<string, unknown> & { initContainers: Record<string, unknown>[] };

const BROKEN: readonly ((deployment: Loose) => void)[] = [
  ({ spec }) => (spec["replica"] = 1),
  ({ spec }) => (spec["replicas"] = "1"),
  ({ spec }) => delete spec["selector"],
  ({ spec }) => Object.assign(spec.template.spec.initContainers[0] ?? {}, { livenesProbe: {} }),
];

function containers(): readonly Container[] {
  return [...(pod?.initContainers ?? []), ...(pod?.containers ?? [])];
}

function kustomization(): Kustomization {
  return parse(readFileSync(`${KUBERNETES}/kustomization.yaml`, "utf8")) as Kustomization;
}

function webServer(): string {
  return readFileSync(`${KUBERNETES}/default.conf`, "utf8");
}

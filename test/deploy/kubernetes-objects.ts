import { execFile } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { parseAllDocuments } from "yaml";
import { createTemporaryFolder } from "../kit/temporary-folder.ts";

const execute = promisify(execFile);

export const KUBERNETES = "deploy/kubernetes";

export type KubernetesObject = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
} & Readonly<Record<string, unknown>>;

/** Files of the folder that hold no Kubernetes object: kustomize's own, and what it makes ConfigMaps of. */
const OTHERS = ["kustomization.yaml", "config.yaml"];

/** Every object of the folder. Fails for YAML that two parsers could read differently (repeated keys). */
export function kubernetesObjects(): readonly KubernetesObject[] {
  return globSync(`${KUBERNETES}/*.yaml`)
    .filter((file) => !OTHERS.includes(basename(file)))
    .toSorted()
    .flatMap((file) => parseObjects(readFileSync(file, "utf8")));
}

export function parseObjects(text: string): readonly KubernetesObject[] {
  return parseAllDocuments(text).map((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw error;
    return document.toJS() as KubernetesObject;
  });
}

/**
 * What is wrong with `objects` by the types that `kubernetes-types` makes of Kubernetes' OpenAPI description: unknown fields, wrong types,
 * missing ones, each with TypeScript's message. An object written down as a literal of its type may have no other fields, as with
 * `kubectl --validate=strict`.
 */
export async function findTypeErrors(
  objects: readonly KubernetesObject[],
): Promise<readonly string[]> {
  await using folder = await createTemporaryFolder();
  const file = join(folder.path, "objects.ts");
  await writeFile(file, objects.map(declarationOf).join("\n"));
  const tsc = fileURLToPath(new URL("../../node_modules/.bin/tsc", import.meta.url));
  const options = ["--noEmit", "--strict", "--ignoreConfig", "--moduleResolution", "bundler"];
  const more = ["--module", "esnext", "--target", "esnext", "--types", "", "--pretty", "false"];
  try {
    await execute(tsc, [...options, ...more, file], { cwd: folder.path });
    return [];
  } catch (error) {
    const { stdout } = error as { readonly stdout: string };
    return stdout
      .split("\n")
      .filter((line) => line.includes("error TS"))
      .map((line) => line.replace(/^.*?error /, ""));
  }
}

function declarationOf({ apiVersion, kind, ...rest }: KubernetesObject, index: number): string {
  const path = apiVersion === "v1" ? "core/v1" : apiVersion.replace(/(?:\.[a-z\d.]+)?\//, "/");
  const types = new URL(`../../node_modules/kubernetes-types/${path}`, import.meta.url);
  const literal = JSON.stringify({ apiVersion, kind, ...rest }, undefined, 1);
  const name = JSON.stringify(fileURLToPath(types));
  return `import type { ${kind} as Type${index} } from ${name};\nexport const object${index}: Type${index} = ${literal};`;
}

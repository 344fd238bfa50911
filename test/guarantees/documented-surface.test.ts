import { readFileSync } from "node:fs";
import { expect } from "chai";
import { createControlPlane } from "../../src/api/control-plane.ts";
import { ROUTE_DESCRIPTIONS } from "../../src/api/route-descriptions.ts";
import { DESK_PARTS } from "../../src/api/vault-routes.ts";
import { UNREADY_REASONS } from "../../src/api/operations.ts";
import { SOCKET_OWNER } from "../../src/callers/caller.ts";
import { ROLES } from "../../src/callers/role.ts";
import { COMMAND_NAMES, usageOf } from "../../src/commands/usage.ts";
import { ERROR_MEANINGS } from "../../src/errors.ts";
import { EVENT_NAMES, createEventLog } from "../../src/event-log.ts";
import { ERROR_TYPES } from "../../src/http/problem.ts";
import { createMetrics } from "../../src/metrics.ts";

// What can be asked and what can be answered is what the documentation says, proved both ways.

/** First cells of the first table under `heading`, without their backticks, sorted. */
function documented(file: string, heading: string): readonly string[] {
  const text = readFileSync(`docs/${file}`, "utf8");
  const section = text.split(`\n## ${heading}\n`)[1]?.split(/\n##+ /)[0] ?? "";
  const cells = [...section.matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1] ?? "");
  return cells.toSorted();
}

type RouterLayer = {
  readonly route?: {
    readonly path: string;
    readonly stack: readonly { readonly method?: string | undefined }[];
  };
};

/** Stands for any part of the vault; nothing is asked of it, as registering routes asks nothing. */
const unused: never = new Proxy(() => unused, { get: () => unused }) as never; // every member is itself

/** What express has registered, read from its router; what answers all methods alike (405, redirects) is no route. */
function registered(): readonly string[] {
  const parts = Object.fromEntries(DESK_PARTS.map((name) => [name, unused]));
  const app = createControlPlane({
    ...parts,
    access: () => Promise.resolve(SOCKET_OWNER),
    health: () => [],
    metrics: createMetrics(),
    eventLog: createEventLog(),
    keys: unused,
    lineFeed: unused,
  });
  const layers = app.router.stack as unknown as readonly RouterLayer[]; // express types say too little
  return layers
    .flatMap(({ route }) => (route?.stack ?? []).map(({ method }) => ({ method, route })))
    .filter(({ method }) => method !== undefined && method !== "options")
    .map(({ method, route }) => `${method?.toUpperCase()} ${route?.path}`)
    .toSorted();
}

describe("guarantee: documented surface", () => {
  it("every route is in docs/api.md, and every route there exists", () => {
    expect(registered()).to.deep.equal(documented("api.md", "Routes"));
  });

  it("every route but those of the control socket is in the OpenAPI description", () => {
    const open = registered().filter((route) => !route.includes(" /control/"));
    expect(Object.keys(ROUTE_DESCRIPTIONS).toSorted()).to.deep.equal(open);
  });

  it("every role is in docs/api.md", () => {
    expect(Object.keys(ROLES).toSorted()).to.deep.equal(documented("api.md", "Who may call"));
  });

  it("every reason of /readyz is in docs/api.md", () => {
    expect([...UNREADY_REASONS].toSorted()).to.deep.equal(documented("api.md", "Readiness"));
  });

  it("every error type is in docs/api.md", () => {
    expect(Object.keys(ERROR_TYPES).toSorted()).to.deep.equal(documented("api.md", "Error types"));
  });

  it("every error code is in docs/errors.md", () => {
    const codes = Object.keys(ERROR_MEANINGS).toSorted();
    expect(codes).to.deep.equal(documented("errors.md", "Error codes"));
  });

  it("every event is in docs/errors.md", () => {
    expect(EVENT_NAMES.toSorted()).to.deep.equal(documented("errors.md", "Events"));
  });

  it("no error code is also an error type, so that `code` in a problem has one meaning", () => {
    expect(Object.keys(ERROR_MEANINGS).filter((code) => code in ERROR_TYPES)).to.deep.equal([]);
  });

  it("every command has a usage of its own", () => {
    for (const name of COMMAND_NAMES) expect(usageOf()).to.include(`logveil ${name}`);
  });
});

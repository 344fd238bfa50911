import type { Role } from "../../callers/role.ts";
import { findAddress, networkOf } from "../../identity/address.ts";
import { describeUserAgent } from "../../identity/user-agent.ts";
import type { SessionView } from "./session-view.ts";

/** How much of a session's identity a role sees. */
export type DisclosureLevels = {
  readonly address: "full" | "network" | "none";
  readonly userAgent: "full" | "family" | "none";
  readonly cookie: "full" | "none";
};

/** `vault.disclosure`. The other roles that may look a session up (root, a backend, the data subject) see all of it. */
export type DisclosurePolicy = {
  readonly support: DisclosureLevels;
  readonly dpo: DisclosureLevels;
};

const NOTHING: DisclosureLevels = { address: "none", userAgent: "none", cookie: "none" };

/**
 * The session as `role` may see it. A member that is withheld is absent; one that is empty was empty. Support sees the members of an
 * identity and nothing else, as what else a backend puts into a session is not known to anybody here.
 */
export function gradeSession(view: SessionView, role: Role, policy: DisclosurePolicy): SessionView {
  switch (role) {
    case "root":
    case "app":
    case "login":
      return view;
    case "dpo":
      return { ...view, data: { ...othersOf(view.data), ...identityOf(view.data, policy.dpo) } };
    case "support":
      return { ...view, data: identityOf(view.data, policy.support) };
    case "auditor":
      return { ...view, data: identityOf(view.data, NOTHING) };
  }
}

type Data = SessionView["data"];
type Grade = (value: unknown) => unknown;

const show: Grade = (value) => value;
const withhold: Grade = () => undefined;

const ADDRESS = { full: show, network: gradeToNetwork, none: withhold } as const;
const USER_AGENT = { full: show, family: gradeToFamily, none: withhold } as const;
const COOKIE = { full: show, none: withhold } as const;

/** The members in which an identity is kept, each as far as `levels` show it. */
function identityOf(data: Data, levels: DisclosureLevels): Data {
  const members: readonly (readonly [string, Grade])[] = [
    ["clientip", ADDRESS[levels.address]],
    ["user-agent", USER_AGENT[levels.userAgent]],
    ["cookie", COOKIE[levels.cookie]],
    ["host", gradeHost],
  ];
  const graded = members.map(([name, grade]) => [name, grade(ownMember(data, name))] as const);
  return Object.fromEntries(graded.filter(([, value]) => value !== undefined));
}

function othersOf(data: Data): Data {
  const names = new Set(["clientip", "user-agent", "cookie", "host"]);
  return Object.fromEntries(Object.entries(data).filter(([name]) => !names.has(name)));
}

function ownMember(data: Data, name: string): unknown {
  return Object.hasOwn(data, name) ? data[name] : undefined;
}

/** IPv4 /24, IPv6 /48; also of a network, which is what a session that many identities share has. */
function gradeToNetwork(value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  if (value === "") return value;
  const address = findAddress(value.replace(/\/\d{1,3}$/, ""));
  return address === undefined ? undefined : networkOf(address);
}

/** `Firefox 133 (Linux)`, as much of it as is known. */
function gradeToFamily(value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  const { name, version, os } = describeUserAgent(value);
  const product = [name, version].filter((part) => part !== undefined).join(" ");
  return os === undefined ? product : `${product} (${os})`.trimStart();
}

/** SECURITY: a backend can put anything under this name; what could be more than a host stays here. */
function gradeHost(value: unknown): string | undefined {
  return typeof value === "string" && /^[\w.:[\]-]{0,261}$/.test(value) ? value : undefined;
}

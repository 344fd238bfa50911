import type { UserDirectory } from "../users/user-directory.ts";

/** What in a session's body names the person it belongs to; the first that is not empty counts, and no other. */
const NAMES = ["login", "email", "phone", "custom", "token"] as const;

/** The user token; undefined when nobody is named, or nobody who is known. */
export async function findNamedOwner(
  directory: Pick<UserDirectory, "resolve">,
  data: Readonly<Record<string, unknown>>,
): Promise<string | undefined> {
  for (const name of NAMES) {
    const id = textOf(Object.hasOwn(data, name) ? data[name] : undefined);
    if (id !== "") return directory.resolve(name, id);
  }
  return undefined;
}

/** A number counts as its digits; what is neither text nor number names nobody. */
function textOf(value: unknown): string {
  if (typeof value === "number") return String(value);
  return typeof value === "string" ? value.trim() : "";
}

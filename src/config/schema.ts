// Every key of config.yaml, once: type, range, default, meaning. What validates a configuration, fills its defaults, names its
// environment variables and completes it in an editor (config.schema.json) is this one tree.

import { ACCESS_LOG } from "./access-log-schema.ts";
import { PROXY, SESSION } from "./proxy-schema.ts";
import { leavesOf, section } from "./schema-node.ts";
import { INGEST, VAULT } from "./vault-schema.ts";

export const SCHEMA = section("The configuration of logveil; docs/configuration.md explains it.", {
  proxy: PROXY,
  session: SESSION,
  accessLog: ACCESS_LOG,
  ingest: INGEST,
  vault: VAULT,
});

/** Every key by its dotted path, in the order of the file. */
export const KEYS = leavesOf(SCHEMA);

/** The tree as a JSON schema document: what validates, and the contents of config.schema.json. */
export function jsonSchema(): object {
  const { default: _, ...root } = SCHEMA; // a document has no key that could be missing
  return { $schema: "http://json-schema.org/draft-07/schema#", title: "config.yaml", ...root };
}

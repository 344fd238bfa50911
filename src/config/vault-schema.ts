import {
  duration,
  flag,
  list,
  optional,
  section,
  text,
  url,
  word,
  type SchemaNode,
} from "./schema-node.ts";

const SPAN = { atLeast: "1s", atMost: "3650d" };
const ADDRESS = ["full", "network", "none"];
const USER_AGENT = ["full", "family", "none"];
const COOKIE = ["full", "none"];

export const INGEST = section("Logs that other servers send here.", {
  syslog: section("Addresses to take syslog on; off until set.", {
    udp: optional(text("listen", "", "Over UDP: whoever can send a datagram can write a line.")),
    tcp: optional(text("listen", "", "Over TCP, with counted frames or lines.")),
  }),
});

export const VAULT = section("The control plane: the identities, and who may see them.", {
  listen: text("listen", "127.0.0.1:3000", "Where callers arrive."),
  dataDir: {
    ...text("path", "./data", "Store, keyring and control socket."),
    pattern: "^[^<]",
  },
  masterKeyFile: text("path", "<dataDir>/master.key", "The master key; created 0600 when missing."),
  rootTokenFile: text("path", "<dataDir>/root.token", "The root token; created 0600 when missing."),
  maxSharedRecord: duration("31d", "Default and cap of a shared record.", SPAN),
  maxSession: duration("30d", "Default and cap of a session that a caller stores.", SPAN),
  auditRetention: duration("365d", "How long audit events are kept.", { ...SPAN, atLeast: "72h" }),
  defaultCountry: text("country", "GB", "The country of phone numbers without +."),
  userSchema: optional(text("path", "", "JSON schema of user records.")),
  dialect: section("How the API differs from Databunker's.", {
    createUserWithoutToken: flag("Whether a user may be created without an access token."),
    listUsers: flag("Whether users can be listed."),
    statusCodes: word(
      "databunker",
      ["strict"],
      "Status codes of errors; strict gives 400/401/404/409.",
    ),
  }),
  selfService: section("What a data subject may do without approval.", {
    forgetMe: flag("Have everything about them erased."),
    changeProfile: flag("Change their user record."),
    changeApps: list("text", [], "Apps whose records they may change."),
  }),
  notify: section("How data subjects and staff are told.", {
    webhook: optional(url("", "Where events are posted.", "https", "http")),
    secret: optional(text("secret", "", "Signs what is posted.")),
    smtp: optional(url("", "The mail server, with its log-in.", "smtp", "smtps")),
    from: optional(text("text", "", "The sender of mails.")),
  }),
  disclosure: section("What each role sees of a session.", {
    support: disclosure("Support staff.", "network", "family", "none"),
    dpo: disclosure("The data-protection officer.", "full", "full", "full"),
  }),
});

function disclosure(
  description: string,
  address: string,
  userAgent: string,
  cookie: string,
): SchemaNode {
  return section(description, {
    address: level(address, ADDRESS, "The client's address."),
    userAgent: level(userAgent, USER_AGENT, "The user agent."),
    cookie: level(cookie, COOKIE, "The Cookie header."),
  });
}

function level(standard: string, levels: readonly string[], description: string): SchemaNode {
  return { ...word(standard, [], description), enum: levels };
}

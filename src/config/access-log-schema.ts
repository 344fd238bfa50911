import {
  duration,
  fields,
  list,
  listOfWords,
  optional,
  section,
  size,
  text,
  url,
  word,
} from "./schema-node.ts";

const AGE = { atLeast: "1s", atMost: "3650d" };
const OUTPUTS = ["stdout", "file", "syslog", "otlp", "mezmo", "http"];
const KEPT = ["page", "limit", "offset", "sort", "order", "lang", "format"];

export const ACCESS_LOG = section("What is written about each request, and where to.", {
  format: word("json", ["ecs", "combined"], "The shape of a line."),
  outputs: listOfWords(["stdout"], OUTPUTS, "Where lines go; an empty list writes none."),
  file: section("The output file.", {
    path: text("path", "./logs/access.log", "The file that is written; created 0600."),
    rotate: duration("1d", "Age at which a new file is begun.", AGE),
    maxSize: size("100MiB", "Size at which a new file is begun.", {
      atLeast: "1KiB",
      atMost: "1024TiB",
    }),
    keep: duration("30d", "Age at which a rotated file is removed.", {
      ...AGE,
      atLeast: "1h",
    }),
  }),
  syslog: section("The output syslog: RFC 5424 over TCP or TLS.", {
    url: optional(url("", "The receiver.", "tcp", "tls")),
    ca: optional(
      text("path", "", "Certificate authority that the receiver is checked against, PEM."),
    ),
  }),
  otlp: section("The output otlp: OTLP/HTTP logs.", {
    url: optional(url("", "The receiver.", "http", "https")),
  }),
  mezmo: section("The output mezmo: the ingestion API of Mezmo.", {
    url: url("https://logs.mezmo.com", "The receiver.", "http", "https"),
    keyFile: optional(text("path", "", "File with the ingestion key.")),
  }),
  http: section("The output http: NDJSON by POST.", {
    url: optional(url("", "The receiver.", "http", "https")),
    headers: fields("Header fields sent along."),
  }),
  spool: section("What network outputs could not deliver yet.", {
    dir: text("path", "<dataDir>/spool", "The folder it waits in."),
    maxSize: size("1GiB", "Past it the oldest lines are dropped, and counted.", {
      atLeast: "1MiB",
      atMost: "1024TiB",
    }),
  }),
  identity: word("token", ["sealed", "none"], "What a line says about who it was."),
  userAgent: word("family", ["none"], "What a line says about the user agent."),
  query: section("What a line says about the query.", {
    keep: list("text", KEPT, "Query parameters whose values are written, after scrubbing."),
  }),
  paths: list("template", [], "Path templates whose :parts are replaced."),
});

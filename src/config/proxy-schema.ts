import {
  autoOrCookies,
  count,
  duration,
  list,
  listOfWords,
  optional,
  rate,
  section,
  size,
  sizeOrNone,
  text,
  word,
} from "./schema-node.ts";

const TIMEOUT = { atLeast: "1ms", atMost: "24h" };

export const PROXY = section("The data plane: where clients arrive and where they are sent on.", {
  listen: text("listen", "127.0.0.1:8080", "Where clients arrive."),
  socketAccess: word(
    "group",
    ["owner", "all"],
    "Who may connect when listen is unix:/path: owner 0600, group 0660, all 0666.",
  ),
  upstream: text("upstream", "http://127.0.0.1:8000", "The web server behind."),
  trustedProxies: list(
    "trusted",
    [],
    "Proxies in front whose forwarding headers are believed; unix means whoever connects to a Unix socket.",
  ),
  proxyProtocol: word(
    "off",
    ["on"],
    "Whether every connection begins with a PROXY protocol header, version 1 or 2.",
  ),
  forward: section("What the upstream gets to see.", {
    clientAddress: word("token", ["omit", "pass"], "The client's address."),
    userAgent: word(
      "token",
      ["reduced", "omit", "pass"],
      "The user agent; reduced gives a real but coarse one.",
    ),
    cookies: word("token", ["omit", "pass"], "Cookies other than those of passCookies."),
    passCookies: autoOrCookies(
      "Cookies that pass through; auto means those that the upstream itself has set.",
    ),
  }),
  tls: section("TLS towards clients; both or neither.", {
    cert: optional(text("path", "", "Certificate chain, PEM.")),
    key: optional(text("path", "", "Private key, PEM.")),
  }),
  upstreamTls: section("TLS towards an upstream that begins with https://.", {
    ca: optional(text("path", "", "Certificate authorities in place of the well-known ones, PEM.")),
    serverName: optional(
      text("host", "", "The name asked for (SNI) and checked, in place of the upstream's."),
    ),
    cert: optional(text("path", "", "Client certificate chain, PEM.")),
    key: optional(text("path", "", "Its private key, PEM.")),
    verify: word("on", ["off"], "Whether the upstream's certificate is checked."),
  }),
  limits: section("What one client may take.", {
    headers: size("16KiB", "Request line and headers together.", {
      atLeast: "1KiB",
      atMost: "1MiB",
    }),
    body: sizeOrNone("none", "Request body.", { atLeast: "1B", atMost: "1024TiB" }),
    connections: count(10_000, "Open client connections.", 1, 1_000_000),
    newSessionsPerAddress: rate(
      "600/m",
      "New sessions of one address (IPv6: of one /64); past it they share one token.",
    ),
  }),
  timeouts: section("How long anything may take.", {
    headers: duration("10s", "Until the request's headers are in.", TIMEOUT),
    request: duration("5m", "Until the whole request is in.", TIMEOUT),
    idle: duration("60s", "A kept-alive connection without a request.", TIMEOUT),
    upstreamConnect: duration("5s", "Until the upstream accepts the connection.", TIMEOUT),
    upstreamResponse: duration("60s", "Until the upstream's response headers.", TIMEOUT),
    drain: duration("30s", "For what still runs when logveil stops.", {
      atLeast: "0s",
      atMost: "24h",
    }),
  }),
});

const IDENTITY = ["address", "userAgent", "cookies"];

export const SESSION = section("What a session is and how long it can be looked up.", {
  identity: {
    ...listOfWords(IDENTITY, IDENTITY, "What makes two requests one session."),
    minItems: 1,
  },
  cookies: autoOrCookies(
    "Cookies that count for that; auto means the session cookies of the common frameworks.",
  ),
  rotate: duration(
    "24h",
    "A client's token changes at the end of each epoch; epochs begin at multiples of this (UTC), in whole seconds.",
    { atLeast: "1s", atMost: "366d" },
  ),
  retention: duration(
    "30d",
    "How long after its epoch ends a token can be looked up; a warning below 72h.",
    { atLeast: "0s", atMost: "3650d" },
  ),
  durability: word(
    "process",
    ["disk"],
    "What a stored session survives: process means kill -9, disk means power loss.",
  ),
});

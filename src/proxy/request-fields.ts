// One pass over a request's header lines: what we must know is read, what may go on is collected as it came, and what identifies
// the client or belongs to one hop only is left behind.

/** What one header field means to the proxy. `pass` and `read` fields go on to the upstream, everything else does not. */
type Treatment = "pass" | "drop" | keyof typeof FIELDS | "userAgentHint";

/** Fields that are read, and whether they go on as they came too. */
const FIELDS = {
  connection: { name: "connection", goesOn: false },
  contentLength: { name: "content-length", goesOn: true },
  cookie: { name: "cookie", goesOn: false },
  expect: { name: "expect", goesOn: false },
  forwarded: { name: "forwarded", goesOn: false },
  host: { name: "host", goesOn: false },
  maxForwards: { name: "max-forwards", goesOn: true },
  referer: { name: "referer", goesOn: true },
  requestId: { name: "x-request-id", goesOn: false },
  traceparent: { name: "traceparent", goesOn: true },
  transferEncoding: { name: "transfer-encoding", goesOn: false },
  upgrade: { name: "upgrade", goesOn: false },
  userAgent: { name: "user-agent", goesOn: false },
  via: { name: "via", goesOn: false },
  xForwardedFor: { name: "x-forwarded-for", goesOn: false },
  xForwardedHost: { name: "x-forwarded-host", goesOn: false },
  xForwardedPort: { name: "x-forwarded-port", goesOn: false },
  xForwardedProto: { name: "x-forwarded-proto", goesOn: false },
} as const;

/** RFC 9110 section 7.6.1; Proxy-Authorization is for us, the next hop (section 11.7.2). */
const HOP_BY_HOP = [
  "http2-settings",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
];

/** Fields by which proxies, CDNs and load balancers pass a client's address on, and our own, which nobody else may set. */
const ADDRESS_FIELDS = [
  "cf-connecting-ip",
  "cf-connecting-ipv6",
  "cf-pseudo-ipv4",
  "client-ip",
  "fastly-client-ip",
  "fly-client-ip",
  "forwarded-for",
  "from",
  "incap-client-ip",
  "proxy-client-ip",
  "true-client-ip",
  "wl-proxy-client-ip",
  "x-appengine-user-ip",
  "x-arr-clientip",
  "x-azure-clientip",
  "x-azure-socketip",
  "x-client-ip",
  "x-cluster-client-ip",
  "x-envoy-external-address",
  "x-forwarded",
  "x-original-forwarded-for",
  "x-originating-ip",
  "x-proxyuser-ip",
  "x-real-ip",
  "x-remote-addr",
  "x-remote-ip",
  "x-session-token",
];

const USER_AGENT_FIELDS = [
  "x-device-user-agent",
  "x-operamini-phone-ua",
  "x-original-user-agent",
  "x-ucbrowser-ua",
  "x-wap-profile",
];

const TREATMENTS: ReadonlyMap<string, Treatment> = new Map<string, Treatment>([
  ...[...HOP_BY_HOP, ...ADDRESS_FIELDS].map((name) => [name, "drop"] as const),
  ...USER_AGENT_FIELDS.map((name) => [name, "userAgentHint"] as const),
  ...(Object.keys(FIELDS) as (keyof typeof FIELDS)[]).map(
    (field) => [FIELDS[field].name, field] as const,
  ),
]);

/** Fields of the request that were read, by their names above; repeated ones joined as RFC 9110 section 5.3 says. */
export type RequestFields = { -readonly [Field in keyof typeof FIELDS]: string | undefined } & {
  hostLines: number;
  contentLengthLines: number;
  /** What goes on to the upstream untouched: name, value, name, value … in order and casing. */
  readonly passing: string[];
  /** Client hints and the like, for `forward.userAgent: pass`. */
  readonly userAgentHints: string[];
};

/** Names seen before, as they were spelt, so that the common ones are neither lower-cased nor searched again. */
const spellings = new Map<string, Treatment>();
const MAX_SPELLINGS = 512;
/** Longer names are a client's invention; together they must not fill the memory. */
const MAX_SPELLING_LENGTH = 64;

/** Takes `IncomingMessage.rawHeaders`: name, value, name, value … */
export function readRequestFields(rawHeaders: readonly string[]): RequestFields {
  const fields = emptyFields();
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? "";
    const value = rawHeaders[index + 1] ?? "";
    const treatment = treatmentOf(name);
    if (treatment === "pass") fields.passing.push(name, value);
    else if (treatment === "userAgentHint") fields.userAgentHints.push(name, value);
    else if (treatment !== "drop") readField(fields, treatment, name, value);
  }
  if (fields.connection !== undefined) dropNominated(fields, fields.connection);
  return fields;
}

function readField(
  fields: RequestFields,
  field: keyof typeof FIELDS,
  name: string,
  value: string,
): void {
  if (field === "host") fields.hostLines += 1;
  if (field === "contentLength") fields.contentLengthLines += 1;
  const before = fields[field];
  fields[field] =
    before === undefined ? value : `${before}${field === "cookie" ? "; " : ", "}${value}`;
  if (FIELDS[field].goesOn) fields.passing.push(name, value);
}

function treatmentOf(name: string): Treatment {
  const known = spellings.get(name);
  if (known !== undefined) return known;
  const treatment = ODD.test(name) ? treatmentOfOddName(name) : treatmentOfName(name);
  if (spellings.size < MAX_SPELLINGS && name.length <= MAX_SPELLING_LENGTH)
    spellings.set(name, treatment);
  return treatment;
}

function treatmentOfName(name: string): Treatment {
  const lower = name.toLowerCase();
  return TREATMENTS.get(lower) ?? (lower.startsWith("sec-ch-ua") ? "userAgentHint" : "pass");
}

/** What a token may have beside letters, digits and dashes (RFC 9110 section 5.6.2). */
const ODD = /[^\dA-Za-z-]/;

/**
 * SECURITY: CGI and many frameworks read `X_Real_IP` as X-Real-IP, and some servers take any odd character for a dash, so such a
 * field must not pass; and no proxy in front of us writes one, so it must not be believed either.
 */
function treatmentOfOddName(name: string): Treatment {
  return treatmentOfName(name.replaceAll(/[^\dA-Za-z-]/g, "-")) === "pass" ? "pass" : "drop";
}

/**
 * Fields named in `Connection` end here (RFC 9110 section 7.6.1). SECURITY: only fields that would have passed untouched can be
 * named away; what we read and write ourselves is out of a client's reach.
 */
function dropNominated(fields: RequestFields, connection: string): void {
  const nominated = connectionOptions(connection);
  if (nominated.size === 0) return;
  const kept: string[] = [];
  for (let index = 0; index + 1 < fields.passing.length; index += 2) {
    const name = (fields.passing[index] ?? "").toLowerCase();
    if (nominated.has(name) && !END_TO_END.has(name)) continue;
    kept.push(fields.passing[index] ?? "", fields.passing[index + 1] ?? "");
  }
  fields.passing.splice(0, fields.passing.length, ...kept);
}

/** Fields whose loss would change what the request means: naming them in `Connection` is an attack and does nothing. */
const END_TO_END = new Set([
  "authorization",
  "cache-control",
  "content-encoding",
  "content-length",
  "content-type",
  "origin",
  "range",
  "referer",
]);

/** The field names in a Connection field, without the two that name no field. */
export function connectionOptions(connection: string): ReadonlySet<string> {
  const lower = connection.toLowerCase();
  if (lower === "keep-alive" || lower === "close") return NO_OPTIONS;
  return new Set(
    lower
      .split(",")
      .map((option) => option.trim())
      .filter((option) => option !== "" && option !== "keep-alive" && option !== "close"),
  );
}

const NO_OPTIONS: ReadonlySet<string> = new Set();

function emptyFields(): RequestFields {
  return {
    connection: undefined,
    contentLength: undefined,
    cookie: undefined,
    expect: undefined,
    forwarded: undefined,
    host: undefined,
    maxForwards: undefined,
    referer: undefined,
    requestId: undefined,
    traceparent: undefined,
    transferEncoding: undefined,
    upgrade: undefined,
    userAgent: undefined,
    via: undefined,
    xForwardedFor: undefined,
    xForwardedHost: undefined,
    xForwardedPort: undefined,
    xForwardedProto: undefined,
    hostLines: 0,
    contentLengthLines: 0,
    passing: [],
    userAgentHints: [],
  };
}

/**
 * W3C Trace Context section 3.2.2: `version-traceId-parentId-flags`, lower-case hex; ids of zeros and version ff are invalid, version 00
 * ends there, a later one may add fields behind a dash.
 */
const TRACEPARENT =
  /^(?!ff)[\da-f]{2}-(?<traceId>(?!0{32})[\da-f]{32})-(?!0{16})[\da-f]{16}-[\da-f]{2}(?:$|(?<!^00.{53})-)/;

/**
 * The trace id for the access log; undefined for what is malformed, or came more than once. Whether it is or not, the fields go on to
 * the upstream untouched: who takes no part in a trace does not judge it (section 3.1).
 */
export function findTraceId(traceparent: string | undefined): string | undefined {
  return traceparent === undefined ? undefined : TRACEPARENT.exec(traceparent)?.groups?.["traceId"];
}

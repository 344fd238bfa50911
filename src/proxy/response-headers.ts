import { connectionOptions } from "./request-fields.ts";

/** The head of an upstream's answer, made fit for the client. */
export type ClientHeaders = {
  /** name, value, name, value … in the upstream's order and casing. */
  readonly list: string[];
  readonly setCookies: readonly string[];
  /** Value of `X-Databunker-User`: whom the upstream says this session belongs to. Never reaches the client. */
  readonly userToken: string | undefined;
};

/** RFC 9110 section 7.6.1, and what only logveil may say. `trailer` is decided by whoever knows the framing. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Fields that decide where an answer ends or whose it is: naming them in `Connection` does nothing. */
const END_TO_END: ReadonlySet<string> = new Set([
  "cache-control",
  "content-encoding",
  "content-length",
  "content-type",
  "set-cookie",
]);

/** Takes undici's raw header list: strings or latin-1 buffers. */
export function headersForClient(rawHeaders: readonly (string | Buffer)[]): ClientHeaders {
  const list: string[] = [];
  const setCookies: string[] = [];
  let connection: string | undefined;
  let userToken: string | undefined;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = textOf(rawHeaders[index]);
    const value = textOf(rawHeaders[index + 1]);
    const lower = name.toLowerCase();
    if (lower === "connection") connection = value;
    else if (lower === "x-databunker-user") userToken = value;
    else if (!HOP_BY_HOP.has(lower)) {
      list.push(name, value);
      if (lower === "set-cookie") setCookies.push(value);
    }
  }
  const kept = connection === undefined ? list : withoutNominated(list, connection);
  return { list: kept, setCookies, userToken };
}

function withoutNominated(list: string[], connection: string): string[] {
  const nominated = connectionOptions(connection);
  if (nominated.size === 0) return list;
  const kept: string[] = [];
  for (let index = 0; index + 1 < list.length; index += 2) {
    const name = (list[index] ?? "").toLowerCase();
    if (nominated.has(name) && !END_TO_END.has(name)) continue;
    kept.push(list[index] ?? "", list[index + 1] ?? "");
  }
  return kept;
}

/** Header bytes are latin-1 on the wire in both directions, so this loses none. */
function textOf(part: string | Buffer | undefined): string {
  return typeof part === "string" ? part : (part?.toString("latin1") ?? "");
}

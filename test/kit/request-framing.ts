// Where one request ends and the next begins on a raw connection (RFC 9112 section 6). Lenient on purpose: the recording upstream
// must take what a careless server would take, or an attack that gets through the proxy would not show.

export type FramedRequest = {
  readonly method: string;
  readonly requestTarget: string;
  /** Names as they were spelled, values trimmed, in order. */
  readonly headers: readonly (readonly [string, string])[];
  /** The head with its final empty line, as sent. */
  readonly head: Buffer;
  /** The body with its framing taken off. */
  readonly body: Buffer;
  /** Head and body as sent, chunk sizes and trailers included. */
  readonly bytes: Buffer;
};

export type RequestHead = Pick<FramedRequest, "method" | "requestTarget" | "headers" | "head">;

/** The first request head in `bytes`, or undefined while it is incomplete. */
export function findHead(bytes: Buffer): RequestHead | undefined {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const head = bytes.subarray(0, end + 4);
  const [requestLine = "", ...lines] = head.subarray(0, end).toString("latin1").split("\r\n");
  const [method = "", requestTarget = ""] = requestLine.split(" ");
  return { method, requestTarget, headers: lines.map(parseField), head };
}

/** The first whole request in `bytes`, or undefined while some of it is missing. */
export function findRequest(bytes: Buffer): FramedRequest | undefined {
  const head = findHead(bytes);
  if (head === undefined) return undefined;
  const framed = findBody(bytes.subarray(head.head.length), head);
  if (framed === undefined) return undefined;
  return {
    ...head,
    body: framed.body,
    bytes: bytes.subarray(0, head.head.length + framed.length),
  };
}

/** The values of all fields called `name`, in any case. */
export function valuesOf({ headers }: Pick<RequestHead, "headers">, name: string): string[] {
  return headers.filter(([field]) => field.toLowerCase() === name.toLowerCase()).map(([, v]) => v);
}

function parseField(line: string): readonly [string, string] {
  const colon = line.indexOf(":");
  return colon < 0 ? [line, ""] : [line.slice(0, colon), line.slice(colon + 1).trim()];
}

type Framed = { readonly body: Buffer; readonly length: number };

function findBody(bytes: Buffer, head: RequestHead): Framed | undefined {
  if (valuesOf(head, "transfer-encoding").length > 0) return findChunkedBody(bytes);
  const length = Number.parseInt(valuesOf(head, "content-length")[0] ?? "0", 10);
  if (bytes.length < length) return undefined;
  return { body: bytes.subarray(0, length), length };
}

function findChunkedBody(bytes: Buffer): Framed | undefined {
  const chunks: Buffer[] = [];
  for (let at = 0; ;) {
    const lineEnd = bytes.indexOf("\r\n", at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(bytes.toString("latin1", at, lineEnd), 16);
    if (!(size > 0)) return endAfterTrailers(bytes, at, chunks);
    at = lineEnd + 2 + size + 2;
    if (bytes.length < at) return undefined;
    chunks.push(bytes.subarray(lineEnd + 2, at - 2));
  }
}

function endAfterTrailers(
  bytes: Buffer,
  lastChunk: number,
  chunks: readonly Buffer[],
): Framed | undefined {
  const end = bytes.indexOf("\r\n\r\n", lastChunk);
  return end < 0 ? undefined : { body: Buffer.concat(chunks), length: end + 4 };
}

import { constants } from "node:http2";
import type { ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import type { ClientRequest, ClientResponse } from "./client-exchange.ts";

/** RFC 9113 section 8.2.2, in an answer: what has no place there, and would make node refuse all of it. */
const CONNECTION_FIELDS: ReadonlySet<string> = new Set([
  "connection",
  "http2-settings",
  "keep-alive",
  "proxy-connection",
  "te",
  "transfer-encoding",
  "upgrade",
]);

/** One request of an HTTP/2 connection, told as HTTP/1.1 would tell it (RFC 9113 section 8.3.1). */
export class Http2Request implements ClientRequest {
  readonly httpVersion = "2";
  readonly method: string;
  readonly url: string;
  readonly rawHeaders: readonly string[];
  /** The stream: what is refused is one request, and the others of the connection go on. */
  readonly socket: Socket;
  readonly #stream: ServerHttp2Stream;
  readonly #hasBody: boolean;

  constructor(stream: ServerHttp2Stream, headers: readonly string[], hasBody: boolean) {
    this.#stream = stream;
    this.#hasBody = hasBody;
    // Only looked up by, and told to close gently, which a stream does anyway.
    this.socket = stream as unknown as Socket;
    const { method, path, list } = translate(headers, hasBody);
    this.method = method;
    this.url = path;
    this.rawHeaders = list;
  }

  get complete(): boolean {
    return !this.#hasBody || this.#stream.readableEnded;
  }

  iterator(options: { destroyOnReturn: boolean }): AsyncIterable<unknown> {
    return this.#stream.iterator(options);
  }
}

function translate(headers: readonly string[], hasBody: boolean) {
  let [method, path, authority] = ["", "", ""];
  let isFramed = !hasBody;
  const list: string[] = [];
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] ?? "";
    const value = headers[index + 1] ?? "";
    if (name === ":method") method = value;
    else if (name === ":path") path = value;
    else if (name === ":authority") authority = value;
    else if (name.startsWith(":")) continue;
    // The same host twice is no contradiction; any other makes two Host fields, which are refused (RFC 9113 section 8.3.1).
    else if (name === "host" && value === authority) continue;
    else list.push(name, value);
    if (name === "content-length") isFramed = true;
  }
  if (authority !== "") list.unshift("host", authority);
  // A body of which nobody has said how long it is.
  if (!isFramed) list.push("transfer-encoding", "chunked");
  return { method, path, list };
}

export type Http2ResponseParts = {
  readonly stream: ServerHttp2Stream;
  readonly request: ClientRequest;
  /** How long the client may take for what of the answer is left when it is over, ms. */
  readonly stallMs: number;
  /** Breaks the stream off, and the connection if that cannot be told to the client. */
  readonly breakOff: () => void;
};

/** The answer to it. */
export class Http2Response implements ClientResponse {
  statusCode = 200;
  shouldKeepAlive = true;
  readonly #stream: ServerHttp2Stream;
  readonly #parts: Http2ResponseParts;
  readonly #fields: string[] = [];
  #head: readonly string[] | undefined;
  #hasLength = false;
  #trailers: readonly [string, string][] = [];
  #isEnded = false;

  constructor(parts: Http2ResponseParts) {
    this.#stream = parts.stream;
    this.#parts = parts;
  }

  get headersSent(): boolean {
    return this.#head !== undefined;
  }

  get destroyed(): boolean {
    return this.#stream.destroyed || this.#stream.closed;
  }

  get writableEnded(): boolean {
    return this.#isEnded;
  }

  /** Told by the code alone: of a stream whose client has sent everything node says `close` before `finish`. */
  get writableFinished(): boolean {
    const { destroyed, rstCode, writableFinished } = this.#stream;
    if (!this.#isEnded || rstCode !== constants.NGHTTP2_NO_ERROR) return false;
    return writableFinished || destroyed;
  }

  get writableLength(): number {
    return this.#stream.writableLength;
  }

  once(event: "close" | "drain", listener: () => void): void {
    this.#stream.once(event, listener);
  }

  setHeader(name: string, value: string): void {
    pushFields(this.#fields, [name, value]);
  }

  writeContinue(): void {
    this.#inform(100, []);
  }

  writeInformation(status: number, headers: string[]): void {
    this.#inform(status, headers);
  }

  #inform(status: number, headers: readonly string[]): void {
    if (this.destroyed || this.headersSent) return;
    this.#stream.additionalHeaders(Object.assign(groupFields(headers), { ":status": status }));
  }

  writeHead(status: number, reason: string, headers: string[]): void;
  writeHead(status: number, headers: Record<string, string | number>): void;
  writeHead(
    status: number,
    second: string | Record<string, string | number>,
    headers: string[] = [],
  ): void {
    this.statusCode = status;
    const given =
      typeof second === "string"
        ? headers
        : Object.entries(second).flatMap(([name, value]) => [name, String(value)]);
    pushFields(this.#fields, given);
    // Without a body, so without its length (RFC 9110 section 15.3.6); node ends the stream with the head.
    if (status === 205) dropLength(this.#fields);
    this.#hasLength = this.#fields.some((text, at) => at % 2 === 0 && text === "content-length");
    this.#head = [":status", String(status), ...this.#fields];
  }

  flushHeaders(): void {
    this.#respond();
  }

  write(chunk: Buffer): boolean {
    this.#respond();
    return this.#stream.closed || this.#stream.writableEnded || this.#stream.write(chunk);
  }

  addTrailers(trailers: [string, string][]): void {
    this.#trailers = trailers;
  }

  end(text = "", encoding: "latin1" | "utf8" = "utf8"): void {
    this.#respond();
    this.#isEnded = true;
    const stream = this.#stream;
    if (stream.closed) return;
    // The rest of an upload that nobody waits for: the client is told to stop (RFC 9113 section 8.1).
    if (!this.#parts.request.complete)
      stream.once("finish", () => stream.close(constants.NGHTTP2_NO_ERROR));
    if (!stream.writableEnded) stream.end(text, encoding);
    // A client that grants no window would keep the shortest answer, and so its stream, for ever.
    const patience = setTimeout(() => this.destroy(), this.#parts.stallMs);
    stream.once("close", () => clearTimeout(patience));
  }

  destroy(): void {
    this.#parts.breakOff();
  }

  #respond(): void {
    const stream = this.#stream;
    if (this.#head === undefined || stream.headersSent || stream.closed || stream.destroyed) return;
    // Trailers come behind bodies of unknown length only; a stream that waits for them takes one more frame.
    const waitForTrailers = !this.#hasLength && !stream.writableEnded;
    if (waitForTrailers) stream.once("wantTrailers", () => this.#sendTrailers());
    stream.respond(this.#head, { waitForTrailers });
  }

  #sendTrailers(): void {
    if (!this.#stream.closed) this.#stream.sendTrailers(groupFields(this.#trailers.flat()));
  }
}

/** SECURITY: without a prototype, because the upstream chooses the names; and without what node throws at, because it would throw at nobody. */
function groupFields(headers: readonly string[]): Record<string, string[]> {
  const fields: Record<string, string[]> = Object.create(null);
  const list: string[] = [];
  pushFields(list, headers);
  for (let index = 0; index + 1 < list.length; index += 2)
    (fields[list[index] ?? ""] ??= []).push(list[index + 1] ?? "");
  return fields;
}

function dropLength(fields: string[]): void {
  for (let index = fields.length - 2; index >= 0; index -= 2)
    if (fields[index] === "content-length") fields.splice(index, 2);
}

/** Names in lower case, and without what belongs to an HTTP/1 connection. */
function pushFields(list: string[], headers: readonly string[]): void {
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = (headers[index] ?? "").toLowerCase();
    if (!CONNECTION_FIELDS.has(name)) list.push(name, headers[index + 1] ?? "");
  }
}

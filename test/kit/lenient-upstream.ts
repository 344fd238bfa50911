// A server that believes almost anything: it reads every byte it is sent in several sloppy ways at once, as careless servers do, and
// tells how many requests each of them would serve. What gets past the proxy and is ambiguous shows here as one request too many.

import { createServer } from "node:net";
import type { Socket } from "node:net";
import { closeServer, listen } from "./loopback.ts";

export type SloppyRequest = {
  readonly requestLine: string;
  /** As they came, trimmed. */
  readonly fields: readonly string[];
  readonly body: string;
};

/** How one careless server takes what it is sent. */
export type Reading = {
  readonly name: string;
  /** What ends a line. */
  readonly lineEnd: RegExp;
  /** Which of the fields that frame a body it believes when there are several. */
  readonly framing: Framing;
};

/** `what is spelt right` overlooks every other spelling of a field and of its value. */
type Framing = (typeof FRAMINGS)[number];

const FRAMINGS = ["chunked", "first length", "last length", "what is spelt right"] as const;

const LINE_ENDS = [
  { name: "lines end at LF", lineEnd: /\r?\n/ },
  { name: "lines end at CR or LF", lineEnd: /\r\n|\r|\n/ },
] as const;

export const READINGS: readonly Reading[] = LINE_ENDS.flatMap(({ name, lineEnd }) =>
  FRAMINGS.map((framing) => ({
    name: `${name}, ${framing} counts`,
    lineEnd,
    framing,
  })),
);

export type SloppyReading = {
  readonly reading: Reading;
  readonly requests: readonly SloppyRequest[];
  /** What is left: the beginning of a request that never became whole. */
  readonly rest: string;
};

export type LenientUpstream = AsyncDisposable & {
  readonly url: string;
  readonly port: number;
  /** All bytes of each connection, latin-1. */
  readonly connections: () => readonly string[];
  /** Each connection read in each way. */
  readonly readings: () => readonly SloppyReading[];
  readonly forget: () => void;
};

/** Answers each request that any reading finds with 200 and that request's line. Listens on a port of the kernel's choice on 127.0.0.1. */
export async function startLenientUpstream(): Promise<LenientUpstream> {
  const sockets = new Set<Socket>();
  const connections: { bytes: string }[] = [];
  const server = createServer((socket) => {
    const connection = { bytes: "" };
    connections.push(connection);
    sockets.add(socket);
    let answered = 0;
    socket.on("data", (chunk: Buffer) => {
      if (connection.bytes === "") answered = 0;
      connection.bytes += chunk.toString("latin1");
      const found = mostOf(connection.bytes);
      for (const { requestLine } of found.slice(answered)) socket.write(answerTo(requestLine));
      answered = Math.max(answered, found.length);
    });
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
  });
  const { port, url } = await listen(server);
  return {
    url,
    port,
    connections: () => connections.map(({ bytes }) => bytes),
    readings: () =>
      connections.flatMap(({ bytes }) => READINGS.map((reading) => readSloppily(bytes, reading))),
    forget: () => {
      for (const connection of connections) connection.bytes = "";
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await closeServer(server);
    },
  };
}

function mostOf(bytes: string): readonly SloppyRequest[] {
  const found = READINGS.map((reading) => readSloppily(bytes, reading).requests);
  return found.reduce((most, requests) => (requests.length > most.length ? requests : most));
}

function answerTo(requestLine: string): string {
  return `HTTP/1.1 200 OK\r\nContent-Length: ${String(requestLine.length)}\r\n\r\n${requestLine}`;
}

export function readSloppily(bytes: string, reading: Reading): SloppyReading {
  const requests: SloppyRequest[] = [];
  let rest = bytes;
  for (;;) {
    rest = rest.replace(/^[\0\s]+/, "");
    const found = readRequest(rest, reading);
    if (found === undefined) return { reading, requests, rest };
    requests.push(found.request);
    rest = found.rest;
  }
}

type Found<Part> = Part & { readonly rest: string };

function readRequest(
  bytes: string,
  reading: Reading,
): Found<{ readonly request: SloppyRequest }> | undefined {
  const head = readLines(bytes, reading.lineEnd);
  if (head === undefined) return undefined;
  const [requestLine = "", ...fields] = head.lines;
  const body = readBody(head.rest, fields, reading);
  if (body === undefined) return undefined;
  return { request: { requestLine, fields, body: body.content }, rest: body.rest };
}

/** Lines up to one that is empty, or has blanks only. */
function readLines(
  bytes: string,
  lineEnd: RegExp,
): Found<{ readonly lines: readonly string[] }> | undefined {
  const lines: string[] = [];
  let rest = bytes;
  for (;;) {
    const end = lineEnd.exec(rest);
    if (end === null) return undefined;
    const line = rest.slice(0, end.index).trim();
    rest = rest.slice(end.index + end[0].length);
    if (line === "") return { lines, rest };
    lines.push(line);
  }
}

function readBody(
  bytes: string,
  fields: readonly string[],
  { framing, lineEnd }: Reading,
): Found<{ readonly content: string }> | undefined {
  if (framing === "what is spelt right") return readBodyAsSpelt(bytes, fields, lineEnd);
  const lengths = valuesOf(fields, "content-length").flatMap((value) => value.split(","));
  const isChunked = valuesOf(fields, "transfer-encoding").some((v) => /chunked/i.test(v));
  if (isChunked && (framing === "chunked" || lengths.length === 0))
    return readChunks(bytes, lineEnd);
  const length = sloppyNumber((framing === "last length" ? lengths.at(-1) : lengths[0]) ?? "", 10);
  return readLength(bytes, length);
}

function readBodyAsSpelt(bytes: string, fields: readonly string[], lineEnd: RegExp) {
  if (fields.some((field) => /^transfer-encoding: *chunked$/i.test(field)))
    return readChunks(bytes, lineEnd);
  const lengths = fields.map((field) => /^content-length: *(?<length>\d+)$/i.exec(field)?.groups);
  return readLength(bytes, Number(lengths.find(Boolean)?.["length"] ?? 0));
}

function readLength(
  bytes: string,
  length: number,
): Found<{ readonly content: string }> | undefined {
  if (bytes.length < length) return undefined;
  return { content: bytes.slice(0, length), rest: bytes.slice(length) };
}

/** Any odd character in a name counts as a dash, blanks and NUL around it as nothing. */
function valuesOf(fields: readonly string[], name: string): readonly string[] {
  return fields
    .map((field) => /^(?<name>[^:]*):(?<value>[\s\S]*)$/.exec(field)?.groups)
    .filter((parts) => sloppyName(parts?.["name"] ?? "") === name)
    .map((parts) => parts?.["value"] ?? "");
}

function sloppyName(name: string): string {
  return name
    .replaceAll(/[\0\s"]/g, "")
    .replaceAll(/[^\dA-Za-z]/g, "-")
    .toLowerCase();
}

function sloppyNumber(text: string, radix: 10 | 16): number {
  const digits = text.replaceAll(/[\s"+_]/g, "").replace(/^0x/i, "");
  const number = Number.parseInt(digits, radix);
  return number > 0 ? number : 0;
}

/** Extensions are not looked at; the line end behind a chunk may be missing. */
function readChunks(
  bytes: string,
  lineEnd: RegExp,
): Found<{ readonly content: string }> | undefined {
  let content = "";
  let rest = bytes;
  for (;;) {
    const end = lineEnd.exec(rest);
    if (end === null) return undefined;
    const size = sloppyNumber(rest.slice(0, end.index).split(";")[0] ?? "", 16);
    if (size === 0) {
      const trailers = readLines(rest.slice(end.index + end[0].length), lineEnd);
      return trailers === undefined ? undefined : { content, rest: trailers.rest };
    }
    const data = rest.slice(end.index + end[0].length);
    if (data.length < size) return undefined;
    content += data.slice(0, size);
    rest = data.slice(size).replace(/^\r?\n?/, "");
  }
}

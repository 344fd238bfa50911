// `POST /logs/ingest`, as Mezmo's ingestion API takes it, so that an agent or a library pointed here is cleaned on its way.

import type { IncomingHttpHeaders } from "node:http";
import { raw } from "express";
import type { Request, Response } from "express";
import { LogveilError } from "../errors.ts";
import { randomUuid } from "../keys/secure-random.ts";
import type { HandedLine, LogIngestion } from "../vault/log-ingestion.ts";
import { forAnyCaller } from "./route.ts";
import type { Access, Route } from "./route.ts";

/** Mezmo's own bound of a request. */
const MAX_BODY_BYTES = 10 * 1024 * 1024;
/** Mezmo's agents batch by size; this is 100 bytes a line. */
const MAX_LINES = 100_000;

// Agents compress. The bound holds for what comes out.
const readRaw = raw({ type: () => true, limit: MAX_BODY_BYTES, inflate: true });

export function createLogIngestionRoutes(
  ingestion: LogIngestion,
  access: Access,
): readonly Route[] {
  const accessAsMezmo: Access = (headers) => access(withMezmoKey(headers));
  return [
    {
      method: "post",
      path: "/logs/ingest",
      // SECURITY: the query (hostname, mac, ip, tags) is not looked at: it says who somebody's machine is.
      handler: forAnyCaller(accessAsMezmo, async (caller, request, response) => {
        try {
          await ingestion.ingest(caller, () => readLines(request, response));
          response.json({ status: "ok", batchID: randomUuid() });
        } catch (error) {
          answerAsMezmo(error, response);
        }
      }),
    },
  ];
}

/** Mezmo's key comes in `apikey` or as the user of HTTP's basic authentication: here it is an access token. A key in the URL is not one. */
function withMezmoKey(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  if (headers["x-bunker-token"] !== undefined) return headers;
  const { apikey, authorization } = headers;
  if (typeof apikey === "string") return { ...headers, "x-bunker-token": apikey };
  const [, basic] = /^basic +([A-Za-z0-9+/=]{1,512})$/i.exec(authorization ?? "") ?? [];
  if (basic === undefined) return headers;
  const [user = ""] = Buffer.from(basic, "base64").toString("latin1").split(":", 1);
  return { ...headers, "x-bunker-token": user };
}

const REFUSALS: ReadonlyMap<string, readonly [number, string]> = new Map([
  ["body-invalid", [400, "the body could not be understood"]],
  ["body-missing", [400, "there are no lines in the body"]],
  ["body-too-large", [413, "the body is too large"]],
]);

function answerAsMezmo(error: unknown, response: Response): void {
  const refusal = error instanceof LogveilError ? REFUSALS.get(error.code) : undefined;
  if (refusal === undefined) throw error;
  const [status, text] = refusal;
  response.status(status).json({ status: "error", code: "BadRequest", error: text });
}

async function readLines(request: Request, response: Response): Promise<readonly HandedLine[]> {
  const text = await readText(request, response);
  const mediaType = (request.headers["content-type"] ?? "").split(";", 1)[0]?.trim().toLowerCase();
  const lines =
    mediaType === "application/x-ndjson" || mediaType === "text/plain"
      ? text.split("\n").map(lineOfText)
      : linesOfBatch(parse(text));
  const there = lines.filter(({ text: line }) => line !== "");
  if (there.length === 0) throw new LogveilError("body-missing");
  if (there.length > MAX_LINES) throw new LogveilError("body-too-large");
  return there;
}

/** In Latin-1, as all lines are read: bytes stay bytes. */
async function readText(request: Request, response: Response): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    readRaw(request, response, (failure?: unknown) => {
      if (failure === undefined) return resolve();
      const isTooLarge = failure instanceof Error && "status" in failure && failure.status === 413;
      reject(new LogveilError(isTooLarge ? "body-too-large" : "body-invalid", { cause: failure }));
    });
  });
  return request.body instanceof Buffer ? request.body.toString("latin1") : "";
}

function parse(text: string): unknown {
  if (text === "") throw new LogveilError("body-missing");
  try {
    return JSON.parse(text);
  } catch {
    throw new LogveilError("body-invalid"); // without the cause, which quotes the body
  }
}

/** `{"lines":[{"line":…,"timestamp":…,"app":…,"meta":…}]}`; of each the line and its time are read, and nothing else. */
function linesOfBatch(body: unknown): readonly HandedLine[] {
  const lines = isObject(body) ? body["lines"] : undefined;
  if (!Array.isArray(lines)) throw new LogveilError("body-invalid");
  return lines.map((line: unknown) => (isObject(line) ? lineOf(line) : NOTHING));
}

const NOTHING: HandedLine = { text: "", atMs: undefined };

/** One of newline-delimited JSON: a line of Mezmo's, an access-log object, or text. */
function lineOfText(text: string): HandedLine {
  const line = text.endsWith("\r") ? text.slice(0, -1) : text;
  if (!line.startsWith("{")) return { text: line, atMs: undefined };
  const members = tryParse(line);
  return members !== undefined && typeof members["line"] === "string"
    ? lineOf(members)
    : { text: line, atMs: undefined };
}

function tryParse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined; // text, then
  }
}

function lineOf(members: Readonly<Record<string, unknown>>): HandedLine {
  const { line, timestamp } = members;
  const text = typeof line === "string" ? line : isObject(line) ? JSON.stringify(line) : "";
  return { text: inBytes(text), atMs: findTime(timestamp) };
}

/** A character beyond Latin-1 was spelt as `\uXXXX`: back to the bytes that it would have come as. A line is one line. */
function inBytes(text: string): string {
  const line = text.replace(/[\r\n]+$/, "").replaceAll(/[\r\n]+/g, " ");
  return /[^\0-\xff]/.test(line) ? Buffer.from(line).toString("latin1") : line;
}

/** Seconds or milliseconds since 1970, or ISO 8601. */
function findTime(value: unknown): number | undefined {
  const number = typeof value === "string" ? Date.parse(value) : value;
  if (typeof number !== "number" || !(number > 0)) return undefined;
  const ms = Math.round(number > 1e11 ? number : number * 1000);
  return ms < 2 ** 32 * 1000 ? ms : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

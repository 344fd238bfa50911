// Request bodies as Databunker takes them: JSON (also under the name of XML) or a form, an object either way, or for a PUT a list.
// Bounded in size and in depth before anything looks inside.

import { raw } from "express";
import type { Request, Response } from "express";
import { LogveilError } from "../../errors.ts";

export type Body = Readonly<Record<string, unknown>>;

export const MAX_BODY_BYTES = 100 * 1024;
/** Far beyond what a session holds, far below what would exhaust the stack of JSON.stringify. */
const MAX_DEPTH = 64;
/** `{}` and `[]` count as no body at all. */
const MIN_BODY_LENGTH = 3;

// Compressed bodies are refused: Databunker does not take them, and nothing of 100 KiB needs to be a bomb.
const readRaw = raw({ type: () => true, limit: MAX_BODY_BYTES, inflate: false });

/** A merge patch (RFC 7386) or, as a list, a JSON Patch (RFC 6902). */
export type PatchBody = Body | readonly unknown[];

/**
 * The body's members; undefined when there is none, or none in a content type that the dialect knows. Rejects `body-too-large`,
 * and `body-invalid` for what is not UTF-8, not an object, nested deeper than 64 levels or holds a number that is not finite.
 */
export async function readBody(request: Request, response: Response): Promise<Body | undefined> {
  const bytes = await readBytes(request, response);
  const parse = PARSERS.get(mediaTypeOf(request));
  if (bytes === undefined || parse === undefined) return undefined;
  const body = parseBody(bytes, parse);
  if (isList(body)) throw new LogveilError("body-invalid");
  return body;
}

/** The body of a PUT, under the same bounds; here a content type that the dialect does not know is `body-invalid`. */
export async function readPatch(
  request: Request,
  response: Response,
): Promise<PatchBody | undefined> {
  const bytes = await readBytes(request, response);
  if (bytes === undefined || bytes.length === 0) return undefined;
  const parse = PARSERS.get(mediaTypeOf(request));
  if (parse === undefined) throw new LogveilError("body-invalid");
  return parseBody(bytes, parse);
}

function parseBody(bytes: Uint8Array, parse: (text: string) => PatchBody): PatchBody | undefined {
  const text = decode(bytes).trim();
  if (text.length < MIN_BODY_LENGTH) return undefined;
  const body = parse(text);
  return Object.keys(body).length === 0 ? undefined : body;
}

const PARSERS: ReadonlyMap<string, (text: string) => PatchBody> = new Map([
  ["application/json", parseJson],
  ["application/xml", parseJson],
  ["application/x-www-form-urlencoded", parseForm],
]);

function mediaTypeOf(request: Request): string {
  const [mediaType = ""] = (request.headers["content-type"] ?? "").split(";", 1);
  return mediaType.trim().toLowerCase();
}

function readBytes(request: Request, response: Response): Promise<Uint8Array | undefined> {
  return new Promise((resolve, reject) => {
    readRaw(request, response, (failure?: unknown) => {
      if (failure !== undefined) reject(asBodyError(failure));
      else resolve(request.body instanceof Uint8Array ? request.body : undefined);
    });
  });
}

function asBodyError(failure: unknown): LogveilError {
  const isTooLarge = failure instanceof Error && "status" in failure && failure.status === 413;
  return new LogveilError(isTooLarge ? "body-too-large" : "body-invalid", { cause: failure });
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new LogveilError("body-invalid", { cause: error });
  }
}

function parseJson(text: string): PatchBody {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // SECURITY: not as `cause`, because the message of JSON.parse quotes the body.
    throw new LogveilError("body-invalid");
  }
  if (!isContainer(value) || !isStorable(value, MAX_DEPTH)) throw new LogveilError("body-invalid");
  return value;
}

/** The first value of each key; a JSON text under this content type is refused, as Databunker does. */
function parseForm(text: string): Body {
  if (text.startsWith("{")) throw new LogveilError("body-invalid");
  const pairs = [...new URLSearchParams(text)].toReversed();
  // Backwards, so that the first value wins; fromEntries defines `__proto__` as a member like any other.
  return Object.fromEntries(pairs);
}

function isContainer(value: unknown): value is PatchBody {
  return typeof value === "object" && value !== null;
}

function isList(body: PatchBody | undefined): body is readonly unknown[] {
  return Array.isArray(body);
}

function isStorable(value: unknown, depth: number): boolean {
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || value === null) return true;
  return depth > 0 && Object.values(value).every((member) => isStorable(member, depth - 1));
}

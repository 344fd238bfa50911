import type { ControlAnswer, ControlRequest } from "../api/control-client.ts";
import { LogveilError, hasCode } from "../errors.ts";
import { findSealedIdentity, formatSealedIdentity } from "../token/sealed-identity.ts";
import { parseReason } from "../vault/reason.ts";
import { parseSessionId } from "../vault/sessions/session-id.ts";
import { createCommand, parseArguments, UsageError } from "./command.ts";
import type { CommandIo } from "./command.ts";
import { withControlPlane } from "./control-access.ts";
import { EXIT } from "./exit-code.ts";
import type { ExitCode } from "./exit-code.ts";
import { escapeForTerminal } from "./terminal-text.ts";

const OPTIONS = {
  reason: { type: "string" },
  sealed: { type: "string" },
  json: { type: "boolean" },
  config: { type: "string" },
  "data-dir": { type: "string" },
} as const;

/** A token is 39 characters at most, a log line with a sealed identity hardly 16 KiB. */
const MAX_INPUT_BYTES = 64 * 1024;

/** `logveil lookup`: what the vault discloses to root, as lines or with --json as one JSON object. */
export const lookup = createCommand("lookup", async (args, io) => {
  const { values, positionals } = parseArguments(args, OPTIONS);
  const reason = requireReason(values.reason);
  const request =
    values.sealed === undefined
      ? requestFor(requireSession(await readToken(positionals, io.stdin)), reason)
      : openingOf(await readSealed(values.sealed, positionals, io.stdin), reason);
  const options = { config: values.config, dataDir: values["data-dir"] };
  const answer = await withControlPlane(options, io, (call) => call(request));
  const notFound = values.sealed === undefined ? TOKEN_NOT_FOUND : SEALED_NOT_FOUND;
  return report(answer, { asJson: values.json === true, notFound }, io);
});

function requestFor(session: string, reason: string): ControlRequest {
  return {
    method: "GET",
    path: `/v1/session/${session}`,
    // Header values travel as Latin-1 (RFC 9110 section 5.5); the other end reads them as UTF-8.
    headers: { "x-lookup-reason": Buffer.from(reason).toString("latin1") },
  };
}

function openingOf(sealed: string, reason: string): ControlRequest {
  return { method: "POST", path: "/v1/sessions/open", body: { sealed, reason } };
}

/** Of a whole line no more than the sealed identity is sent. */
async function readSealed(
  value: string,
  positionals: readonly string[],
  stdin: CommandIo["stdin"],
): Promise<string> {
  if (positionals.length > 0) throw new UsageError("TOKEN or --sealed, not both");
  const sealed = findSealedIdentity(value === "-" ? await readInput(stdin) : value);
  if (sealed === undefined) throw new UsageError("--sealed holds no sealed identity");
  return formatSealedIdentity(sealed);
}

function requireReason(text: string | undefined): string {
  try {
    const reason = parseReason(text);
    if (reason !== undefined) return reason;
  } catch (error) {
    if (!hasCode(error, "reason-invalid")) throw error;
  }
  throw new UsageError("--reason is needed, 512 characters at most");
}

function requireSession(text: string): string {
  try {
    return parseSessionId(text);
  } catch (cause) {
    throw new UsageError("TOKEN is not a session token", { cause });
  }
}

async function readToken(
  positionals: readonly string[],
  stdin: CommandIo["stdin"],
): Promise<string> {
  const [token, ...rest] = positionals;
  if (token === undefined || rest.length > 0) throw new UsageError("one TOKEN is needed");
  return token === "-" ? readInput(stdin) : token;
}

async function readInput(stdin: CommandIo["stdin"]): Promise<string> {
  let text = "";
  for await (const chunk of stdin) {
    text += typeof chunk === "string" ? chunk : Buffer.from(chunk).toString("latin1");
    if (text.length > MAX_INPUT_BYTES) break;
  }
  return text.trim();
}

const TOKEN_NOT_FOUND = "the token is unknown or has expired";
const SEALED_NOT_FOUND = "it has expired, was erased, or is not as it was written";

type Reporting = { readonly asJson: boolean; readonly notFound: string };

type Found = { readonly session: string; readonly when: number; readonly data: object };

function report(answer: ControlAnswer, { asJson, notFound }: Reporting, io: CommandIo): ExitCode {
  if (answer.status === 403) throw new LogveilError("access-denied");
  if (answer.status !== 200) return reportFailure(answer, notFound, io);
  const found = JSON.parse(answer.body) as Found; // our own API's answer, documented in docs/api.md
  const { session, when, data } = found;
  const json = JSON.stringify({ session, when, data });
  io.stdout.write(`${asJson ? escapeForTerminal(json) : formatLines(found)}\n`);
  return EXIT.ok;
}

function reportFailure(answer: ControlAnswer, notFound: string, io: CommandIo): ExitCode {
  if (answer.status === 405 && answer.body.includes('"not found"')) {
    io.stderr.write(`logveil: not found: ${notFound}\n`);
    return EXIT.notFound;
  }
  if (answer.status === 503) throw new LogveilError("store-unavailable");
  io.stderr.write("logveil: the look-up failed, see the event log\n");
  return EXIT.software;
}

function formatLines({ session, when, data }: Found): string {
  const members = Object.entries(data).map(([name, value]) => [name, textOf(value)] as const);
  const fields = [["session", session], ["when", formatTime(when)], ...members] as const;
  const lines = fields.map((field) => field.map(escapeForTerminal));
  const width = Math.max(...lines.map(([name = ""]) => name.length));
  return lines.map(([name = "", value = ""]) => `${name.padEnd(width)}  ${value}`).join("\n");
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function formatTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}

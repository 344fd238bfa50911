import type { ControlAnswer } from "../api/control-client.ts";
import { LogveilError, hasCode } from "../errors.ts";
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
  json: { type: "boolean" },
  config: { type: "string" },
  "data-dir": { type: "string" },
} as const;

/** A token is 39 characters at most. */
const MAX_INPUT_BYTES = 1024;

/** `logveil lookup`: what the vault discloses to root, as lines or with --json as one JSON object. */
export const lookup = createCommand("lookup", async (args, io) => {
  const { values, positionals } = parseArguments(args, OPTIONS);
  const reason = requireReason(values.reason);
  const session = requireSession(await readToken(positionals, io.stdin));
  const options = { config: values.config, dataDir: values["data-dir"] };
  const answer = await withControlPlane(options, io, (call) =>
    call({
      method: "GET",
      path: `/v1/session/${session}`,
      // Header values travel as Latin-1 (RFC 9110 section 5.5); the other end reads them as UTF-8.
      headers: { "x-lookup-reason": Buffer.from(reason).toString("latin1") },
    }),
  );
  return report(answer, values.json === true, io);
});

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

type Found = { readonly session: string; readonly when: number; readonly data: object };

function report(answer: ControlAnswer, asJson: boolean, io: CommandIo): ExitCode {
  if (answer.status === 403) throw new LogveilError("access-denied");
  if (answer.status !== 200) return reportFailure(answer, io);
  const found = JSON.parse(answer.body) as Found; // our own API's answer, documented in docs/api.md
  const { session, when, data } = found;
  const json = JSON.stringify({ session, when, data });
  io.stdout.write(`${asJson ? escapeForTerminal(json) : formatLines(found)}\n`);
  return EXIT.ok;
}

function reportFailure(answer: ControlAnswer, io: CommandIo): ExitCode {
  if (answer.status === 405 && answer.body.includes('"not found"')) {
    io.stderr.write("logveil: not found: the token is unknown or has expired\n");
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

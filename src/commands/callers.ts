import type { ControlAnswer, ControlRequest } from "../api/control-client.ts";
import type { CallerRow } from "../api/databunker/callers.ts";
import { parseCallerName, parseGivenName, parseGivenRole } from "../callers/named-callers.ts";
import { GIVEN_ROLES } from "../callers/role.ts";
import { LogveilError } from "../errors.ts";
import { createCommand, parseArguments, UsageError } from "./command.ts";
import type { CommandIo } from "./command.ts";
import { withControlPlane } from "./control-access.ts";
import { EXIT } from "./exit-code.ts";
import type { ExitCode } from "./exit-code.ts";

const OPTIONS = {
  role: { type: "string" },
  expires: { type: "string" },
  json: { type: "boolean" },
  config: { type: "string" },
  "data-dir": { type: "string" },
} as const;

type Values = { readonly role?: string; readonly expires?: string; readonly json?: boolean };

type Action = {
  readonly call: ControlRequest;
  /** Of the answer's body. */
  readonly format: (body: string) => string;
};

/** `logveil callers add NAME`, `logveil callers list`, `logveil callers remove NAME`. */
export const callers = createCommand("callers", async (args, io) => {
  const { values, positionals } = parseArguments(args, OPTIONS);
  const action = parseAction(values, positionals);
  const options = { config: values.config, dataDir: values["data-dir"] };
  const answer = await withControlPlane(options, io, (call) => call(action.call));
  return report(answer, action.format, io);
});

function parseAction(values: Values, [verb, ...names]: readonly string[]): Action {
  if (verb === "add") return adding(requireName(names, parseGivenName), values);
  if (values.role !== undefined || values.expires !== undefined)
    throw new UsageError("--role and --expires belong to add");
  if (verb === "remove") return removing(requireName(names, parseCallerName));
  if (verb === "list" && names.length === 0) return listing(values.json === true);
  throw new UsageError("callers takes add NAME, list or remove NAME");
}

function adding(name: string, { role, expires }: Values): Action {
  const body = { name, role: requireRole(role), expiration: expires };
  return {
    call: { method: "POST", path: "/v1/caller", body },
    // Our own API's answer, documented in docs/api.md, as below.
    format: (text) => `${(JSON.parse(text) as { readonly xtoken: string }).xtoken}\n`,
  };
}

function removing(name: string): Action {
  return {
    call: { method: "DELETE", path: `/v1/caller/${encodeURIComponent(name)}` },
    format: () => "",
  };
}

function listing(asJson: boolean): Action {
  return {
    call: { method: "GET", path: "/v1/callers" },
    format: (text) =>
      asJson ? `${text}\n` : formatRows((JSON.parse(text) as { readonly rows: CallerRow[] }).rows),
  };
}

function requireName(
  [name, ...rest]: readonly string[],
  parse: (value: unknown) => string,
): string {
  if (name === undefined || rest.length > 0) throw new UsageError("one NAME is needed");
  try {
    return parse(name);
  } catch (cause) {
    const grammar = "a letter, then up to 63 letters, digits, dots, dashes, all in lower case";
    throw new UsageError(`NAME is not one that can be given: ${grammar}`, { cause });
  }
}

function requireRole(role: string | undefined): string {
  try {
    return parseGivenRole(role);
  } catch (cause) {
    throw new UsageError(`--role is one of ${GIVEN_ROLES.join(", ")}`, { cause });
  }
}

function report(answer: ControlAnswer, format: Action["format"], io: CommandIo): ExitCode {
  if (answer.status === 403) throw new LogveilError("access-denied");
  if (answer.status !== 200) return reportFailure(answer, io);
  io.stdout.write(format(answer.body));
  return EXIT.ok;
}

type Refusal = { readonly text: string; readonly code: ExitCode };

/** By the dialect's message. */
const REFUSALS: ReadonlyMap<string, Refusal> = new Map<string, Refusal>([
  ["not found", { text: "there is no caller of that name", code: EXIT.notFound }],
  ["caller exists", { text: "there is a caller of that name", code: EXIT.notFound }],
  ["bad expiration", { text: "--expires is not a time from now, such as 30d", code: EXIT.usage }],
  [
    "too many callers",
    { text: "there are as many callers as there may be", code: EXIT.unavailable },
  ],
]);

function reportFailure({ status, body }: ControlAnswer, io: CommandIo): ExitCode {
  const message = /"message":"(?<message>[a-z ]+)"/.exec(body)?.groups?.["message"];
  const refusal = REFUSALS.get(message ?? "");
  if (refusal === undefined && status === 503) throw new LogveilError("store-unavailable");
  const text = refusal?.text ?? "the callers could not be reached, see the event log";
  io.stderr.write(`logveil: ${text}\n`);
  return refusal?.code ?? EXIT.software;
}

function formatRows(rows: readonly CallerRow[]): string {
  const width = Math.max(0, ...rows.map(({ name }) => name.length));
  return rows
    .map(
      ({ name, role, creationtime, endtime }) =>
        `${name.padEnd(width)}  ${role.padEnd(7)}  since ${formatTime(creationtime)}  ` +
        (endtime === undefined ? "does not expire\n" : `until ${formatTime(endtime)}\n`),
    )
    .join("");
}

function formatTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}

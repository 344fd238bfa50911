import type { ControlAnswer, ControlRequest } from "../api/control-client.ts";
import type { KeysStatus } from "../api/key-administration.ts";
import { ERROR_CODES, LogveilError } from "../errors.ts";
import type { ErrorCode } from "../errors.ts";
import { createCommand, parseArguments, UsageError } from "./command.ts";
import type { CommandIo } from "./command.ts";
import { withControlPlane } from "./control-access.ts";
import { EXIT } from "./exit-code.ts";
import type { ExitCode } from "./exit-code.ts";

const OPTIONS = {
  json: { type: "boolean" },
  config: { type: "string" },
  "data-dir": { type: "string" },
} as const;

type Action = {
  readonly call: ControlRequest;
  readonly format: (body: string) => string;
};

const ACTIONS: ReadonlyMap<string, Action> = new Map<string, Action>([
  ["status", { call: { method: "GET", path: "/control/keys" }, format: formatStatus }],
  ["rotate", { call: { method: "POST", path: "/control/keys/rotate" }, format: formatRotation }],
]);

/** `logveil keys status` and `logveil keys rotate`. */
export const keys = createCommand("keys", async (args, io) => {
  const { values, positionals } = parseArguments(args, OPTIONS);
  const [name, ...rest] = positionals;
  const action = name === undefined || rest.length > 0 ? undefined : ACTIONS.get(name);
  if (action === undefined) throw new UsageError("keys takes status or rotate");
  const options = { config: values.config, dataDir: values["data-dir"] };
  const answer = await withControlPlane(options, io, (call) => call(action.call));
  return report(answer, values.json === true ? (body) => body : action.format, io);
});

function report(answer: ControlAnswer, format: (body: string) => string, io: CommandIo): ExitCode {
  if (answer.status === 403) throw new LogveilError("access-denied");
  if (answer.status !== 200) {
    const code = findProblemCode(answer.body);
    if (code !== undefined) throw new LogveilError(code);
    io.stderr.write("logveil: the keys could not be reached, see the event log\n");
    return EXIT.software;
  }
  io.stdout.write(`${format(answer.body)}\n`);
  return EXIT.ok;
}

/** Of a problem (RFC 9457) that names one of our own codes. */
function findProblemCode(body: string): ErrorCode | undefined {
  const named = /"code":"(?<code>[a-z-]+)"/.exec(body)?.groups?.["code"];
  return ERROR_CODES.find((code) => code === named);
}

function formatStatus(body: string): string {
  const { keys } = JSON.parse(body) as { readonly keys: KeysStatus }; // our own API's answer
  const epochs = keys.epochs.map(
    ({ epoch, startsAtMs, endsAtMs, expiresAtMs, masterKeyId }) =>
      `epoch ${epoch.toString(16).padStart(8, "0")}  ${formatTime(startsAtMs)} to ${formatTime(endsAtMs)}` +
      `  destroyed ${formatTime(expiresAtMs)}  under ${masterKeyId}`,
  );
  return [
    `master key ${keys.masterKeyId}`,
    ...epochs,
    `keys of data subjects and stored sessions: ${keys.subjectKeys}`,
  ].join("\n");
}

function formatRotation(body: string): string {
  const { wrapped } = JSON.parse(body) as { readonly wrapped: number }; // our own API's answer
  return `rotated: ${wrapped} keys are wrapped under the new master key`;
}

function formatTime(ms: number): string {
  return new Date(ms).toISOString();
}

import type { ControlAnswer } from "../api/control-client.ts";
import type { Verification } from "../audit/trail.ts";
import { ERROR_CODES, LogveilError, hasCode } from "../errors.ts";
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

/** `logveil audit verify`. */
export const audit = createCommand("audit", async (args, io) => {
  const { values, positionals } = parseArguments(args, OPTIONS);
  if (positionals.length !== 1 || positionals[0] !== "verify")
    throw new UsageError("audit takes verify");
  const options = { config: values.config, dataDir: values["data-dir"] };
  try {
    const call = { method: "GET", path: "/control/audit/verify" } as const;
    const answer = await withControlPlane(options, io, (send) => send(call));
    return report(verificationOf(answer), values.json === true, io);
  } catch (error) {
    // No logveil runs, and none would begin on such a trail: that is what was asked.
    if (!hasCode(error, "audit-corrupt")) throw error;
    io.stdout.write("broken: the end of the chain is not the one that was written last\n");
    return EXIT.broken;
  }
});

function verificationOf({ status, body }: ControlAnswer): Verification {
  if (status === 403) throw new LogveilError("access-denied");
  if (status !== 200) throw new LogveilError(findProblemCode(body) ?? "audit-unavailable");
  return (JSON.parse(body) as { readonly audit: Verification }).audit; // our own API's answer
}

/** Of a problem (RFC 9457) that names one of our own codes. */
function findProblemCode(body: string): ErrorCode | undefined {
  const named = /"code":"(?<code>[a-z-]+)"/.exec(body)?.groups?.["code"];
  return ERROR_CODES.find((code) => code === named);
}

function report(verification: Verification, asJson: boolean, io: CommandIo): ExitCode {
  const text = asJson ? JSON.stringify(verification) : format(verification);
  io.stdout.write(`${text}\n`);
  return verification.isIntact ? EXIT.ok : EXIT.broken;
}

function format(verification: Verification): string {
  if (verification.isIntact) {
    const { events, end } = verification;
    return `intact: ${events} events, ending with ${end}`;
  }
  const { sequence, problem, afterMs } = verification;
  const after = afterMs === undefined ? "" : `, the one after ${new Date(afterMs).toISOString()}`;
  if (problem === "head-replaced")
    return `broken: the end of the chain was replaced behind event ${sequence - 1}${after}`;
  return `broken: event ${sequence} was ${problem}${after}`;
}

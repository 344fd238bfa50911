import { createTrustedProxies } from "../identity/client-address.ts";
import { LogAudit, type LineLeftover } from "../log-audit/log-audit.ts";
import { formatSummary, summarise } from "../log-audit/audit-report.ts";
import { createLeftoverFinder } from "../log-audit/leftover-finder.ts";
import { openLogFile } from "../log-audit/log-parts.ts";
import { createScrubber } from "../scrub/scrubber.ts";
import { createCommand, parseArguments, UsageError } from "./command.ts";
import type { CommandIo } from "./command.ts";
import { readConfiguration } from "./configuration-source.ts";
import { EXIT } from "./exit-code.ts";
import { escapeForTerminal } from "./terminal-text.ts";

const OPTIONS = {
  json: { type: "boolean" },
  summary: { type: "boolean" },
  strict: { type: "boolean" },
  ignore: { type: "string", multiple: true },
  config: { type: "string" },
} as const;

const STANDARD_INPUT = "-";

/**
 * `logveil audit-logs`: what is left in logs, as lines or with --json as NDJSON that ends with a summary. SECURITY: no value is printed, not even
 * with an option: the report of a leak is no place for another copy of it.
 */
export const auditLogs = createCommand("audit-logs", async (args, io) => {
  const { values, positionals } = parseArguments(args, OPTIONS);
  const ignored = networksOf(values.ignore ?? []);
  const { configuration } = await readConfiguration({ config: values.config }, io.environment);
  const { query, paths } = configuration.accessLog;
  const scrubber = createScrubber({
    keepQuery: query.keep,
    pathTemplates: paths,
    defaultCountry: configuration.vault.defaultCountry,
    trustsHarmlessNames: values.strict !== true,
  });
  const audit = new LogAudit(createLeftoverFinder({ scrubber, ignoresAddress: ignored.trusts }));
  const output = { isJson: values.json === true, isSummary: values.summary === true };
  const files = positionals.length === 0 ? [STANDARD_INPUT] : positionals;
  const unreadable = await readAll(files, audit, output, io);
  const totals = audit.totals();
  const ranked = { keys: audit.ranking.keys(), shapes: audit.ranking.shapes() };
  const summary = summarise(totals, ranked, { keep: query.keep, paths });
  await write(io, output.isJson ? `${JSON.stringify({ summary })}\n` : formatSummary(summary));
  if (unreadable > 0) return EXIT.unreadable;
  return totals.findings > 0 ? EXIT.found : EXIT.ok;
});

type Output = { readonly isJson: boolean; readonly isSummary: boolean };

/** Resolves how many could not be read to their end; the others are. */
async function readAll(
  files: readonly string[],
  audit: LogAudit,
  output: Output,
  io: CommandIo,
): Promise<number> {
  let unreadable = 0;
  for (const file of files) {
    const source = file === STANDARD_INPUT ? io.stdin : openLogFile(file);
    try {
      for await (const found of audit.read(source)) {
        if (!output.isSummary) await write(io, formatAll(file, found, output.isJson));
      }
    } catch (error) {
      // Of the system or of zlib. A bug is none of theirs.
      if (!(error instanceof Error && "code" in error)) throw error;
      io.stderr.write(`logveil: ${escapeForTerminal(file)} cannot be read to its end\n`);
      unreadable++;
    }
  }
  if (!output.isJson && !output.isSummary && audit.totals().findings > 0) await write(io, "\n");
  return unreadable;
}

function formatAll(file: string, found: readonly LineLeftover[], isJson: boolean): string {
  const format = isJson ? formatJson : formatText;
  return found.map((one) => `${escapeForTerminal(format(file, one))}\n`).join("");
}

/** `access.log:17:1-13 ip 999.9.9.99`; columns are characters, from 1 to the last one. */
function formatText(file: string, { line, start, end, kind, shape }: LineLeftover): string {
  return `${file}:${String(line)}:${String(start + 1)}-${String(end)} ${kind} ${shape}`;
}

function formatJson(file: string, { line, start, end, kind, shape }: LineLeftover): string {
  return JSON.stringify({ file, line, column: start + 1, endColumn: end, kind, shape });
}

function networksOf(cidrs: readonly string[]) {
  try {
    return createTrustedProxies(cidrs);
  } catch (cause) {
    throw new UsageError("--ignore takes networks such as 10.0.0.0/8", { cause });
  }
}

/** Whoever reads slower than we do holds us back; else what is found in a large log would pile up here. */
async function write({ stdout }: CommandIo, text: string): Promise<void> {
  if (stdout.write(text) === false) await stdout.drained?.();
}

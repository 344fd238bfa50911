import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createLineFormats, FORMAT_NAMES } from "../access-log/line-formats.ts";
import type { FormatName } from "../access-log/line-formats.ts";
import { systemClock } from "../clock.ts";
import type { ControlClient } from "../api/control-client.ts";
import type { LoadedConfiguration } from "../config/load.ts";
import { LogveilError } from "../errors.ts";
import { createCheckpoints } from "../ingest/copy-checkpoints.ts";
import { openCopyFile } from "../ingest/copy-output.ts";
import type { CopyOutput } from "../ingest/copy-output.ts";
import { createCopyProgress } from "../ingest/copy-progress.ts";
import type { CopyProgress } from "../ingest/copy-progress.ts";
import { readChunks } from "../ingest/input-chunks.ts";
import { noLines } from "../ingest/line-counts.ts";
import type { LineCounts } from "../ingest/line-counts.ts";
import { LINE_FORMATS } from "../ingest/line-parser.ts";
import type { LineFormat } from "../ingest/line-parser.ts";
import { copyLog } from "../ingest/log-copy.ts";
import type { CopyParts } from "../ingest/log-copy.ts";
import { findState, NOTHING_READ } from "../ingest/resume-state.ts";
import type { CopyState } from "../ingest/resume-state.ts";
import { createCommand, parseArguments, UsageError } from "./command.ts";
import type { CommandIo } from "./command.ts";
import { readConfiguration } from "./configuration-source.ts";
import { withLoadedControlPlane } from "./control-access.ts";
import { EXIT } from "./exit-code.ts";
import type { ExitCode } from "./exit-code.ts";
import { createLineChannel } from "./line-channel.ts";
import { createLineCleaning } from "./line-cleaning.ts";
import type { LineCleaning } from "./line-cleaning.ts";

const OPTIONS = {
  format: { type: "string" },
  "output-format": { type: "string" },
  output: { type: "string" },
  append: { type: "boolean" },
  resume: { type: "string" },
  config: { type: "string" },
  "data-dir": { type: "string" },
} as const;

type Arguments = {
  /** Undefined for standard input. */
  readonly input: string | undefined;
  readonly format: LineFormat;
  readonly outputFormat: FormatName;
  readonly output: string | undefined;
  readonly appends: boolean;
  readonly state: string | undefined;
};

/** What a file is read in: a step of the copy is one of these, cut at a line end. */
const READ_BYTES = 256 * 1024;

/** `logveil tokenize`: tokens and keys come from the logveil that runs on the store, or from the store itself. */
export const tokenize = createCommand("tokenize", async (args, io) => {
  const { values, positionals } = parseArguments(args, OPTIONS);
  const options = { config: values.config, dataDir: values["data-dir"] };
  const loaded = await readConfiguration(options, io.environment);
  const parsed = parse(values, positionals, loaded);
  try {
    await run(parsed, loaded, io);
    return EXIT.ok;
  } catch (error) {
    const code = error instanceof LogveilError ? FAILURES.get(error.code) : undefined;
    if (!(error instanceof LogveilError) || code === undefined) throw error;
    io.stderr.write(`logveil: ${error.message} (${error.code})\n`);
    return code;
  }
});

/** Of the input, not of us. */
const FAILURES: ReadonlyMap<string, ExitCode> = new Map([
  ["input-damaged", EXIT.badInput],
  ["input-unreadable", EXIT.badInput],
  ["resume-mismatch", EXIT.badInput],
  ["stopped", EXIT.stopped],
]);

async function run(parsed: Arguments, loaded: LoadedConfiguration, io: CommandIo): Promise<void> {
  const { configuration } = loaded;
  await using opened = new AsyncDisposableStack();
  const input = opened.adopt(await openInput(parsed.input, io), (one) => one.close());
  const state = parsed.state === undefined ? undefined : await stateOf(parsed.state, parsed);
  const before = parsed.appends ? undefined : (state?.outputBytes ?? 0);
  const output =
    parsed.output === undefined
      ? standardOutput(io)
      : opened.adopt(await openCopyFile(parsed.output, before), (one) => one.close());
  const use = async (client: ControlClient) => {
    const channel = createLineChannel(client, configuration.session.rotate);
    const cleaning = createLineCleaning(configuration, parsed.format, channel);
    await copy({ parsed, loaded, io, state, input, output, cleaning });
  };
  await withLoadedControlPlane(loaded, io, use, { createsStore: true });
}

type Values = Readonly<
  Partial<Record<"format" | "output-format" | "output" | "resume", string> & { append: boolean }>
>;

function parse(
  values: Values,
  [input, ...rest]: readonly string[],
  { configuration }: LoadedConfiguration,
): Arguments {
  if (rest.length > 0) throw new UsageError("tokenize takes one IN");
  const { append = false, output, resume } = values;
  if (output === undefined && (append || resume !== undefined))
    throw new UsageError("--append and --resume belong to --output FILE");
  if (append && resume !== undefined)
    throw new UsageError("--append and --resume exclude each other");
  const formats: readonly string[] = FORMAT_NAMES;
  const outputFormat = values["output-format"] ?? configuration.accessLog.format;
  const format = LINE_FORMATS.find((name) => name === (values.format ?? "auto"));
  if (format === undefined) throw new UsageError(`--format is one of ${LINE_FORMATS.join(", ")}`);
  if (!formats.includes(outputFormat))
    throw new UsageError(`--output-format is one of ${formats.join(", ")}`);
  return {
    input: input === "-" ? undefined : input,
    format,
    outputFormat: outputFormat as FormatName, // it is among the names
    output,
    appends: append,
    state: resume,
  };
}

async function stateOf(path: string, { outputFormat }: Arguments): Promise<CopyState> {
  const state = await findState(path);
  if (state !== undefined && state.format !== outputFormat)
    throw new LogveilError("resume-mismatch");
  return (
    state ?? {
      offset: 0,
      digest: NOTHING_READ,
      outputBytes: 0,
      lastAtMs: undefined,
      counts: noLines(),
      format: outputFormat,
    }
  );
}

type Copy = {
  readonly parsed: Arguments;
  readonly loaded: LoadedConfiguration;
  readonly io: CommandIo;
  readonly state: CopyState | undefined;
  readonly input: Input;
  readonly output: CopyOutput;
  readonly cleaning: LineCleaning;
};

async function copy({ parsed, loaded, io, state, input, output, cleaning }: Copy): Promise<void> {
  const { identity, userAgent } = loaded.configuration.accessLog;
  const progress = progressOf(io, input.totalBytes);
  const parts: CopyParts = {
    ...cleaning,
    formats: createLineFormats(parsed.outputFormat, { identity, userAgent }),
    write: output.write,
    counts: { ...(state?.counts ?? noLines()) },
    lastAtMs: state?.lastAtMs,
    onRead: async (bytes, rest) => {
      await checkpoints?.onRead(bytes, rest);
      progress?.show(input.readBytes(), parts.counts);
    },
  };
  const checkpoints =
    parsed.state === undefined || state === undefined
      ? undefined
      : createCheckpoints(parsed.state, output, { before: state, copy: () => parts });
  try {
    // Before the first line, so that a copy that is killed at any time finds that its output is its own.
    await checkpoints?.begin();
    const chunks = readChunks(input.pieces);
    await copyLog(checkpoints?.resume(chunks) ?? chunks, parts);
    await checkpoints?.finish();
  } finally {
    progress?.clear();
    report(io, parts.counts);
  }
}

type Input = {
  readonly pieces: AsyncIterable<Uint8Array | string>;
  /** Undefined for standard input. */
  readonly totalBytes: number | undefined;
  readonly readBytes: () => number;
  readonly close: () => void;
};

/** Asked to stop, it stops reading a file. Standard input ends by itself: who writes to it has been asked too, and what waits in the pipe counts. */
async function openInput(path: string | undefined, io: CommandIo): Promise<Input> {
  if (path === undefined)
    return { pieces: io.stdin, totalBytes: undefined, readBytes: () => 0, close: () => undefined };
  const totalBytes = await sizeOf(path);
  const file = createReadStream(path, { highWaterMark: READ_BYTES });
  void io.stopRequested?.then(() => file.destroy(new LogveilError("stopped")));
  return {
    pieces: readable(file),
    totalBytes,
    readBytes: () => file.bytesRead,
    close: () => void file.destroy(),
  };
}

async function* readable(file: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* file;
  } catch (cause) {
    throw cause instanceof LogveilError ? cause : new LogveilError("input-unreadable", { cause });
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (cause) {
    throw new LogveilError("input-unreadable", { cause });
  }
}

function standardOutput({ stdout }: CommandIo): CopyOutput {
  return {
    write: async (lines) => {
      if (stdout.write(lines) === false) await stdout.drained?.();
    },
    sync: () => Promise.resolve(0),
    close: () => Promise.resolve(),
  };
}

function progressOf(io: CommandIo, totalBytes: number | undefined): CopyProgress | undefined {
  if (io.isWatched !== true) return undefined;
  return createCopyProgress(totalBytes, (text) => io.stderr.write(text), systemClock.monotonic);
}

/** Nothing when nobody watches and every line could be read. */
function report(io: CommandIo, counts: LineCounts): void {
  if (io.isWatched !== true && counts.unparsed === 0) return;
  const { request, error, unparsed, cut } = counts;
  io.stderr.write(
    `logveil: ${String(request)} requests, ${String(error)} lines of error logs, ${String(unparsed)} that could not be read` +
      (cut === 0 ? "\n" : `; ${String(cut)} were longer than 64 KiB and cut\n`),
  );
}

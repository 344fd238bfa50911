import { LogveilError } from "../errors.ts";
import { findFile, replaceFile } from "./durable-file.ts";
import type { FileSteps } from "./file-steps.ts";
import { createSerial } from "./serial.ts";

const VERSION = 1;

/** The latest time the keyring has seen, so that a clock moved back revives nothing. Survives restarts, never goes back. */
export type HighWater = {
  readonly ms: () => number;
  /** On disk when it resolves; an earlier time changes nothing. */
  readonly advance: (nowMs: number) => Promise<void>;
  /** Resolves when no write is under way. */
  readonly settled: () => Promise<void>;
};

export function encodeHighWater(highWaterMs: number): Buffer {
  return Buffer.from(`${JSON.stringify({ version: VERSION, highWaterMs })}\n`);
}

/** Throws `keyring-corrupt` when the file is missing or damaged: starting from zero would revive what has expired. */
export async function loadHighWater(steps: FileSteps, path: string): Promise<HighWater> {
  let ms = parse(await findFile(path));
  const serially = createSerial();
  return {
    ms: () => ms,
    advance: (nowMs) =>
      serially(async () => {
        const nextMs = Math.floor(nowMs);
        if (nextMs <= ms) return;
        await replaceFile(steps, path, encodeHighWater(nextMs));
        ms = nextMs;
      }),
    settled: () => serially(async () => undefined),
  };
}

function parse(content: Buffer | undefined): number {
  try {
    const { version, highWaterMs } = JSON.parse(String(content)) as Record<string, unknown>;
    if (version === VERSION && Number.isSafeInteger(highWaterMs)) return Number(highWaterMs);
  } catch (cause) {
    throw new LogveilError("keyring-corrupt", { cause });
  }
  throw new LogveilError("keyring-corrupt");
}

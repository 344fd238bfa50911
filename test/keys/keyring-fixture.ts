import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { createEventLog } from "../../src/event-log.ts";
import { systemFileSteps, type FileSteps } from "../../src/keys/file-steps.ts";
import { openKeyring, type Keyring, type KeyringOptions } from "../../src/keys/keyring.ts";
import { mac } from "../../src/keys/mac.ts";
import { createMetrics } from "../../src/metrics.ts";
import { createTemporaryFolder } from "../kit/temporary-folder.ts";

export const DAY_MS = 86_400_000;
/** A Monday at midnight; epochs of a day begin with it. */
export const MONDAY_MS = Date.UTC(2026, 0, 5);
export const MONDAY = MONDAY_MS / 1000;
export const KEY_A = Buffer.alloc(32, 0xa1);
export const KEY_B = Buffer.alloc(32, 0xb2);

export class HandMovedClock {
  ms = MONDAY_MS;
  now = () => this.ms;
  monotonic = () => this.ms;
}

/** A folder that goes when the test is over. */
export async function withFolder(use: (dir: string) => Promise<void>): Promise<void> {
  await using folder = await createTemporaryFolder();
  await use(folder.path);
}

export function keyringAt(
  dir: string,
  clock: HandMovedClock,
  changes: Partial<KeyringOptions> = {},
): Promise<Keyring> {
  return openKeyring({
    dir,
    masterKey: KEY_A,
    clock,
    retention: { rotateMs: DAY_MS, retentionMs: 7 * DAY_MS },
    durability: "process",
    eventLog: createEventLog({ level: "error" }),
    metrics: createMetrics(),
    ...changes,
  });
}

/** Names an epoch's key without telling it. */
export async function fingerprint(keyring: Keyring, epoch: number): Promise<string> {
  return mac((await keyring.materialOf(epoch)).tokenKey, "fingerprint").toString("hex");
}

/** Every file under `dir`, by path relative to it. */
export async function readTree(dir: string): Promise<Map<string, Buffer>> {
  const tree = new Map<string, Buffer>();
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) tree.set(path.slice(dir.length + 1), await readFile(path));
  }
  return tree;
}

export class Stopped extends Error {}

/**
 * File steps of a process that is killed in the middle: `count` of them happen, the next one half (a file that was being
 * written has half its bytes), and nothing after that.
 */
export function stoppingAfter(count: number): { steps: FileSteps; hasStopped: () => boolean } {
  let left = count;
  const half = (content: Uint8Array) => content.subarray(0, content.length >> 1);
  const step = async (whole: () => Promise<void>, torn: () => Promise<void> = async () => {}) => {
    left -= 1;
    if (left >= 0) return whole();
    if (left === -1) await torn();
    throw new Stopped();
  };
  const real = systemFileSteps;
  return {
    hasStopped: () => left < 0,
    steps: {
      makeFolder: (path) => step(() => real.makeFolder(path)),
      create: (path, content) =>
        step(
          () => real.create(path, content),
          () => real.create(path, half(content)),
        ),
      append: (path, content, sync) =>
        step(
          () => real.append(path, content, sync),
          () => real.append(path, half(content), sync),
        ),
      overwrite: (path, content) =>
        step(
          () => real.overwrite(path, content),
          () => real.overwrite(path, half(content)),
        ),
      rename: (from, to) => step(() => real.rename(from, to)),
      link: (from, to) => step(() => real.link(from, to)),
      unlink: (path) => step(() => real.unlink(path)),
      syncFolder: (folder) => step(() => real.syncFolder(folder)),
    },
  };
}

/** Runs `scenario` once for every step at which it can be stopped, and once to its end; returns how many runs that were. */
export async function atEveryStep(
  scenario: (steps: FileSteps, run: number) => Promise<void>,
  check: (run: number) => Promise<void>,
): Promise<number> {
  for (let run = 0; ; run += 1) {
    const { steps, hasStopped } = stoppingAfter(run);
    try {
      await scenario(steps, run);
    } catch (error) {
      if (!(error instanceof Stopped)) throw error;
    }
    await check(run);
    if (!hasStopped()) return run;
  }
}

/** The code a promise rejects with; fails the test when it does not reject. */
export async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  const outcome = await promise.then(
    () => "resolved",
    (error: unknown) => error,
  );
  return outcome instanceof Error && "code" in outcome ? outcome.code : outcome;
}

/** The code a function throws. */
export function thrownCode(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error instanceof Error && "code" in error ? error.code : error;
  }
  return "returned";
}

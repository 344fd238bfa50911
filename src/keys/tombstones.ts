import { LogveilError } from "../errors.ts";
import { findFile, replaceFile } from "./durable-file.ts";
import type { FileSteps } from "./file-steps.ts";
import { createSerial } from "./serial.ts";

const VERSION = 1;
// About 1.1 MB of file, and 270 years of daily epochs that the store failed to sweep. The oldest beyond it are not reported
// again: their records stay as unreadable bytes. They are not forgotten as destroyed, the floor covers them.
const MAX_UNSWEPT = 100_000;

type State = {
  /** Every epoch up to this one has been destroyed, unless its file is there. */
  readonly floor: number;
  /** Destroyed, and the store has not confirmed that the records are gone. Ascending. */
  readonly unswept: readonly number[];
};

/** The epochs whose key was destroyed: written before the key goes, so that no crash lets one be created anew. */
export type Tombstones = {
  readonly unswept: () => readonly number[];
  /** True for an epoch that must not be created. */
  readonly cover: (epoch: number) => boolean;
  /** On disk when it resolves. */
  readonly add: (epochs: readonly number[]) => Promise<void>;
  /** The records of `epoch` are gone. An epoch that is not among the unswept changes nothing. */
  readonly confirmSwept: (epoch: number) => Promise<void>;
};

export function encodeTombstones({ floor, unswept }: State = { floor: -1, unswept: [] }): Buffer {
  return Buffer.from(`${JSON.stringify({ version: VERSION, floor, unswept })}\n`);
}

/** Throws `keyring-corrupt` when the file is missing or damaged. */
export async function loadTombstones(steps: FileSteps, path: string): Promise<Tombstones> {
  let state = parse(await findFile(path));
  let unswept = new Set(state.unswept);
  const serially = createSerial();
  const store = async (next: State) => {
    await replaceFile(steps, path, encodeTombstones(next));
    state = next;
    unswept = new Set(next.unswept);
  };
  return {
    unswept: () => state.unswept,
    cover: (epoch) => epoch <= state.floor || unswept.has(epoch),
    add: (epochs) => serially(() => store(withEpochs(state, epochs))),
    confirmSwept: (epoch) =>
      serially(async () => {
        if (unswept.has(epoch)) await store(withoutEpoch(state, epoch));
      }),
  };
}

function withEpochs({ floor, unswept }: State, epochs: readonly number[]): State {
  const all = [...new Set([...unswept, ...epochs])].sort((a, b) => a - b);
  const dropped = all.slice(0, Math.max(0, all.length - MAX_UNSWEPT));
  return { floor: Math.max(floor, dropped.at(-1) ?? -1), unswept: all.slice(dropped.length) };
}

function withoutEpoch({ floor, unswept }: State, epoch: number): State {
  return { floor: Math.max(floor, epoch), unswept: unswept.filter((other) => other !== epoch) };
}

function parse(content: Buffer | undefined): State {
  try {
    const { version, floor, unswept } = JSON.parse(String(content)) as Record<string, unknown>;
    if (version === VERSION && Number.isSafeInteger(floor) && isEpochList(unswept)) {
      return { floor: Number(floor), unswept };
    }
  } catch (cause) {
    throw new LogveilError("keyring-corrupt", { cause });
  }
  throw new LogveilError("keyring-corrupt");
}

function isEpochList(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((epoch) => Number.isSafeInteger(epoch));
}

import { LogveilError } from "../errors.ts";

// Writes that arrive while one is under way go into the next one together: with `durability: disk` a group costs one fsync, and a write
// of fifty records costs little more than a write of one.

/** Bound of what waits: beyond it `add` rejects. About 80,000 sessions. */
export const MAX_WAITING_BYTES = 32 * 1024 * 1024;

/** A group is closed when it has reached this: some 1,300 sessions, a few milliseconds of the event loop. */
const MAX_GROUP_BYTES = 512 * 1024;

/** What one operation costs beside its key and value, roughly. */
const OPERATION_BYTES = 96;

export type Operation =
  | { readonly type: "put"; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: "del"; readonly key: Uint8Array };

/** Operations that are stored together or not at all. */
export type Write = {
  readonly operations: readonly Operation[];
  /** Set for a session record: the write is left out when this key is stored already. */
  readonly unlessStored?: Uint8Array;
};

type Waiting = {
  readonly writes: readonly Write[];
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
};

/** What waits, in all the databases that share the bound. */
export type Backlog = { bytes: number };

export class GroupCommit {
  readonly #store: (writes: readonly Write[]) => Promise<void>;
  readonly #backlog: Backlog;
  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;
  #closed = false;

  /** `store` makes one group durable. It is never called while a call is under way. */
  constructor(store: (writes: readonly Write[]) => Promise<void>, backlog: Backlog = { bytes: 0 }) {
    this.#store = store;
    this.#backlog = backlog;
  }

  /** Resolves when the group of these writes is stored, rejects with what `store` rejected, or `store-unavailable` when too much waits. */
  add(writes: readonly Write[]): Promise<void> {
    if (this.#closed) return Promise.reject(new LogveilError("store-closed"));
    const bytes = writes.reduce((sum, write) => sum + sizeOf(write), 0);
    if (this.#backlog.bytes + bytes > MAX_WAITING_BYTES) {
      return Promise.reject(new LogveilError("store-unavailable"));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ writes, bytes, resolve, reject });
      this.#backlog.bytes += bytes;
      this.#running ??= this.#run();
    });
  }

  /** Resolves when everything added before is stored or rejected. `add` rejects `store-closed` from now on. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    // Whatever the sockets that are readable now bring goes into the first group.
    await new Promise<void>((resume) => setImmediate(resume));
    while (this.#waiting.length > 0) await this.#commit(this.#takeGroup());
    this.#running = undefined;
  }

  #takeGroup(): readonly Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const waiting of this.#waiting) {
      bytes += waiting.bytes;
      count += 1;
      if (bytes >= MAX_GROUP_BYTES) break;
    }
    this.#backlog.bytes -= bytes;
    return this.#waiting.splice(0, count);
  }

  async #commit(group: readonly Waiting[]): Promise<void> {
    try {
      await this.#store(group.flatMap(({ writes }) => writes));
    } catch (error) {
      for (const { reject } of group) reject(error);
      return;
    }
    for (const { resolve } of group) resolve();
  }
}

/** Bytes, roughly. */
export function sizeOf({ operations }: Write): number {
  return operations.reduce(
    (sum, operation) =>
      sum +
      OPERATION_BYTES +
      operation.key.length +
      (operation.type === "put" ? operation.value.length : 0),
    0,
  );
}

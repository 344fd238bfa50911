import { setTimeout as delay } from "node:timers/promises";
import { LogveilError, hasCode } from "../errors.ts";
import type { ErrorCode } from "../errors.ts";
import type { EventLog } from "../event-log.ts";
import { openFiles } from "./database-files.ts";
import type { DatabaseFiles, OpenLevel } from "./database-files.ts";
import { metaKey } from "./key-layout.ts";

/** As large as a busy group of appends, so that a disk with a few bytes left is not taken for one with room. */
const PROBE_BYTES = 64 * 1024;

export type Health = "ok" | "unavailable";

/** How long an outage waits before it opens the database again: `firstMs`, doubling to `maxMs`. */
export type ReopenDelay = { readonly firstMs: number; readonly maxMs: number };

export type DatabaseOptions = {
  readonly files: DatabaseFiles;
  readonly eventLog: EventLog;
  readonly reopen: ReopenDelay;
};

/**
 * A database that outlives its failed writes. LevelDB refuses every write after the first that failed, until it is closed and
 * opened again; everything acknowledged before is still there then. So a failed write begins an outage, in which everything
 * rejects `store-unavailable`, and which ends when the database is open again and has taken a probe write.
 */
export class Database {
  readonly #options: DatabaseOptions;
  readonly #closing = new AbortController();
  /** Absent in an outage and after the end. */
  #level: OpenLevel | undefined;
  #lastWrite: Promise<void> = Promise.resolve();
  #outage: Promise<void> = Promise.resolve();

  private constructor(level: OpenLevel | undefined, options: DatabaseOptions) {
    this.#level = level;
    this.#options = options;
  }

  /** Rejects with the codes of `openFiles`. */
  static async open(options: DatabaseOptions): Promise<Database> {
    return new Database(await openFiles(options.files), options);
  }

  /** One that could not be opened: it begins with an outage. `sessions` is how many records are lost with that. */
  static unavailable(options: DatabaseOptions, sessions: number): Database {
    const database = new Database(undefined, options);
    database.#beginOutage(undefined, sessions);
    return database;
  }

  get health(): Health {
    return this.#level === undefined ? "unavailable" : "ok";
  }

  /** Runs one query. Rejects `store-unavailable`, `store-closed`, or `store-corrupt` when LevelDB notices damage. */
  async read<Result>(query: (level: OpenLevel) => Promise<Result>): Promise<Result> {
    const level = this.#current();
    try {
      return await query(level);
    } catch (cause) {
      throw new LogveilError(this.#codeOf(cause), { cause });
    }
  }

  /**
   * The value under one key. Asked of the database on this thread: that takes 2 to 3 µs for what is in memory and the time of a disk
   * read for what is not, where handing it to another thread and back takes 30 µs of this one. Rejects as `read` does.
   */
  find(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.read(async (level) => level.getSync(key));
  }

  /**
   * Runs one change at a time, in the order of the calls. A change that fails begins an outage and rejects `store-unavailable`: none or
   * part of it is stored. `sessions` is how many records are lost with it.
   */
  // SECURITY: one at a time. LevelDB drops what follows a half-written log record in its block when it recovers, so a write that
  // was acknowledged after one that failed could be gone.
  write(change: (level: OpenLevel) => Promise<void>, sessions = 0): Promise<void> {
    if (this.#closing.signal.aborted) return Promise.reject(new LogveilError("store-closed"));
    const turn = this.#lastWrite.then(() => this.#change(change, sessions));
    // The failure is its caller's; the next in line learns of the outage by itself.
    this.#lastWrite = turn.catch(() => undefined);
    return turn;
  }

  /** Waits for what is under way and for writes accepted before. Everything later rejects `store-closed`. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#lastWrite;
    await this.#outage;
    const level = this.#level;
    this.#level = undefined;
    await level?.close();
  }

  #current(): OpenLevel {
    if (this.#closing.signal.aborted) throw new LogveilError("store-closed");
    if (this.#level === undefined) throw new LogveilError("store-unavailable");
    return this.#level;
  }

  async #change(change: (level: OpenLevel) => Promise<void>, sessions: number): Promise<void> {
    const level = this.#level;
    if (level === undefined) throw new LogveilError("store-unavailable");
    try {
      await change(level);
    } catch (cause) {
      this.#beginOutage(level, sessions);
      throw new LogveilError("store-unavailable", { cause });
    }
  }

  #beginOutage(failed: OpenLevel | undefined, sessions: number): void {
    this.#level = undefined;
    this.#options.eventLog.emit("store.write-failed", { lost: sessions });
    this.#outage = this.#endOutage(failed);
  }

  #codeOf(cause: unknown): ErrorCode {
    if (hasCode(cause, "store-corrupt")) return "store-corrupt";
    if (cause instanceof Error && "code" in cause && cause.code === "LEVEL_CORRUPTION")
      return "store-corrupt";
    return this.#closing.signal.aborted ? "store-closed" : "store-unavailable";
  }

  async #endOutage(failed: OpenLevel | undefined): Promise<void> {
    // Whatever closing a broken database reports, the next thing to do is to open it again.
    await failed?.close().catch(() => undefined);
    const { firstMs, maxMs } = this.#options.reopen;
    let lastCode: ErrorCode = "store-unavailable";
    for (let waitMs = firstMs; await this.#wait(waitMs); waitMs = Math.min(waitMs * 2, maxMs)) {
      const code = await this.#reopen();
      if (code === undefined) return;
      if (code !== lastCode) this.#options.eventLog.emit("store.reopen-failed", { code });
      lastCode = code;
    }
  }

  /** False when close() came first. */
  async #wait(waitMs: number): Promise<boolean> {
    const { signal } = this.#closing;
    return delay(waitMs, true, { ref: false, signal }).catch(() => false);
  }

  async #reopen(): Promise<ErrorCode | undefined> {
    try {
      const level = await openFiles(this.#options.files);
      await probe(level);
      this.#options.eventLog.emit("store.reopened");
      this.#level = level;
      return undefined;
    } catch (error) {
      return error instanceof LogveilError ? error.code : "store-unavailable";
    }
  }
}

/** Closes `level` when it does not take the write. */
async function probe(level: OpenLevel): Promise<void> {
  try {
    await level.put(metaKey("probe"), Buffer.alloc(PROBE_BYTES), { sync: true });
  } catch (error) {
    await level.close();
    throw error;
  }
}

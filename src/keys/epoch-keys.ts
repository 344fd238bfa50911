import type { KeyObject } from "node:crypto";
import { LRUCache } from "lru-cache";
import { LogveilError } from "../errors.ts";
import type { EventLog } from "../event-log.ts";
import type { Metrics } from "../metrics.ts";
import type { EpochFile } from "./epoch-file.ts";
import type { EpochFolder } from "./epoch-folder.ts";
import type { EpochMaterial, EpochSource } from "./epoch-material.ts";
import { addressKey, epochMaterial, epochOpener, sessionTreeKey } from "./epoch-secret.ts";
import { masterKeyIdOf } from "./key-wrapping.ts";
import type { SessionOpener } from "./opening.ts";
import { createSerial } from "./serial.ts";
import type { Tombstones } from "./tombstones.ts";

export type EpochStatus = {
  readonly epoch: number;
  readonly startsAtMs: number;
  readonly endsAtMs: number;
  readonly expiresAtMs: number;
  /** Eight hex digits. */
  readonly masterKeyId: string;
};

export type EpochMetrics = Pick<
  Metrics,
  "epochKeysActive" | "epochKeysDestroyed" | "epochKeysNextExpiry"
>;

type Options = {
  readonly folder: EpochFolder;
  readonly tombstones: Tombstones;
  /** Never goes back. */
  readonly nowMs: () => number;
  readonly advanceHighWater: (nowMs: number) => Promise<void>;
  readonly retention: { readonly rotateMs: number; readonly retentionMs: number };
  readonly eventLog: EventLog;
  readonly metrics: EpochMetrics;
};

// Deriving an epoch's keys takes half a millisecond; look-ups go mostly to the last few weeks.
const MAX_DERIVED_EPOCHS = 64;

/** When an epoch's key is made, what may be had of it, and when it dies. */
export class EpochKeys implements EpochSource {
  readonly #options: Options;
  readonly #materials = new LRUCache<number, Promise<EpochMaterial>>({ max: MAX_DERIVED_EPOCHS });
  readonly #openers = new LRUCache<number, Promise<SessionOpener>>({ max: MAX_DERIVED_EPOCHS });
  readonly #serially = createSerial();

  constructor(options: Options) {
    this.#options = options;
  }

  /** Finishes destructions that a crash interrupted, and applies a retention that has become shorter. */
  async recover(): Promise<void> {
    const { folder, retention, tombstones } = this.#options;
    for (const epoch of tombstones.unswept()) await folder.destroy(epoch);
    await folder.shorten(retention.retentionMs);
    this.#showActive();
  }

  list(): readonly EpochStatus[] {
    return this.#options.folder.list().map(({ epoch, endsAtMs, expiresAtMs, wrapped }) => ({
      epoch,
      startsAtMs: epoch * 1000,
      endsAtMs,
      expiresAtMs,
      masterKeyId: masterKeyIdOf(wrapped),
    }));
  }

  /** Rejects `epoch-expired`, `epoch-early`. */
  async materialOf(epoch: number): Promise<EpochMaterial> {
    const file = this.#refuseExpired((await this.#find(epoch)) ?? (await this.#create(epoch)));
    return this.#derived(this.#materials, file, (secret) =>
      epochMaterial(secret, epoch, file.endsAtMs),
    );
  }

  /** Rejects `epoch-expired`, also for an epoch that never existed. */
  async openerOf(epoch: number): Promise<SessionOpener> {
    const file = this.#refuseExpired(await this.#find(epoch));
    return this.#derived(this.#openers, file, (secret) => epochOpener(secret, epoch));
  }

  /** Throws `epoch-expired`. */
  addressKeyOf(epoch: number): KeyObject {
    return this.#derivedAtOnce(epoch, addressKey);
  }

  /** Throws `epoch-expired`. */
  sessionTreeKeyOf(epoch: number): KeyObject {
    return this.#derivedAtOnce(epoch, sessionTreeKey);
  }

  /** Resolves every destroyed epoch whose records are not confirmed as swept, ascending. */
  destroyExpired(): Promise<readonly number[]> {
    const { advanceHighWater, folder, nowMs, tombstones } = this.#options;
    return this.#serially(async () => {
      const now = nowMs();
      const isExpired = (file: EpochFile) => file.expiresAtMs <= now;
      const expired = folder
        .list()
        .filter(isExpired)
        .map(({ epoch }) => epoch);
      if (expired.length > 0) {
        await advanceHighWater(now);
        // SECURITY: the tombstone is on disk before the key goes, so that no crash lets the epoch be created anew.
        await tombstones.add(expired);
      }
      for (const epoch of expired) this.#forget(epoch);
      // All unswept ones, not only the newly expired: an earlier attempt may have failed. Most are gone already.
      for (const epoch of tombstones.unswept()) await folder.destroy(epoch);
      for (const epoch of expired) this.#tellDestroyed(epoch);
      return tombstones.unswept();
    });
  }

  isDestroyed(epoch: number): boolean {
    const { folder, tombstones } = this.#options;
    return tombstones.cover(epoch) && folder.get(epoch) === undefined;
  }

  /** Resolves when no destruction is under way, and forgets what was derived. */
  async close(): Promise<void> {
    await this.#serially(() => this.#options.folder.settled());
    this.#materials.clear();
    this.#openers.clear();
  }

  async #find(epoch: number): Promise<EpochFile | undefined> {
    const { folder, tombstones } = this.#options;
    const known = folder.get(epoch);
    if (known !== undefined || tombstones.cover(epoch)) return known;
    return folder.find(epoch);
  }

  async #create(epoch: number): Promise<EpochFile> {
    const { eventLog, folder, nowMs, retention, tombstones } = this.#options;
    const endsAtMs = epoch * 1000 + retention.rotateMs;
    const expiresAtMs = endsAtMs + retention.retentionMs;
    const now = nowMs();
    if (tombstones.cover(epoch) || expiresAtMs <= now) throw new LogveilError("epoch-expired");
    // The next epoch is prepared ahead; a log line that claims to be from the year 2100 makes no key that lives until then.
    if (epoch * 1000 > now + retention.rotateMs) throw new LogveilError("epoch-early");
    const { file, created } = await folder.create({ epoch, endsAtMs, expiresAtMs });
    if (created) eventLog.emit("epoch.created", { epoch });
    this.#showActive();
    return file;
  }

  /** SECURITY: asked before anything that is derived leaves, so that what is expired and not yet destroyed is of no use. */
  #refuseExpired(file: EpochFile | undefined): EpochFile {
    if (file === undefined || file.expiresAtMs <= this.#options.nowMs()) {
      throw new LogveilError("epoch-expired");
    }
    return file;
  }

  #derivedAtOnce(epoch: number, derive: (secret: Buffer) => KeyObject): KeyObject {
    const { folder } = this.#options;
    const secret = folder.unwrap(this.#refuseExpired(folder.get(epoch)));
    const key = derive(secret);
    secret.fill(0);
    return key;
  }

  /** Derives once; a caller that comes meanwhile gets the same promise. */
  #derived<Derived>(
    cache: LRUCache<number, Promise<Derived>>,
    file: EpochFile,
    derive: (secret: Buffer) => Promise<Derived>,
  ): Promise<Derived> {
    const known = cache.get(file.epoch);
    if (known !== undefined) return known;
    const secret = this.#options.folder.unwrap(file);
    const derived = derive(secret).finally(() => secret.fill(0));
    cache.set(file.epoch, derived);
    // The callers see the failure; the next one tries again.
    derived.catch(() => cache.delete(file.epoch));
    return derived;
  }

  #forget(epoch: number): void {
    this.#materials.delete(epoch);
    this.#openers.delete(epoch);
  }

  #tellDestroyed(epoch: number): void {
    const { eventLog, metrics } = this.#options;
    eventLog.emit("epoch.destroyed", { epoch });
    metrics.epochKeysDestroyed.inc();
    this.#showActive();
  }

  #showActive(): void {
    const { folder, metrics } = this.#options;
    const files = folder.list();
    let nextMs = files[0]?.expiresAtMs ?? 0;
    for (const { expiresAtMs } of files) nextMs = Math.min(nextMs, expiresAtMs);
    metrics.epochKeysActive.set(files.length);
    metrics.epochKeysNextExpiry.set(nextMs / 1000);
  }
}

import type { KeyObject } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { Clock } from "../clock.ts";
import { hasCode } from "../errors.ts";
import type { ClosedEpochMaterial, EpochMaterial } from "../keys/epoch-material.ts";
import { macKey } from "../keys/mac.ts";
import { createSealer, type Sealer } from "../keys/sealing.ts";
import { randomBytes } from "../keys/secure-random.ts";

/** `EpochSource`, or one that has closed epochs too. */
export type TokenEpochs = {
  readonly materialOf: (epoch: number) => Promise<EpochMaterial | ClosedEpochMaterial>;
};

/** What the tokeniser needs of one epoch. */
export type EpochKeys = {
  readonly epoch: number;
  readonly tokenKey: KeyObject;
  readonly addressKey: KeyObject;
  /** Absent for stand-in keys and for those of a closed epoch: there is nothing to seal to. */
  readonly sealer: Sealer | undefined;
  /** Nothing is to be stored, so nothing is lost. */
  readonly isClosed: boolean;
  /** Monotonic time from which the source is asked again. */
  readonly retryAtMs: number;
};

// The present epoch, the next one, and one before for requests and log lines that come late.
const MAX_EPOCHS = 3;
// Lines of a log go back and forth between epochs where logs were put together; each epoch costs a millisecond to come back to.
const MAX_LINE_EPOCHS = 32;
const RETRY_AFTER_MS = 1000;

type Options = {
  readonly epochs: TokenEpochs;
  readonly clock: Clock;
  readonly rotateMs: number;
  /** Keeps the keys of more epochs, and prepares none ahead. */
  readonly isForLines?: boolean | undefined;
};

/**
 * The keys of the epochs in use. Those of the next epoch are fetched in the last tenth of the present one, by the requests
 * that come then, so that nobody waits at the boundary; those of the last one go a tenth after their end.
 *
 * When the source refuses (the epoch has expired, the disk is full) requests must go on without personal data: stand-in
 * keys, random and known to nobody else, give tokens that cannot be looked up.
 */
export class EpochKeyCache {
  readonly #options: Options;
  readonly #keys: LRUCache<number, EpochKeys>;
  /** As many as epochs are asked for at once; each goes when its source has answered. */
  readonly #fetching = new Map<number, Promise<EpochKeys>>();
  #current: EpochKeys | undefined;
  #prefetchAtMs = 0;
  #forgetAtMs = 0;

  constructor(options: Options) {
    this.#options = options;
    this.#keys = new LRUCache({ max: options.isForLines === true ? MAX_LINE_EPOCHS : MAX_EPOCHS });
  }

  /** The keys of `epoch` when they are at hand. Called for every request. */
  find(epoch: number, nowMs: number): EpochKeys | undefined {
    const current = this.#current;
    if (current?.epoch !== epoch) return this.#change(epoch, nowMs);
    if (nowMs >= this.#forgetAtMs) this.#forgetPast(epoch);
    if (nowMs >= this.#prefetchAtMs) this.#prefetch(epoch);
    if (current.sealer === undefined) this.#retry(current);
    return current;
  }

  /** Never rejects. */
  fetch(epoch: number): Promise<EpochKeys> {
    const known = this.#fetching.get(epoch);
    if (known !== undefined) return known;
    const fetching = this.#load(epoch).finally(() => this.#fetching.delete(epoch));
    this.#fetching.set(epoch, fetching);
    return fetching;
  }

  /** Drops the keys of an epoch at once. */
  forget(epoch: number): void {
    this.#keys.delete(epoch);
    if (this.#current?.epoch === epoch) this.#current = undefined;
  }

  #change(epoch: number, nowMs: number): EpochKeys | undefined {
    const keys = this.#keys.get(epoch);
    this.#current = keys;
    if (keys === undefined) return undefined;
    const { isForLines = false, rotateMs } = this.#options;
    if (isForLines) this.#prefetchAtMs = this.#forgetAtMs = Infinity;
    if (isForLines) return keys;
    const startedAtMs = nowMs - (nowMs % rotateMs);
    this.#prefetchAtMs = startedAtMs + rotateMs * 0.9;
    this.#forgetAtMs = startedAtMs + rotateMs * 0.1;
    return keys;
  }

  #forgetPast(epoch: number): void {
    this.#forgetAtMs = Infinity;
    for (const other of this.#keys.keys()) {
      if (other < epoch) this.#keys.delete(other);
    }
  }

  #prefetch(epoch: number): void {
    this.#prefetchAtMs = Infinity;
    const next = epoch + this.#options.rotateMs / 1000;
    void this.fetch(next).then((keys) => {
      // A refusal now is none at the boundary: the first request then asks again.
      if (keys.sealer === undefined) this.#keys.delete(next);
    });
  }

  #retry(keys: EpochKeys): void {
    if (this.#options.clock.monotonic() < keys.retryAtMs || this.#fetching.has(keys.epoch)) return;
    void this.fetch(keys.epoch);
  }

  async #load(epoch: number): Promise<EpochKeys> {
    const keys = await this.#ask(epoch);
    const known = this.#keys.peek(epoch);
    // A source that still refuses must not change the tokens of the stand-in: only when it is asked next.
    const kept =
      known !== undefined && keys.sealer === undefined
        ? { ...known, retryAtMs: keys.retryAtMs }
        : keys;
    this.#keys.set(epoch, kept);
    if (this.#current?.epoch === epoch) this.#current = kept;
    return kept;
  }

  async #ask(epoch: number): Promise<EpochKeys> {
    try {
      const material = await this.#options.epochs.materialOf(epoch);
      const { tokenKey, addressKey } = material;
      const isClosed = material.sealingKey === undefined;
      const sealer = isClosed ? undefined : await createSealer(material);
      return { epoch, tokenKey, addressKey, sealer, isClosed, retryAtMs: Infinity };
    } catch (error) {
      const isFinal = hasCode(error, "epoch-expired");
      return this.#standIn(
        epoch,
        isFinal ? Infinity : this.#options.clock.monotonic() + RETRY_AFTER_MS,
      );
    }
  }

  #standIn(epoch: number, retryAtMs: number): EpochKeys {
    const [tokenKey, addressKey] = [macKey(randomBytes(32)), macKey(randomBytes(32))];
    return { epoch, tokenKey, addressKey, sealer: undefined, isClosed: false, retryAtMs };
  }
}

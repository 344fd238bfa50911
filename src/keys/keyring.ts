// The keyring: every secret that must be able to die, in a folder of small files beside the store, never in it. LevelDB keeps
// deleted values in its files; here an expired epoch is a file overwritten and removed, and an erased person one replaced
// shard. Everything is wrapped under the master key, which comes from elsewhere.
//
// Expiry is the destruction of an epoch's key: noted first (tombstones), then done, then reported until the store confirms
// that the records are gone too. Whatever has or has not been swept, a key past its time is refused by the clock, and the
// clock never goes back (high water).

import type { KeyObject } from "node:crypto";
import type { Clock } from "../clock.ts";
import { hasCode } from "../errors.ts";
import type { EventLog } from "../event-log.ts";
import { closedEpochMaterial } from "./closed-epoch.ts";
import { LABELS } from "./derivation.ts";
import { EpochFolder } from "./epoch-folder.ts";
import { EpochKeys, type EpochMetrics, type EpochStatus } from "./epoch-keys.ts";
import type { EpochSource, LineEpochSource } from "./epoch-material.ts";
import { deriveMacKey } from "./epoch-secret.ts";
import { systemFileSteps, type FileSteps } from "./file-steps.ts";
import { loadHighWater, type HighWater } from "./high-water.ts";
import { MasterKeys } from "./key-wrapping.ts";
import { KeyringFolder } from "./keyring-folder.ts";
import type { SessionOpener } from "./opening.ts";
import { Rotation } from "./rotation.ts";
import { SessionTreeFolder, type SessionTrees } from "./session-trees.ts";
import { SubjectKeyFolder, type SubjectKeys } from "./subject-keys.ts";
import { loadTombstones, type Tombstones } from "./tombstones.ts";

export type KeyringStatus = {
  /** Names the current master key and tells nothing about it: eight hex digits. */
  readonly masterKeyId: string;
  readonly epochs: readonly EpochStatus[];
  /** How many data subjects and stored sessions have a key of their own. */
  readonly subjectKeys: number;
};

/** Requests are in an epoch that can be had; lines of a log in any. */
type Epochs = EpochSource & LineEpochSource;

export type Keyring = Epochs & {
  /** What exists and until when. Reads the size of every shard: for people, not for requests. */
  readonly status: () => Promise<KeyringStatus>;
  /** Those whose key exists, ascending. */
  readonly epochs: () => readonly EpochStatus[];
  /**
   * Opens the session records of one epoch. Rejects `epoch-expired`, also for an epoch that never existed.
   * Ask again for every look-up: an opener that is kept does not notice that its epoch expires.
   */
  readonly openerOf: (epoch: number) => Promise<SessionOpener>;
  /** MAC key of the address index, for search by address. Throws `epoch-expired`. */
  readonly addressKeyOf: (epoch: number) => KeyObject;
  /** Destroys the keys of all epochs past their expiry; resolves every destroyed epoch that is not confirmed as swept. */
  readonly destroyExpired: () => Promise<readonly number[]>;
  /** Whether the epoch's key has been destroyed, or never was and never can be. */
  readonly isDestroyed: (epoch: number) => boolean;
  /** The records of a destroyed epoch are gone from the store. */
  readonly confirmSwept: (epoch: number) => Promise<void>;
  readonly subjects: SubjectKeys;
  /** One key for each session that the proxy made. */
  readonly sessionTrees: SessionTrees;
  /** HMAC key of the blind index over login, e-mail, phone. The same after every rotation. */
  readonly blindIndexKey: KeyObject;
  /** HMAC key under which callers' access tokens are kept. */
  readonly callersKey: KeyObject;
  /** 32-byte key of the audit trail. */
  readonly auditKey: KeyObject;
  /** The latest time the keyring has seen, ms since 1970; survives restarts. */
  readonly highWaterMs: () => number;
  readonly advanceHighWater: (nowMs: number) => Promise<void>;
  /**
   * Re-wraps everything under a new master key while the keyring goes on serving; resolves how many keys that were.
   * After a crash at any instant, open with both keys: one as `masterKey`, the other among `previousKeys`.
   */
  readonly rotate: (newMasterKey: Buffer) => Promise<number>;
  /** Resolves when no write is under way. Nothing may be called afterwards. */
  readonly close: () => Promise<void>;
};

export type KeyringOptions = {
  readonly dir: string;
  /** 32 bytes. Copied: the caller may clear its own. */
  readonly masterKey: Buffer;
  readonly previousKeys?: readonly Buffer[];
  readonly clock: Clock;
  /** Milliseconds; `rotateMs` is at least 1000. */
  readonly retention: { readonly rotateMs: number; readonly retentionMs: number };
  /** "disk": appended subject keys survive a power loss. Epoch keys and all destruction do in any case. */
  readonly durability: "process" | "disk";
  readonly eventLog: EventLog;
  readonly metrics: EpochMetrics;
  /** What tests use to stop between two steps. */
  readonly steps?: FileSteps;
};

/**
 * Opens the keyring in `dir`, creating it when the folder is empty or missing. Finishes what a crash interrupted: destroyed
 * epochs whose file is still there, a rotation in the middle. Rejects `key-wrong`, `keyring-corrupt`, `key-invalid`.
 */
export async function openKeyring(options: KeyringOptions): Promise<Keyring> {
  const { dir, clock, durability, eventLog, metrics, retention, steps = systemFileSteps } = options;
  const keys = new MasterKeys(options.masterKey, options.previousKeys);
  const folder = new KeyringFolder({ dir, steps, keys });
  await folder.prepare();
  const tombstones = await loadTombstones(steps, folder.path("destroyed"));
  const highWater = await loadHighWater(steps, folder.path("highWater"));
  const nowMs = () => Math.max(clock.now(), highWater.ms());
  const epochFolder = new EpochFolder({ dir: folder.path("epochs"), steps, keys });
  await epochFolder.load(tombstones.unswept());
  const index = await folder.indexSecret();
  const subjects = new SubjectKeyFolder({
    dir: folder.path("subjects"),
    steps,
    keys,
    syncAppends: durability === "disk",
    indexKey: deriveMacKey(index, LABELS.subjectIndex),
    nowMs,
  });
  const epochs = new EpochKeys({
    folder: epochFolder,
    tombstones,
    nowMs,
    advanceHighWater: highWater.advance,
    retention,
    eventLog,
    metrics,
  });
  const sessionTrees = new SessionTreeFolder({
    dir: folder.path("sessions"),
    steps,
    sealingKeyOf: (epoch) => epochs.sessionTreeKeyOf(epoch),
  });
  const rotation = new Rotation({
    keys,
    folder,
    epochs: epochFolder,
    subjects,
    tombstones,
    eventLog,
  });
  await rotation.resume();
  await epochs.recover();
  await sessionTrees.retain(new Set(epochs.list().map(({ epoch }) => epoch)));
  const keyring = assemble({
    epochs,
    highWater,
    index,
    keys,
    rotation,
    sessionTrees,
    subjects,
    tombstones,
    rotateMs: retention.rotateMs,
  });
  index.fill(0);
  return keyring;
}

function assemble(parts: {
  readonly epochs: EpochKeys;
  readonly highWater: HighWater;
  readonly index: Uint8Array;
  readonly keys: MasterKeys;
  readonly rotation: Rotation;
  readonly sessionTrees: SessionTreeFolder;
  readonly subjects: SubjectKeyFolder;
  readonly tombstones: Tombstones;
  readonly rotateMs: number;
}): Keyring {
  const { epochs, highWater, index, keys, rotation, sessionTrees, subjects, tombstones } = parts;
  const closedEpochs = deriveMacKey(index, LABELS.closedEpochs);
  return {
    status: async () => ({
      masterKeyId: keys.currentId,
      epochs: epochs.list(),
      subjectKeys: await subjects.count(),
    }),
    materialOf: (epoch) => epochs.materialOf(epoch),
    lineMaterialOf: async (epoch) => {
      try {
        return await epochs.materialOf(epoch);
      } catch (error) {
        if (!hasCode(error, "epoch-expired") && !hasCode(error, "epoch-early")) throw error;
        return closedEpochMaterial(closedEpochs, epoch, epoch * 1000 + parts.rotateMs);
      }
    },
    epochs: () => epochs.list(),
    openerOf: (epoch) => epochs.openerOf(epoch),
    addressKeyOf: (epoch) => epochs.addressKeyOf(epoch),
    destroyExpired: async () => {
      const destroyed = await epochs.destroyExpired();
      for (const epoch of destroyed) await sessionTrees.destroy(epoch);
      return destroyed;
    },
    isDestroyed: (epoch) => epochs.isDestroyed(epoch),
    confirmSwept: tombstones.confirmSwept,
    subjects,
    sessionTrees,
    blindIndexKey: deriveMacKey(index, LABELS.blindIndex),
    callersKey: deriveMacKey(index, LABELS.callers),
    auditKey: deriveMacKey(index, LABELS.audit),
    highWaterMs: highWater.ms,
    advanceHighWater: highWater.advance,
    rotate: (newMasterKey) => rotation.rotate(newMasterKey),
    close: async () => {
      await rotation.settled();
      await epochs.close();
      await sessionTrees.settled();
      await subjects.settled();
      await highWater.settled();
    },
  };
}

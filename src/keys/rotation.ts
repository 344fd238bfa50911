import { LogveilError } from "../errors.ts";
import type { EventLog } from "../event-log.ts";
import type { EpochFolder } from "./epoch-folder.ts";
import type { MasterKeys } from "./key-wrapping.ts";
import type { KeyringFolder } from "./keyring-folder.ts";
import { MASTER_KEY_BYTES } from "./master-key.ts";
import { createSerial } from "./serial.ts";
import type { SubjectKeyFolder } from "./subject-keys.ts";
import type { Tombstones } from "./tombstones.ts";

type Options = {
  readonly keys: MasterKeys;
  readonly folder: KeyringFolder;
  readonly epochs: EpochFolder;
  readonly subjects: SubjectKeyFolder;
  readonly tombstones: Tombstones;
  readonly eventLog: EventLog;
};

/**
 * A new master key: every wrapped secret is wrapped again, file by file, each replaced whole; what they encrypt stays as it
 * is. Each wrapped secret names its master key, so at every instant the keyring opens with both keys.
 */
export class Rotation {
  readonly #options: Options;
  readonly #serially = createSerial();

  constructor(options: Options) {
    this.#options = options;
  }

  /** Re-wraps everything under `newMasterKey`; resolves how many secrets that were. Rejects `key-invalid`. */
  rotate(newMasterKey: Uint8Array): Promise<number> {
    return this.#serially(async () => {
      if (newMasterKey.length !== MASTER_KEY_BYTES) throw new LogveilError("key-invalid");
      // The mark is on disk before anything is wrapped under the new key: whoever opens the keyring after a crash looks for
      // it, and could not tell otherwise when it goes back to the key of the check.
      await this.#options.folder.beginRotation();
      this.#options.keys.use(newMasterKey);
      return this.#rewrapAll();
    });
  }

  /** Finishes a rotation that was interrupted, towards the current master key. */
  resume(): Promise<void> {
    return this.#serially(async () => {
      const { folder, keys } = this.#options;
      if (!(await folder.isRotating())) return keys.forgetPrevious();
      await folder.beginRotation();
      await this.#rewrapAll();
    });
  }

  /** Resolves when no rotation is under way. */
  settled(): Promise<void> {
    return this.#serially(async () => undefined);
  }

  async #rewrapAll(): Promise<number> {
    const { epochs, eventLog, folder, keys, subjects, tombstones } = this.#options;
    let wrapped = await epochs.rewrapAll(tombstones.unswept());
    wrapped += await subjects.rewrapAll();
    wrapped += await folder.endRotation();
    keys.forgetPrevious();
    eventLog.emit("keys.rotated", { wrapped });
    return wrapped;
  }
}

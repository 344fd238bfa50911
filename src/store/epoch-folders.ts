import { join } from "node:path";
import {
  makePrivateFolder,
  namesIn,
  removeFolder,
  renameFolder,
  syncFolder,
} from "./private-folder.ts";

const EPOCH_NAME = /^(0|[1-9][0-9]{0,9})(\.swept)?$/;
const MAX_EPOCH = 0xffff_ffff;

/** What lies in the folder of the epochs: `<epoch>` is a database, `<epoch>.swept` is being removed. */
export type FoldersFound = {
  readonly epochs: readonly number[];
  readonly swept: readonly number[];
  /** How many are neither. */
  readonly unknown: number;
};

/** One folder for each epoch's database, in a folder of their own. */
export class EpochFolders {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Makes the folder of the epochs when it is missing, and looks at what is in it. */
  async prepare(): Promise<FoldersFound> {
    await makePrivateFolder(this.#dir);
    const names = (await namesIn(this.#dir)).map((name) => EPOCH_NAME.exec(name));
    const known = names.filter((match) => Number(match?.[1] ?? Infinity) <= MAX_EPOCH);
    const [swept, epochs] = [true, false].map((isSwept) =>
      known
        .filter((match) => (match?.[2] !== undefined) === isSwept)
        .map((match) => Number(match?.[1])),
    );
    return { epochs: epochs ?? [], swept: swept ?? [], unknown: names.length - known.length };
  }

  path(epoch: number): string {
    return join(this.#dir, String(epoch));
  }

  /** A folder that was made survives a loss of power. */
  sync(): Promise<void> {
    return syncFolder(this.#dir);
  }

  /** Takes the folder out of the way at once, so that the epoch could have a new one. */
  async setAside(epoch: number): Promise<void> {
    // One that an earlier sweep has left would stand in the way.
    await this.removeAside(epoch);
    await renameFolder(this.path(epoch), this.#aside(epoch));
  }

  removeAside(epoch: number): Promise<void> {
    return removeFolder(this.#aside(epoch));
  }

  #aside(epoch: number): string {
    return `${this.path(epoch)}.swept`;
  }
}

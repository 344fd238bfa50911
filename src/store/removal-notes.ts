import type { Database } from "./database.ts";
import type { Operation } from "./group-commit.ts";
import { removalKey, removalRange, tagOf } from "./key-layout.ts";
import { walkRange } from "./range-walk.ts";

/**
 * Sessions that are removed in one batch with something in the main database. Their records are in another one, so the batch says that
 * they are gone; from then on nobody finds them, until `SessionRecords.remove` has taken the record and then the note.
 */
export class RemovalNotes {
  readonly #main: Database;

  constructor(main: Database) {
    this.#main = main;
  }

  noting(epoch: number, tag: Uint8Array): Operation {
    return { type: "put", key: removalKey(epoch, tag), value: new Uint8Array(0) };
  }

  /** Asked of the database every time: after a write that failed nobody else knows whether it is stored. */
  async has(epoch: number, tag: Uint8Array): Promise<boolean> {
    return (await this.#main.find(removalKey(epoch, tag))) !== undefined;
  }

  /** Of one epoch, each as text (`textOfTag`). */
  async tagsOf(epoch: number): Promise<ReadonlySet<string>> {
    const noted = new Set<string>();
    for await (const keys of walkRange(this.#main, removalRange(epoch)))
      for (const key of keys) noted.add(textOfTag(tagOf(key)));
    return noted;
  }

  /** With `sync` on the disk when it resolves. */
  async strike(epoch: number, tag: Uint8Array, sync: boolean): Promise<void> {
    if (await this.has(epoch, tag))
      await this.#main.write((level) => level.del(removalKey(epoch, tag), { sync }));
  }
}

export function textOfTag(tag: Uint8Array): string {
  return Buffer.from(tag).toString("hex");
}

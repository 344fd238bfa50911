import { randomBytes } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { ROOT } from "../../src/callers/caller.ts";
import { macKey } from "../../src/keys/mac.ts";
import { openAuditTrail } from "../../src/audit/trail.ts";
import type { AuditTrail } from "../../src/audit/trail.ts";
import type { AuditEvent } from "../../src/audit/event.ts";
import { sequenceKey } from "../../src/audit/event-table.ts";
import type { Store } from "../../src/store/store.ts";
import { createHandClock } from "../kit/hand-clock.ts";
import { StoreFolder } from "../store/store-folder.ts";

/** A trail on a real store, and the ways in which somebody with the store's files could bend it. */
export class OpenedTrail {
  readonly folder: StoreFolder;
  readonly clock = createHandClock();
  readonly key: KeyObject = macKey(randomBytes(32));
  #store: Store;
  #trail: AuditTrail;

  private constructor(folder: StoreFolder, store: Store) {
    this.folder = folder;
    this.#store = store;
    this.#trail = undefined as unknown as AuditTrail; // set by `open`, before anybody has this object
  }

  static async open(dir?: string): Promise<OpenedTrail> {
    const folder = new StoreFolder(dir);
    const opened = new OpenedTrail(folder, await folder.open());
    await opened.reopenTrail();
    return opened;
  }

  get store(): Store {
    return this.#store;
  }

  get trail(): AuditTrail {
    return this.#trail;
  }

  /** As after a restart, on the store as it is now. */
  async reopenTrail(): Promise<void> {
    const { documents } = this.#store;
    this.#trail = await openAuditTrail({ documents, key: this.key, clock: this.clock });
  }

  async restart(): Promise<void> {
    await this.#store.close();
    this.#store = await this.folder.open();
    await this.reopenTrail();
  }

  /** Events with these titles, one write each. */
  async write(...titles: readonly string[]): Promise<void> {
    for (const title of titles) await this.#trail.append(anEvent({ title }));
  }

  async raw(sequence: number): Promise<Uint8Array | undefined> {
    return this.#store.documents.find("audit", sequenceKey(sequence));
  }

  async setRaw(sequence: number, value: Uint8Array | undefined): Promise<void> {
    await this.#store.documents.commit([{ table: "audit", key: sequenceKey(sequence), value }]);
  }

  head(): Promise<Uint8Array | undefined> {
    return this.#store.documents.find("meta", "audit.head");
  }

  async setHead(value: Uint8Array | undefined): Promise<void> {
    await this.#store.documents.commit([{ table: "meta", key: "audit.head", value }]);
  }

  async titles(): Promise<readonly string[]> {
    const { rows } = await this.#trail.list({ offset: 0, limit: 1000 });
    return rows.map(({ title }) => title);
  }

  remove(): Promise<void> {
    return this.folder.remove();
  }
}

export function anEvent(given: Partial<AuditEvent> = {}): AuditEvent {
  return { title: "get session", status: "ok", caller: ROOT, ...given };
}

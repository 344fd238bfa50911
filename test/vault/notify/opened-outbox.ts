import { openKeyring } from "../../../src/keys/keyring.ts";
import type { Keyring } from "../../../src/keys/keyring.ts";
import { createMetrics } from "../../../src/metrics.ts";
import type { Metrics } from "../../../src/metrics.ts";
import { openStore } from "../../../src/store/store.ts";
import type { Store } from "../../../src/store/store.ts";
import { createNotifier } from "../../../src/vault/notify/notifier.ts";
import type { Notifier, NotifierOptions } from "../../../src/vault/notify/notifier.ts";
import type { Notification } from "../../../src/vault/notify/notification.ts";
import { createUserDirectory } from "../../../src/vault/users/user-directory.ts";
import type { UserDirectory } from "../../../src/vault/users/user-directory.ts";
import { createUserIndex } from "../../../src/vault/users/user-index.ts";
import type { UserIndex } from "../../../src/vault/users/user-index.ts";
import { encodeUser, keyNameOf } from "../../../src/vault/users/user-record.ts";
import type { Profile } from "../../../src/vault/users/user-record.ts";
import { openEventFile } from "../../kit/event-file.ts";
import type { EventFile } from "../../kit/event-file.ts";
import type { HandClock } from "../../kit/hand-clock.ts";
import { createHandClock } from "../../kit/hand-clock.ts";
import { createTemporaryFolder } from "../../kit/temporary-folder.ts";
import type { TemporaryFolder } from "../../kit/temporary-folder.ts";

type Receivers = Pick<NotifierOptions, "webhook" | "mail" | "maxWaiting">;

export type OpenedOutbox = {
  readonly folder: TemporaryFolder;
  readonly clock: HandClock;
  readonly events: EventFile;
  readonly metrics: Metrics;
  readonly store: Store;
  readonly keyring: Keyring;
  readonly index: UserIndex;
  readonly directory: UserDirectory;
  readonly notifier: Notifier;
  /** Notifies and stores, as an operation does. */
  readonly post: (notification: Notification) => Promise<void>;
  /** Rows of the outbox. */
  readonly waiting: () => Promise<number>;
  /** A user record with its index and its key. */
  readonly putUser: (token: string, profile: Profile) => Promise<void>;
  /** Everything again on what is on disk, with other receivers; the folder and the clock stay. */
  readonly restart: (receivers: Receivers) => Promise<OpenedOutbox>;
  readonly close: () => Promise<void>;
};

/** A notifier on real parts, under a hand-moved clock, in a temporary folder that `close` removes. */
export async function openOutboxForTest(receivers: Receivers): Promise<OpenedOutbox> {
  return openOutboxIn(await createTemporaryFolder(), createHandClock(), receivers);
}

/** The same on a folder that another process may have left behind. */
export async function openOutboxIn(
  folder: TemporaryFolder,
  clock: HandClock,
  receivers: Receivers,
): Promise<OpenedOutbox> {
  const events = openEventFile(folder.file("events"));
  const { eventLog } = events;
  const metrics = createMetrics();
  const common = { durability: "process", eventLog, metrics, clock } as const;
  const store = await openStore({ ...common, dir: folder.path });
  const keyring = await openKeyring({
    ...common,
    dir: folder.file("keyring"),
    masterKey: Buffer.alloc(32, 7),
    retention: { rotateMs: 86_400_000, retentionMs: 86_400_000 },
  });
  const { documents } = store;
  const index = createUserIndex(keyring.blindIndexKey, "GB");
  const directory = createUserDirectory({ documents, subjects: keyring.subjects, index });
  const notifier = createNotifier({ ...common, documents, keyring, directory, ...receivers });
  const stop = async () => {
    await notifier.close();
    await keyring.close();
    await store.close();
    events.close();
  };
  return {
    folder,
    clock,
    events,
    metrics,
    store,
    keyring,
    index,
    directory,
    notifier,
    post: async (notification) => documents.commit(await notifier.notify(notification)),
    waiting: async () => (await documents.list("outbox")).length,
    putUser: async (token, profile) => {
      const key = await keyring.subjects.create(keyNameOf(token, 0));
      const indexKeys = [...index.keysOf(profile).values()];
      const state = { counter: 0, generation: 0, indexKeys, isRestricted: false };
      await documents.commit([
        { table: "user", key: token, value: encodeUser(token, state, profile, key) },
        ...indexKeys.map((key) => ({
          table: "userIndex" as const,
          key,
          value: Buffer.from(token),
        })),
      ]);
    },
    restart: async (others) => {
      await stop();
      return openOutboxIn(folder, clock, others);
    },
    close: async () => {
      await stop();
      await folder.remove();
    },
  };
}

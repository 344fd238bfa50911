import { openAuditTrail } from "../../src/audit/trail.ts";
import { systemClock } from "../../src/clock.ts";
import { createEventLog } from "../../src/event-log.ts";
import { openKeyring } from "../../src/keys/keyring.ts";
import { createMetrics } from "../../src/metrics.ts";
import { openStore } from "../../src/store/store.ts";
import { createDoomedKeys } from "../../src/vault/doomed-keys.ts";
import { createTurns } from "../../src/vault/turns.ts";
import { createUserDirectory } from "../../src/vault/users/user-directory.ts";
import { createUserErasure } from "../../src/vault/users/user-erasure.ts";
import { createUserIndex } from "../../src/vault/users/user-index.ts";
import { NO_USER_SCHEMA } from "../../src/vault/users/user-schema.ts";
import { createUsers } from "../../src/vault/users/users.ts";
import { join } from "node:path";

/** Users on a store in `dir` that outlives the process, under the system's clock. */
export async function openUserStore(dir: string) {
  const common = {
    durability: "process",
    eventLog: createEventLog(),
    metrics: createMetrics(),
    clock: systemClock,
  } as const;
  const store = await openStore({ ...common, dir });
  const keyring = await openKeyring({
    ...common,
    dir: join(dir, "keyring"),
    masterKey: Buffer.alloc(32, 7),
    retention: { rotateMs: 86_400_000, retentionMs: 86_400_000 },
  });
  const { documents } = store;
  const { subjects } = keyring;
  const trail = await openAuditTrail({ documents, key: keyring.auditKey, clock: systemClock });
  const index = createUserIndex(keyring.blindIndexKey, "GB");
  const directory = createUserDirectory({ documents, subjects, index });
  const doomedKeys = createDoomedKeys({ documents, subjects });
  const parts = {
    documents,
    subjects,
    trail,
    directory,
    index,
    doomedKeys,
    schema: NO_USER_SCHEMA,
    inTurn: createTurns(),
    followers: [],
    notify: () => Promise.resolve([]),
    selfService: { forgetMe: false, changeProfile: false, changeApps: [] },
    requests: { create: () => Promise.reject(new Error("nobody asks")) },
  };
  const erasure = createUserErasure({ ...parts, holdings: [] });
  const users = createUsers({ ...parts, erasure, isCreationOpen: false, isListAllowed: true });
  const close = async () => {
    await keyring.close();
    await store.close();
  };
  return { store, keyring, documents, trail, index, directory, doomedKeys, erasure, users, close };
}

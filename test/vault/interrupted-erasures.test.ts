import { expect } from "chai";
import { systemClock } from "../../src/clock.ts";
import { loadConfiguration } from "../../src/config/load.ts";
import { createMetrics } from "../../src/metrics.ts";
import { openVaultHost } from "../../src/vault-host.ts";
import type { VaultHost } from "../../src/vault-host.ts";
import { encodeErasure } from "../../src/vault/rights/erasure-receipt.ts";
import type { ErasureSubject } from "../../src/vault/rights/erasure-receipt.ts";
import { keyNameOf } from "../../src/vault/users/user-record.ts";
import { openEventFile } from "../kit/event-file.ts";
import type { EventFile } from "../kit/event-file.ts";
import { addUser } from "../kit/known-user.ts";
import { createTemporaryFolder } from "../kit/temporary-folder.ts";
import type { TemporaryFolder } from "../kit/temporary-folder.ts";

describe("interrupted erasures", () => {
  let folder: TemporaryFolder;
  let events: EventFile;
  let host: VaultHost | undefined;
  beforeEach(async () => {
    folder = await createTemporaryFolder();
    events = openEventFile(folder.file("events"));
  });
  afterEach(async () => {
    await host?.close();
    host = undefined;
    events.close();
    await folder.remove();
  });

  const start = async () => {
    const text = JSON.stringify({ vault: { dataDir: folder.file("data") } });
    const loaded = loadConfiguration({ file: { name: "test.yaml", text }, env: {}, overrides: {} });
    const { eventLog } = events;
    const surroundings = { clock: systemClock, eventLog, metrics: createMetrics() };
    host = await openVaultHost(loaded, surroundings);
    return host;
  };
  const createUser = ({ store, keyring }: VaultHost, login: string) =>
    addUser({ documents: store.documents, keyring }, { login });
  const note = (key: string, value: Uint8Array | undefined) =>
    ({ table: "meta", key, value }) as const;
  const garbage = Buffer.from("{");
  /** What `POST /v1/erase` has committed when the disk is full. */
  const begun = (id: string) => {
    const subject: ErasureSubject = { kind: "user", id };
    const keyNames = [keyNameOf(id, 0)];
    const erasure = { id, subject, beganMs: 1, keys: [], keyNames, erased: {} };
    return note(`erasure/user/${id}`, encodeErasure(erasure));
  };
  const isErased = async ({ directory, store }: VaultHost, token: string) =>
    (await directory.keyOf(token)) === undefined &&
    (await store.documents.find("meta", `receipt/user/${token}`)) !== undefined;

  it("do not keep a website down, nor does one keep another from its end", async () => {
    const first = await start();
    const [ada, bob] = [await createUser(first, "ada"), await createUser(first, "bob")];
    await first.store.documents.commit([
      note(`user.erasing/${ada}`, Buffer.from(keyNameOf(ada, 0))),
      first.doomedKeys.doom(keyNameOf(ada, 0)),
      note("erasure/a", garbage),
      begun(bob),
      note("audit.head", garbage),
    ]);
    await first.close();
    const next = await start();
    expect(events.names()).to.include.members(["audit.corrupt", "erasure.delayed"]);
    expect(await next.directory.keyOf(ada)).to.equal(undefined);
    const { documents } = next.store;
    expect(await documents.list("meta", { prefix: "user.erasing/" })).to.deep.equal([]);
    expect(await isErased(next, bob)).to.equal(true);
  });

  it("are not delayed when nothing stands in the way", async () => {
    const first = await start();
    const ada = await createUser(first, "ada");
    await first.store.documents.commit([begun(ada)]);
    await first.close();
    expect(await isErased(await start(), ada)).to.equal(true);
    expect(events.names()).not.to.include("erasure.delayed");
  });

  it("are finished by the sweep, without a restart", async () => {
    const running = await start();
    const ada = await createUser(running, "ada");
    await running.store.documents.commit([note("erasure/a", garbage), begun(ada)]);
    const outcomes = await Promise.allSettled(running.sweeps.map((sweep) => sweep()));
    expect(await isErased(running, ada)).to.equal(true);
    expect(outcomes.filter(({ status }) => status === "rejected")).to.have.length(1);
  });
});

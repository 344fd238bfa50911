import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { startRunningSidecar } from "../kit/running-sidecar.ts";

// The examples mount the keyring as a volume of its own, so its folder is there whatever becomes of the volume.

const UPSTREAM = "http://127.0.0.1:9";

describe("a keyring on a volume of its own", () => {
  it("is not silently replaced when the volume was not mounted", async () => {
    const first = await startRunningSidecar({ upstream: UPSTREAM });
    await first.close();
    const { folder, files } = first;
    const keyring = join(files.dataDir, "keyring");
    const start = () => startRunningSidecar({ upstream: UPSTREAM, folder });
    try {
      await rename(keyring, `${keyring}.elsewhere`);
      await mkdir(join(keyring, "lost+found"), { recursive: true });
      const failure = await start().catch((error: unknown) => error);
      expect(failure).to.include({ code: "keyring-missing" });
      await rm(keyring, { recursive: true });
      await rename(`${keyring}.elsewhere`, keyring);
      await (await start()).close();
    } finally {
      await first.removeFolder();
    }
  });

  it("is made in the empty folder of a new volume, as long as the store is new too", async () => {
    const first = await startRunningSidecar({ upstream: UPSTREAM });
    await first.close();
    const { folder, files } = first;
    try {
      await rm(files.dataDir, { recursive: true });
      await mkdir(join(files.dataDir, "keyring", "lost+found"), { recursive: true });
      await (await startRunningSidecar({ upstream: UPSTREAM, folder })).close();
    } finally {
      await first.removeFolder();
    }
  });
});

import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { expect } from "chai";
import type { Express } from "express";
import request from "supertest";
import { ROOT_TOKEN, openVaultForTest } from "../kit/opened-vault.ts";
import type { OpenedVault } from "../kit/opened-vault.ts";
import { createTemporaryFolder } from "../kit/temporary-folder.ts";
import type { TemporaryFolder } from "../kit/temporary-folder.ts";

// No audit entry, no disclosure (SPEC section 8): when the event of an operation cannot be stored, nothing personal leaves, and nothing
// is changed.

const VISIT = {
  address: "198.51.100.237",
  userAgent: "Mozilla/5.0 (X11) Canary/133.7",
  cookieHeader: "PHPSESSID=canary7k2m9",
  host: "canary.example.org",
};
const CANARY = /198\.51\.100\.237|canary/i;
const STORED = "00112233-4455-6677-8899-aabbccddeeff";
const NEW = "ffeeddcc-4455-6677-8899-aabbccddeeff";

/** They say nothing about anybody. */
const WITHOUT_EVENT = /^\/(?:v1\/)?(?:status\/?|metrics|healthz|readyz|openapi\.json)$/;

type RouterLayer = {
  readonly route?: {
    readonly path: string;
    readonly stack: readonly { readonly method?: string | undefined }[];
  };
};

/** What express has registered; what answers all methods alike is no route. */
function routesOf(app: Express): readonly { readonly method: string; readonly path: string }[] {
  const layers = app.router.stack as unknown as readonly RouterLayer[]; // express types say too little
  return layers.flatMap(({ route }) =>
    (route?.stack ?? [])
      .filter(({ method }) => method !== undefined && method !== "options")
      .map(({ method = "" }) => ({ method, path: route?.path ?? "" })),
  );
}

describe("guarantee: audited or denied", () => {
  let opened: OpenedVault;
  let folder: TemporaryFolder;
  let uuid: string;

  const call = (method: string, path: string) => {
    const agent = request(opened.app);
    const begin = agent[method as "get" | "post" | "put" | "delete"]; // what routes are registered for
    return begin
      .call(agent, path)
      .set("x-bunker-token", ROOT_TOKEN)
      .set("x-lookup-reason", "ticket 4711");
  };
  const prepare = async () => {
    opened = await openVaultForTest({ folder });
    ({ uuid } = await opened.visit(VISIT));
    await call("post", `/v1/session/${STORED}`).send({ name: "canary" }).expect(200);
    // Its key exists before the disk is full: what fails then is the trail alone.
    await call("post", `/v1/session/${NEW}`).send({ count: 0 }).expect(200);
  };
  const eventCount = async () => (await opened.trail.list({ offset: 0, limit: 1 })).total;

  describe("with the store closed", () => {
    before(async () => {
      folder = await createTemporaryFolder();
      await prepare();
      await opened.store.close();
    });
    after(async () => {
      await opened.close();
      await folder.remove();
    });

    it("no route answers anything but 503, but for those that say nothing about anybody", async () => {
      const routes = routesOf(opened.app).filter(({ path }) => !WITHOUT_EVENT.test(path));
      expect(routes.length).to.be.greaterThan(5);
      const wrong: string[] = [];
      for (const { method, path } of routes) {
        for (const token of [ROOT_TOKEN, "DEMO"]) {
          const target = path.replaceAll(/:\w+/g, STORED);
          const answer = await call(method, target).set("x-bunker-token", token).send({ a: 1 });
          const code: unknown = answer.body?.code;
          if (answer.status !== 503 || code !== "audit-unavailable" || CANARY.test(answer.text))
            wrong.push(`${method} ${path}: ${String(answer.status)} ${String(code)}`);
        }
      }
      expect(wrong).to.deep.equal([]);
    });

    it("nothing has changed when it is open again", async () => {
      await opened.close();
      opened = await openVaultForTest({ folder });
      const found = await call("get", `/v1/session/${STORED}`).expect(200);
      expect(found.body.data).to.deep.equal({ name: "canary" });
      expect((await call("get", `/v1/session/${uuid}`).expect(200)).text).to.match(CANARY);
      expect(await opened.trail.verify()).to.include({ isIntact: true, events: 4 });
    });
  });

  describe("with a disk that fills up", () => {
    let isMounted = false;
    const filler = () => folder.file("filler");

    before(async function () {
      folder = await createTemporaryFolder();
      try {
        const options = ["-t", "tmpfs", "-o", "size=8m", "tmpfs", folder.path];
        execFileSync("mount", options, { stdio: "pipe" });
        isMounted = true;
      } catch {
        process.stderr.write("skipped: only root can mount the small file system of this test\n");
        this.skip();
      }
    });
    after(async () => {
      if (isMounted) execFileSync("umount", ["--lazy", folder.path]);
      await folder.remove();
    });
    beforeEach(async () => {
      await prepare();
      // What the disk has left when the database's log has filled its last page.
      for (let bytes = 4 * 1024 * 1024; bytes >= 4096; bytes /= 2) fill(bytes);
    });
    afterEach(async () => {
      await opened.close();
      for (const file of ["filler", "store", "keyring", "store.marker", "events"])
        rmSync(folder.file(file), { recursive: true, force: true });
    });

    let fillers = 0;
    function fill(bytes: number): void {
      fillers += 1;
      const file = `${filler()}-${String(fillers)}`;
      try {
        writeFileSync(file, Buffer.alloc(bytes, 1));
      } catch {
        rmSync(file, { force: true }); // so much there is not
      }
    }

    /** Asks until an event does not fit on the disk any more; how often it was answered before. */
    async function askUntilFull(
      ask: () => Promise<{ readonly status: number; readonly text: string }>,
    ) {
      for (let answered = 0; answered < 2000; answered += 1) {
        const { status, text } = await ask();
        if (status === 200) continue;
        expect(status).to.equal(503);
        expect(text).to.not.match(CANARY);
        expect(JSON.parse(text)).to.include({ code: "audit-unavailable" });
        return answered;
      }
      throw new Error("the disk did not fill up");
    }

    async function makeRoom(): Promise<void> {
      for (; fillers > 0; fillers -= 1) rmSync(`${filler()}-${String(fillers)}`, { force: true });
      await opened.close();
      opened = await openVaultForTest({ folder });
    }

    it("each look-up that was answered has its event, and the first without one was not answered", async () => {
      const before = await eventCount();
      const answered = await askUntilFull(() => call("get", `/v1/session/${uuid}`));
      await makeRoom();
      expect(await eventCount()).to.equal(before + answered);
      expect(await opened.trail.verify()).to.include({ isIntact: true });
    });

    it("each change that was answered has its event, and the first without one was not made", async () => {
      const before = await eventCount();
      let count = 0;
      const answered = await askUntilFull(() => {
        count += 1;
        return call("post", `/v1/session/${NEW}`).send({ count });
      });
      await makeRoom();
      expect(await eventCount()).to.equal(before + answered);
      const found = await opened.vault.lookUpSession(
        { name: "root", role: "root" },
        NEW,
        undefined,
      );
      expect(found.data).to.deep.equal({ count: answered });
    });

    it("a removal without its event removes nothing", async () => {
      await askUntilFull(() => call("get", `/v1/session/${STORED}`));
      const refused = await call("delete", `/v1/session/${STORED}`).expect(503);
      expect(refused.body).to.include({ code: "audit-unavailable" });
      await call("delete", `/v1/session/${uuid}`).expect(503);
      await makeRoom();
      await call("get", `/v1/session/${STORED}`).expect(200);
      await call("get", `/v1/session/${uuid}`).expect(200);
    });
  });
});

import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { once } from "node:events";
import { expect } from "chai";
import { CONTROL_SOCKET, openControlSocket } from "../../src/api/control-socket.ts";
import { ROOT } from "../../src/callers/caller.ts";
import { keys } from "../../src/commands/keys.ts";
import { lookup } from "../../src/commands/lookup.ts";
import type { Command, OpenControlPlane } from "../../src/commands/command.ts";
import { LogveilError } from "../../src/errors.ts";
import { generateMasterKey } from "../../src/keys/master-key.ts";
import { createIdentitySealing } from "../../src/token/sealed-identity.ts";
import { parseSessionToken } from "../../src/token/session-token.ts";
import { runCommand } from "../kit/command-run.ts";
import { openVaultForTest } from "../kit/opened-vault.ts";
import type { OpenedVault } from "../kit/opened-vault.ts";

const VISIT = {
  address: "198.51.100.237",
  userAgent: "Mozilla/5.0 \u001b[2J\u009b1mFirefox",
  cookieHeader: "PHPSESSID=ada7k2m9",
  host: "shop.example.org",
};
const REASON = ["--reason", "ticket 4711, für Zoë 😀"];

describe("commands that ask the vault", () => {
  let opened: OpenedVault;
  let uuid: string;
  let address: string;
  let planes: string[];
  beforeEach(async () => {
    opened = await openVaultForTest();
    ({ uuid, address } = await opened.visit(VISIT));
    planes = [];
  });
  afterEach(() => opened.close());

  const openSocket = () =>
    openControlSocket({
      path: opened.folder.file(CONTROL_SOCKET),
      vault: opened.vault,
      health: () => [],
      metrics: opened.metrics,
      eventLog: opened.events.eventLog,
      keys: {
        status: async () => ({
          masterKeyId: "0a1b2c3d",
          epochs: opened.keyring.epochs(),
          subjectKeys: 3,
        }),
        rotate: () => opened.keyring.rotate(generateMasterKey()),
      },
    });
  const openControlPlane: OpenControlPlane = async () => {
    planes.push("opened");
    const socket = await openSocket();
    return {
      close: async () => {
        await socket.close();
        planes.push("closed");
      },
    };
  };
  const run = (command: Command, args: readonly string[], input?: string) =>
    runCommand(command, [...args, "--data-dir", opened.folder.path], {
      openControlPlane,
      ...(input === undefined ? {} : { input }),
    });

  describe("logveil lookup", () => {
    it("prints who is behind a token, through the socket of a running logveil", async () => {
      const socket = await openSocket();
      const { code, stdout, stderr } = await run(lookup, [uuid, ...REASON]);
      await socket.close();
      expect({ code, stderr, planes }).to.deep.equal({ code: 0, stderr: "", planes: [] });
      const lines = stdout.trimEnd().split("\n");
      expect(lines[0]).to.equal(`session     ${uuid}`);
      expect(lines[1]).to.equal(`when        ${new Date(opened.clock.now()).toISOString()}`);
      expect(lines).to.include(`clientip    ${VISIT.address}`);
      expect(lines).to.include("user-agent  Mozilla/5.0 \\u001b[2J\\u009b1mFirefox");
      expect(lines).to.have.length(6);
    });

    it("opens the store itself when no logveil runs, and closes it", async () => {
      const { code, stdout } = await run(lookup, [uuid, ...REASON]);
      expect(code).to.equal(0);
      expect(stdout).to.include(VISIT.address);
      expect(planes).to.deep.equal(["opened", "closed"]);
      expect(existsSync(opened.folder.file(CONTROL_SOCKET))).to.equal(false);
    });

    it("takes either spelling, in either letter case, also from standard input", async () => {
      for (const token of [address, uuid.toUpperCase(), address.toUpperCase()]) {
        expect((await run(lookup, [token, ...REASON])).stdout).to.include(VISIT.address);
      }
      expect((await run(lookup, ["-", ...REASON], ` ${uuid}\n`)).stdout).to.include(VISIT.address);
    });

    it("prints JSON, with nothing in it that a terminal would obey", async () => {
      const { code, stdout } = await run(lookup, [uuid, ...REASON, "--json"]);
      expect(code).to.equal(0);
      expect(stdout.trimEnd()).not.to.match(/\p{Cc}/u);
      expect(JSON.parse(stdout)).to.deep.equal({
        session: uuid,
        when: opened.clock.now() / 1000,
        data: {
          clientip: VISIT.address,
          "user-agent": VISIT.userAgent,
          cookie: VISIT.cookieHeader,
          host: VISIT.host,
        },
      });
    });

    it("cannot be made to print a line of its own by what a caller stored", async () => {
      const data = { "a\nclientip": "x\nclientip    192.0.2.1", deep: { b: "\u202e" } };
      await opened.vault.storeSession(ROOT, uuid, async () => data);
      const { stdout } = await run(lookup, [uuid, ...REASON]);
      expect(stdout.trimEnd().split("\n")).to.have.length(4);
      expect(stdout).not.to.match(/^clientip/m);
    });

    describe("of a sealed identity", () => {
      const sealedOf = async () => {
        const { keyring, clock } = opened;
        const { seal } = createIdentitySealing({
          epochs: keyring,
          cover: (epoch, tag, record) => keyring.sessionTrees.cover(epoch, tag, record),
          clock,
        });
        const { epoch } = parseSessionToken(uuid);
        const client = { ...VISIT, sessionCookies: "" };
        return (await seal({ uuid, epoch }, client, clock.now())) ?? "";
      };

      it("prints who is behind a log line, from standard input or as an argument", async () => {
        const sealed = await sealedOf();
        const line = `{"url.path":"/","identity.sealed":"${sealed}"}\n`;
        const piped = await run(lookup, ["--sealed", "-", ...REASON], line);
        expect([piped.code, piped.stderr]).to.deep.equal([0, ""]);
        expect(piped.stdout).to.include(uuid).and.to.include(VISIT.address);
        expect(await run(lookup, ["--sealed", sealed, ...REASON])).to.deep.equal(piped);
        const json = await run(lookup, ["--sealed", sealed, ...REASON, "--json"]);
        expect(JSON.parse(json.stdout)).to.have.nested.property("data.clientip", VISIT.address);
      });

      it("exits 1 for one that is erased, and says that it may be", async () => {
        const sealed = await sealedOf();
        await opened.vault.removeSession(ROOT, uuid);
        const { code, stdout, stderr } = await run(lookup, ["--sealed", sealed, ...REASON]);
        expect([code, stdout]).to.deep.equal([1, ""]);
        expect(stderr).to.include("not found").and.to.include("erased");
      });

      it("exits 2 and asks nobody when there is none, or a token beside it", async () => {
        const sealed = await sealedOf();
        for (const args of [
          ["--sealed", "planted-canary"],
          ["--sealed", "-"],
          ["--sealed", sealed, uuid],
        ]) {
          const { code, stderr } = await run(lookup, [...args, ...REASON]);
          expect(code, args.join(" ")).to.equal(2);
          expect(stderr).to.include("--sealed").and.not.to.include("canary");
        }
        expect((await run(lookup, ["--sealed", sealed])).code).to.equal(2);
        expect(planes).to.deep.equal([]);
      });
    });

    it("exits 1 for a token that is unknown or has expired, alike", async () => {
      const unknown = await run(lookup, ["a136d258-d605-e69e-0e4d-fe20460fbcf9", ...REASON]);
      await opened.vault.removeSession(ROOT, uuid);
      const gone = await run(lookup, [uuid, ...REASON]);
      expect(gone).to.deep.equal(unknown);
      expect([gone.code, gone.stdout]).to.deep.equal([1, ""]);
      expect(gone.stderr).to.include("not found");
    });

    it("exits 2 and asks nobody when it is used otherwise", async () => {
      const wrong: readonly (readonly [readonly string[], string])[] = [
        [[uuid], "--reason"],
        [[uuid, "--reason", "  "], "--reason"],
        [[uuid, "--reason", "a\nb"], "--reason"],
        [[uuid, "--reason", "x".repeat(513)], "--reason"],
        [REASON, "TOKEN"],
        [[uuid, uuid, ...REASON], "TOKEN"],
        [["planted-canary", ...REASON], "TOKEN"],
        [[uuid, ...REASON, "--planted-canary"], "option"],
      ];
      for (const [args, word] of wrong) {
        const { code, stdout, stderr } = await run(lookup, args);
        expect([code, stdout], args.join(" ")).to.deep.equal([2, ""]);
        expect(stderr.split("\n")[0]).to.include(word);
        expect(stderr).to.include("usage:").and.not.to.include("canary");
      }
      expect(planes).to.deep.equal([]);
    });

    it("exits 69 when the store is another's and nobody answers", async () => {
      const { code, stderr } = await runCommand(
        lookup,
        [uuid, ...REASON, "--data-dir", opened.folder.path],
        { openControlPlane: () => Promise.reject(new LogveilError("store-closed")) },
      );
      expect(code).to.equal(69);
      expect(stderr).to.equal("logveil: the store is closed (store-closed)\n");
    });

    it("waits for another command that has the store open for an instant", async () => {
      let refusals = 2;
      const { code } = await runCommand(
        lookup,
        [uuid, ...REASON, "--data-dir", opened.folder.path],
        {
          openControlPlane: (loaded) =>
            refusals-- > 0
              ? Promise.reject(new LogveilError("store-locked"))
              : openControlPlane(loaded),
        },
      );
      expect(code).to.equal(0);
    });

    it("exits 69 where no logveil has ever been, and leaves nothing there", async () => {
      const dir = opened.folder.file("nowhere");
      const { code } = await runCommand(lookup, [uuid, ...REASON, "--data-dir", dir], {
        openControlPlane,
      });
      expect([code, planes, existsSync(dir)]).to.deep.equal([69, [], false]);
    });

    it("exits 77 when it is denied, 69 when the store is out of order, 70 for what it does not understand", async () => {
      const answers = [
        [403, "Access denied", 77],
        [503, '{"code":"store-unavailable"}', 69],
        [500, '{"code":"open-failed"}', 70],
        [404, "", 70],
      ] as const;
      for (const [status, body, expected] of answers) {
        const path = opened.folder.file(CONTROL_SOCKET);
        const server = createServer((_request, response) => {
          response.writeHead(status).end(body);
        }).listen(path);
        await once(server, "listening");
        const { code, stdout } = await run(lookup, [uuid, ...REASON]);
        expect([code, stdout], String(status)).to.deep.equal([expected, ""]);
        server.close();
        await once(server, "close");
      }
    });

    it("exits 78 when the configuration is invalid", async () => {
      const file = opened.folder.file("broken.yaml");
      await writeFile(file, "extra: 1\n");
      expect((await run(lookup, [uuid, ...REASON, "--config", file])).code).to.equal(78);
    });

    it("exits 70 when something fails that nobody thought of, and does not say what", async () => {
      const { code, stderr } = await runCommand(
        lookup,
        [uuid, ...REASON, "--data-dir", opened.folder.path],
        { openControlPlane: () => Promise.reject(new TypeError("planted-canary")) },
      );
      expect(code).to.equal(70);
      expect(stderr).to.equal("logveil: failed unexpectedly\n");
    });
  });

  describe("logveil keys", () => {
    it("status says which keys exist and until when", async () => {
      const { code, stdout } = await run(keys, ["status"]);
      expect(code).to.equal(0);
      const [epoch] = opened.keyring.epochs();
      expect(stdout).to.include("master key 0a1b2c3d");
      expect(stdout).to.include(new Date(epoch?.expiresAtMs ?? 0).toISOString());
      expect(stdout).to.include("stored sessions: 3");
    });

    it("status --json is JSON", async () => {
      const { stdout } = await run(keys, ["status", "--json"]);
      expect(JSON.parse(stdout)).to.have.nested.property("keys.masterKeyId", "0a1b2c3d");
    });

    it("rotate wraps everything anew, and every token can still be looked up", async () => {
      const before = opened.keyring.epochs()[0]?.masterKeyId;
      const { code, stdout } = await run(keys, ["rotate"]);
      expect(code).to.equal(0);
      expect(stdout).to.match(/^rotated: \d+ keys /);
      expect(opened.keyring.epochs()[0]?.masterKeyId).not.to.equal(before);
      expect((await run(lookup, [uuid, ...REASON])).code).to.equal(0);
    });

    it("exits 2 for anything else", async () => {
      for (const args of [[], ["planted-canary"], ["status", "rotate"], ["constructor"]]) {
        const { code, stderr } = await run(keys, args);
        expect(code, args.join(" ")).to.equal(2);
        expect(stderr).to.include("logveil keys").and.not.to.include("canary");
      }
      expect(planes).to.deep.equal([]);
    });

    it("says by name why the keys cannot be rotated", async () => {
      const { code, stderr } = await runCommand(
        keys,
        ["rotate", "--data-dir", opened.folder.path],
        {
          openControlPlane: () =>
            openControlSocket({
              path: opened.folder.file(CONTROL_SOCKET),
              vault: opened.vault,
              health: () => [],
              metrics: opened.metrics,
              eventLog: opened.events.eventLog,
              keys: {
                status: () => Promise.reject(new LogveilError("store-closed")),
                rotate: () => Promise.reject(new LogveilError("key-external")),
              },
            }),
        },
      );
      expect(code).to.equal(69);
      expect(stderr).to.include("(key-external)").and.to.include("LOGVEIL_PREVIOUS_MASTER_KEY");
    });
  });
});

import { expect } from "chai";
import type { AuditTrail } from "../../src/audit/trail.ts";
import { ROOT } from "../../src/callers/caller.ts";
import { createRestrictions } from "../../src/vault/rights/restriction.ts";
import { createLinkedSessionsHolding } from "../../src/vault/rights/person-holdings.ts";
import { createSessionLinking } from "../../src/vault/sessions/session-linking.ts";
import { createSharedRecords } from "../../src/vault/sharing/shared-records.ts";
import { createUserErasure } from "../../src/vault/users/user-erasure.ts";
import { userTurn } from "../../src/vault/users/user-turn.ts";
import { createUsers } from "../../src/vault/users/users.ts";
import { createVault } from "../../src/vault/vault.ts";
import { openUsers } from "../kit/opened-users.ts";
import type { OpenedUsers } from "../kit/opened-users.ts";
import { MAX_SESSION_MS } from "../kit/opened-vault.ts";

const VISIT = {
  address: "198.51.100.237",
  userAgent: "Firefox",
  cookieHeader: "PHPSESSID=ada7k2m9",
  host: "shop.example.org",
};
const ID = "00112233-4455-6677-8899-aabbccddeeff";
const DISCLOSURE = {
  support: { address: "network", userAgent: "family", cookie: "none" },
  dpo: { address: "full", userAgent: "full", cookie: "full" },
} as const;

// What is preserved goes on under a key of its own, so that the person's key alone does not tell that they were erased.
const SCHEMA = { properties: { invoice: { preserve: true }, login: { preserve: true } } };

describe("a person of whom something is preserved, erased while something is stored of them", () => {
  let kit: OpenedUsers;
  let token: string;
  /** What was asked to erase the person, once something was about to be stored. */
  let erased: Promise<unknown> | undefined;
  beforeEach(async () => {
    kit = await openUsers({ schema: SCHEMA });
    erased = undefined;
    token = await kit.create({ login: "ada", invoice: 7, note: "x" });
  });
  afterEach(async () => {
    await kit.close();
    expect(erased, "an erasure").not.to.equal(undefined);
  });

  const createRecords = (trail: Pick<AuditTrail, "append">) =>
    createSharedRecords({
      ...kit.opened,
      trail,
      restrictions: createRestrictions(kit.opened.documents),
      maxSharedRecordMs: 1_000_000,
      viewFor: (_, view) => view,
    });

  const erase = async () => {
    const sessions = createLinkedSessionsHolding(kit.opened.sessions);
    const holdings = [createRecords(kit.opened.trail).holding, sessions];
    const erasure = createUserErasure({ ...kit.parts, holdings });
    const users = createUsers({
      ...kit.parts,
      erasure,
      isCreationOpen: false,
      isListAllowed: false,
    });
    await users.erase({ caller: ROOT, mode: "token", id: token });
  };

  /** A trail before whose event the erasure is asked for, and carried out if nobody holds the person's turn. */
  const erasingTrail = (): Pick<AuditTrail, "append"> => ({
    append: async (event, changes) => {
      let isFree = false;
      void kit.parts.inTurn(userTurn(token), async () => {
        isFree = true;
      });
      erased ??= erase();
      await new Promise((resolve) => setImmediate(resolve));
      if (isFree) await erased;
      await kit.opened.trail.append(event, changes);
    },
  });

  it("has no session of before that is linked", async () => {
    const { uuid } = await kit.opened.visit(VISIT);
    await createSessionLinking({ ...kit.opened, trail: erasingTrail() }).link(uuid, token);
    await erased;
    expect(await kit.profileOf(token)).to.deep.equal({ login: "ada", invoice: 7 });
    expect(await kit.opened.sessions.links.linksOf(token)).to.deep.equal([]);
    expect(await kit.opened.sessions.find(uuid)).to.equal(undefined);
  });

  it("has no session of before that is stored", async () => {
    const { opened } = kit;
    const { eventLog } = opened.events;
    const vault = createVault({
      ...opened,
      trail: { ...opened.trail, ...erasingTrail() },
      eventLog,
      maxSessionMs: MAX_SESSION_MS,
      disclosure: DISCLOSURE,
    });
    await vault.storeSession(ROOT, ID, async () => ({ login: "ada", note: "x" }));
    await erased;
    expect(await opened.sessions.links.linksOf(token)).to.deep.equal([]);
    expect(await opened.sessions.find(ID)).to.equal(undefined);
  });

  it("has no shared record of before", async () => {
    const records = createRecords(erasingTrail());
    const request = { caller: ROOT, mode: "token", id: token };
    await records.shareUser(request);
    await erased;
    expect(await records.holding.exportOf(token)).to.equal(undefined);
  });

  it("has no shared session of before", async () => {
    await kit.opened.vault.storeSession(ROOT, ID, async () => ({ login: "ada" }));
    const records = createRecords(erasingTrail());
    await records.shareSession({ caller: ROOT, session: ID });
    await erased;
    expect(await kit.opened.sessions.find(ID)).to.equal(undefined);
    expect(await kit.opened.documents.list("shared")).to.deep.equal([]);
  });
});

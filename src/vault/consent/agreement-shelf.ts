import type { Clock } from "../../clock.ts";
import type { Keyring } from "../../keys/keyring.ts";
import type { Change, Documents } from "../../store/documents.ts";
import { openAgreement, sealAgreement } from "./agreement.ts";
import type { Agreement, AgreementPlace } from "./agreement.ts";
import type { StoredBasis } from "./legal-basis.ts";

/**
 * Where agreements lie: `<id of the basis>/u/<user token>` under the data subject's key, and `<id of the basis>/a/<key of the blind index>`
 * for an e-mail address or phone number that no user record is known for, under a key of that address, which expires.
 */
export type AgreementShelf = {
  readonly placeOfUser: (basis: StoredBasis, token: string, key: Buffer) => AgreementPlace;
  /** Undefined when nobody has agreed under that address, or the key has expired. */
  readonly findPlaceOfAddress: (
    basis: StoredBasis,
    address: string,
  ) => Promise<AgreementPlace | undefined>;
  /** Makes the address's key, or gives it its whole time again. */
  readonly makePlaceOfAddress: (basis: StoredBasis, address: string) => Promise<AgreementPlace>;
  /** Rejects `open-failed` for a damaged one. */
  readonly find: (place: AgreementPlace) => Promise<Agreement | undefined>;
  readonly storing: (place: AgreementPlace, agreement: Agreement) => readonly Change[];
  readonly removal: (basis: StoredBasis, whose: Whose) => Change;
  readonly has: (basis: StoredBasis, token: string) => Promise<boolean>;
  /** Removes rows of addresses whose key has expired at `nowMs`; resolves how many. */
  readonly sweep: (nowMs: number) => Promise<number>;
};

export type Whose = { readonly token: string } | { readonly address: string };

export type AgreementShelfParts = {
  readonly documents: Documents;
  readonly subjects: Keyring["subjects"];
  readonly clock: Clock;
  /** How long an agreement under an address waits for a user record of that address. */
  readonly maxAnonymousMs: number;
};

const SLICE = 500;
const TIMER = "agreement/";

export function createAgreementShelf(parts: AgreementShelfParts): AgreementShelf {
  const { documents, subjects, clock, maxAnonymousMs } = parts;
  const placeOfAddress = (basis: StoredBasis, address: string, key: Buffer) => ({
    row: rowOf(basis, { address }),
    key,
    keyName: keyNameOf(address),
  });
  return {
    placeOfUser: (basis, token, key) => ({
      row: rowOf(basis, { token }),
      key,
      keyName: `user:${token}`,
    }),
    findPlaceOfAddress: async (basis, address) => {
      const key = await subjects.find(keyNameOf(address));
      return key === undefined ? undefined : placeOfAddress(basis, address, key);
    },
    makePlaceOfAddress: async (basis, address) => {
      const keyName = keyNameOf(address);
      const expiresAtMs = Math.ceil(clock.now() + maxAnonymousMs);
      return placeOfAddress(basis, address, await subjects.create(keyName, expiresAtMs));
    },
    find: async (place) => {
      const sealed = await documents.find("agreement", place.row);
      return sealed === undefined ? undefined : openAgreement(sealed, place);
    },
    storing: (place, agreement) => {
      const value = sealAgreement(agreement, place);
      const stored: Change = { table: "agreement", key: place.row, value };
      if (!place.row.includes("/a/")) return [stored];
      const due = timerKey(clock.now() + maxAnonymousMs, place.row);
      return [stored, { table: "timer", key: due, value: Buffer.from(place.keyName) }];
    },
    removal: (basis, whose) => ({
      table: "agreement",
      key: rowOf(basis, whose),
      value: undefined,
    }),
    has: async (basis, token) =>
      (await documents.find("agreement", rowOf(basis, { token }))) !== undefined,
    sweep: async (nowMs) => {
      let swept = 0;
      for (;;) {
        const range = { prefix: TIMER, to: timerKey(nowMs + 1, ""), limit: SLICE };
        const due = await documents.list("timer", range);
        const changes: Change[] = due.map(({ key }) => ({ table: "timer", key, value: undefined }));
        for (const { key, value } of due) {
          // Somebody has agreed under the address again meanwhile: a later timer stands for its row.
          if ((await subjects.find(Buffer.from(value).toString("utf8"))) !== undefined) continue;
          changes.push({ table: "agreement", key: rowOfTimer(key), value: undefined });
          swept += 1;
        }
        await documents.commit(changes);
        if (due.length < SLICE) return swept;
      }
    },
  };
}

function rowOf(basis: StoredBasis, whose: Whose): string {
  return "token" in whose ? `${basis.id}/u/${whose.token}` : `${basis.id}/a/${whose.address}`;
}

function keyNameOf(address: string): string {
  return `agreement:${address}`;
}

/** Fifteen digits, until the year 33658. */
function timerKey(timeMs: number, row: string): string {
  return `${TIMER}${String(Math.ceil(timeMs)).padStart(15, "0")}/${row}`;
}

function rowOfTimer(key: string): string {
  return key.slice(timerKey(0, "").length);
}

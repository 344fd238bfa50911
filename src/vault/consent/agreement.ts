import { aeadKey, associatedData, openWith, sealWith } from "../../keys/aead.ts";
import type { LegalBasis, StoredBasis } from "./legal-basis.ts";

/** What somebody agreed to, or did not, as it is sealed. Times are unix seconds, 0 for none. */
export type Agreement = {
  readonly agreementmethod: string;
  readonly creationtime: number;
  readonly endtime: number;
  readonly lastmodifiedby: string;
  /** How the data subject was named when this was written. */
  readonly mode: string;
  readonly who: string;
  readonly referencecode: string;
  readonly starttime: number;
  readonly status: "yes" | "no";
  readonly when: number;
  /** That of the legal basis at that time. */
  readonly generation: number;
};

/** An agreement as the dialect shows it. */
export type AgreementView = {
  readonly agreementmethod: string;
  readonly brief: string;
  readonly creationtime: number;
  readonly endtime: number;
  readonly lastmodifiedby: string;
  readonly mode: string;
  readonly referencecode?: string | number;
  readonly starttime: number;
  readonly status: "yes" | "no" | "revoked" | "expired";
  /** The user token; empty for somebody who has no user record. */
  readonly token: string;
  readonly when: number;
  readonly who: string;
};

/** Whose an agreement is: which row, under which key. */
export type AgreementPlace = {
  /** The row's key in the table of agreements. */
  readonly row: string;
  readonly key: Buffer;
  /** The key's name in the keyring. */
  readonly keyName: string;
};

export function sealAgreement(agreement: Agreement, { row, key, keyName }: AgreementPlace): Buffer {
  const plaintext = Buffer.from(JSON.stringify(agreement));
  return sealWith(aeadKey(key), plaintext, associatedData("agreement 1", keyName, row));
}

/** Throws `open-failed`. */
export function openAgreement(
  sealed: Uint8Array,
  { row, key, keyName }: AgreementPlace,
): Agreement {
  const opened = openWith(aeadKey(key), sealed, associatedData("agreement 1", keyName, row));
  // Authenticated: `sealAgreement` has written it, so it has this shape.
  return JSON.parse(opened.toString("utf8")) as Agreement;
}

/** The agreement as it stands at `nowMs`, revocations of its legal basis and its end counted in. */
export function shownAgreement(
  agreement: Agreement,
  basis: StoredBasis,
  { token, nowMs }: { readonly token: string; readonly nowMs: number },
): AgreementView {
  const { generation: _, referencecode, ...shown } = agreement;
  return {
    ...shown,
    ...standingOf(agreement, basis, nowMs),
    ...(referencecode === "" ? {} : { referencecode: shownCode(referencecode) }),
    brief: basis.brief,
    token,
  };
}

type Standing = Pick<AgreementView, "status"> & Partial<Pick<AgreementView, "when" | "who">>;

function standingOf(agreement: Agreement, basis: StoredBasis, nowMs: number): Standing {
  const { generation, status, endtime } = agreement;
  if (generation < basis.revokedAll.generation)
    return { status: "revoked", when: basis.revokedAll.when, who: "admin" };
  if (status === "yes" && generation < basis.revokedGiven.generation)
    return { status: "revoked", when: basis.revokedGiven.when };
  if (status === "yes" && endtime !== 0 && endtime * 1000 <= nowMs) return { status: "expired" };
  return { status };
}

/** The dialect gives a code of digits back as a number, as long as a number holds them all. */
function shownCode(code: string): string | number {
  const isNumber = /^(?:0|[1-9][0-9]*)$/.test(code) && Number.isSafeInteger(Number(code));
  return isNumber ? Number(code) : code;
}

/** Whether a data subject may agree to it, or to it once more. */
export function isOpenToAgreement(basis: LegalBasis | undefined): basis is StoredBasis {
  return basis?.status === "active";
}

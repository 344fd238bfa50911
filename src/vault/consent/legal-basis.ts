import type { Change, Document } from "../../store/documents.ts";
import { isYes } from "./consent-word.ts";
import { textOf } from "../fields.ts";
import type { Fields } from "../fields.ts";

export type BasisStatus = "active" | "disabled" | "deleted";

/** A legal basis as the dialect shows it. Not about anybody, so it is not sealed. */
export type LegalBasis = {
  readonly basistype: string;
  readonly brief: string;
  /** Unix seconds, as every time of the dialect. */
  readonly creationtime: number;
  readonly fulldesc: string;
  readonly module: string;
  readonly requiredflag: boolean;
  readonly requiredmsg: string;
  readonly shortdesc: string;
  readonly status: BasisStatus;
  /** A data subject decides about it alone: may agree without an access token, and withdraw without approval. */
  readonly usercontrol: boolean;
};

/** When agreements of an earlier generation ended, and how. */
export type Revocation = { readonly generation: number; readonly when: number };

/** What is kept of a legal basis. */
export type StoredBasis = LegalBasis & {
  /** Stays when the basis is renamed: agreements refer to it. */
  readonly id: string;
  /**
   * Grows with each revocation. An agreement keeps the one it was given under, so revoking those of a million people is one write, and
   * an agreement that is given while a revocation runs is revoked by it.
   */
  readonly generation: number;
  /** Of all agreements, whatever their status. */
  readonly revokedAll: Revocation;
  /** Of those that said yes. */
  readonly revokedGiven: Revocation;
  /** Removed before anybody had agreed. Kept, because somebody may be agreeing at this instant. */
  readonly isRemoved: boolean;
};

const NEVER: Revocation = { generation: 0, when: 0 };

export function createBasis(basis: LegalBasis, id: string): StoredBasis {
  return {
    ...basis,
    id,
    generation: 0,
    revokedAll: NEVER,
    revokedGiven: NEVER,
    isRemoved: false,
  };
}

/** What a body says of a basis. Throws `field-too-long`. */
export function parseBasis(fields: Fields): Omit<LegalBasis, "brief" | "creationtime"> {
  return {
    basistype: textOf(fields, "basistype"),
    fulldesc: textOf(fields, "fulldesc"),
    module: textOf(fields, "module"),
    requiredflag: isYes(fields["requiredflag"]),
    requiredmsg: textOf(fields, "requiredmsg"),
    shortdesc: textOf(fields, "shortdesc"),
    status: textOf(fields, "status").toLowerCase() === "disabled" ? "disabled" : "active",
    usercontrol: isYes(fields["usercontrol"]),
  };
}

export function shownBasis(stored: StoredBasis): LegalBasis {
  const { basistype, brief, creationtime, fulldesc, module, requiredflag } = stored;
  const { requiredmsg, shortdesc, status, usercontrol } = stored;
  return {
    basistype,
    brief,
    creationtime,
    fulldesc,
    module,
    requiredflag,
    requiredmsg,
    shortdesc,
    status,
    usercontrol,
  };
}

export function basisChange(stored: StoredBasis): Change {
  const value = Buffer.from(JSON.stringify({ version: 1, ...stored }));
  return { table: "legalBasis", key: stored.brief, value };
}

export function decodeBasis({ value }: Pick<Document, "value">): StoredBasis {
  // Written by `basisChange` and by nobody else.
  const { version, ...stored } = JSON.parse(Buffer.from(value).toString("utf8"));
  if (version !== 1) throw new TypeError("a legal basis of another version");
  return stored;
}

import { API_KEY } from "./api-key.ts";
import { type Search, cutAll } from "./component.ts";
import type { Piece } from "./cutting.ts";
import { EMAIL } from "./email.ts";
import { createEncodedTextDetector } from "./encoded-text.ts";
import type { Detector, FindingKind } from "./finding.ts";
import { IBAN } from "./iban.ts";
import {
  IPV4_BASED,
  IPV4_DASHED,
  IPV4_DOTTED,
  IPV4_IN_NAME,
  IPV6,
  IPV6_REVERSED,
} from "./ip-address.ts";
import { JWT } from "./jwt.ts";
import { createNamedValueDetector } from "./named-value.ts";
import { OBJECT_ID_SPARED } from "./object-id.ts";
import { PAYMENT_CARD } from "./payment-card.ts";
import { createPhoneDetector } from "./phone-number.ts";
import { pseudonymPattern } from "./pseudonym.ts";
import { isEscaped, readLeniently } from "./reading.ts";
import { SECRET } from "./secret.ts";

export type DetectorTable = {
  readonly detectors: readonly Detector[];
  /** Matches the pseudonyms of all that they find and of the other kinds (global). */
  readonly pseudonyms: RegExp;
};

/**
 * The table of everything that is looked for, in order: what one detector has found the later ones do not see. From the
 * unmistakable to the vague: every card, account and address holds digits that could be a phone number. Two of them ask all
 * of them what is inside of what they found.
 */
export function createDetectorTable(
  defaultCountry: string,
  otherKinds: readonly FindingKind[],
): DetectorTable {
  const byLooks: readonly Detector[] = [
    EMAIL,
    createEncodedTextDetector((text, effort) =>
      lookInside(text, { detectors, pseudonyms, effort }),
    ),
    OBJECT_ID_SPARED,
    IPV6,
    IPV4_DOTTED,
    IPV4_BASED,
    IBAN,
    PAYMENT_CARD,
    createPhoneDetector(defaultCountry),
    SECRET,
  ];
  const byName = createNamedValueDetector((value, effort) => {
    return singleOf(cutAll(value, { detectors: [JWT, API_KEY, ...byLooks], pseudonyms, effort }));
  });
  const detectors: readonly Detector[] = [JWT, API_KEY, byName, ...byLooks];
  const pseudonyms = pseudonymPattern([...otherKinds, ...detectors.map(({ kind }) => kind)]);
  return { detectors, pseudonyms };
}

/** For host names, where an address is also written with hyphens or backwards. */
export function createHostDetectors(detectors: readonly Detector[]): readonly Detector[] {
  return [IPV6_REVERSED, IPV4_DASHED, ...detectors];
}

/** For free text, which may hold host names. */
export function createTextDetectors(detectors: readonly Detector[]): readonly Detector[] {
  return [IPV6_REVERSED, IPV4_IN_NAME, ...detectors];
}

type Single = { readonly kind: FindingKind; readonly canonical: string };

/** The one thing that is all of what was cut. */
function singleOf([piece, ...others]: readonly Piece[]): Single | undefined {
  if (piece?.is !== "found" || others.length > 0) return undefined;
  return { kind: piece.kind, canonical: piece.canonical };
}

function lookInside(text: string, search: Search): Single | "something" | undefined {
  const reading = readLeniently(text);
  if (isEscaped(reading.text)) return "something";
  const pieces = cutAll(reading.text, search);
  const isFound = pieces.some((piece) => piece.is === "found");
  return isFound ? (singleOf(pieces) ?? "something") : undefined;
}

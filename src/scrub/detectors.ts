import { EMAIL } from "./email.ts";
import type { Detector } from "./finding.ts";
import { IBAN } from "./iban.ts";
import { IPV4_DASHED, IPV4_DOTTED, IPV6 } from "./ip-address.ts";
import { JWT } from "./jwt.ts";
import { PAYMENT_CARD } from "./payment-card.ts";
import { OBJECT_ID_SPARED } from "./object-id.ts";
import { createPhoneDetector } from "./phone-number.ts";
import { SECRET } from "./secret.ts";

/**
 * The table of everything that is looked for, in order: what one detector has found the later ones do not see. From the
 * unmistakable to the vague: every card, account and address holds digits that could be a phone number.
 */
export function createDetectors(defaultCountry: string): readonly Detector[] {
  return [
    JWT,
    EMAIL,
    OBJECT_ID_SPARED,
    IPV6,
    IPV4_DOTTED,
    IBAN,
    PAYMENT_CARD,
    createPhoneDetector(defaultCountry),
    SECRET,
  ];
}

/** For host names, where an address is also written with hyphens. */
export function createHostDetectors(detectors: readonly Detector[]): readonly Detector[] {
  return [IPV4_DASHED, ...detectors];
}

import type { Consent } from "../../vault/consent/consent.ts";
import type { Access, Route } from "../route.ts";
import { createActivityRoutes } from "./activities.ts";
import { createAgreementRoutes } from "./agreements.ts";
import { createExpirationRoutes } from "./expiration.ts";
import { createLegalBasisRoutes } from "./legal-bases.ts";
import { createRequestRoutes } from "./requests.ts";

/** Why data of people may be processed, and what they say to it. */
export function createConsentRoutes(consent: Consent, access: Access): readonly Route[] {
  return [
    ...createLegalBasisRoutes(consent.legalBases, access),
    ...createAgreementRoutes(consent.agreements, access),
    ...createActivityRoutes(consent.activities, access),
    ...createRequestRoutes(consent.requests, access),
    ...createExpirationRoutes(consent.expiration, access),
  ];
}

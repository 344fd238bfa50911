import type { Verification } from "../audit/trail.ts";
import type { AuditReading } from "../vault/audit-reading.ts";
import { forAnyCaller } from "./route.ts";
import type { Access, Route } from "./route.ts";

/** Served on the control socket only: it walks the whole chain. */
export function createVerificationRoutes(audit: AuditReading, access: Access): readonly Route[] {
  return [
    {
      method: "get",
      path: "/control/audit/verify",
      handler: forAnyCaller(access, async (caller, _request, response) => {
        response.json({ status: "ok", audit: presentVerification(await audit.verify(caller)) });
      }),
    },
  ];
}

/** Member by member, as everything that leaves. */
function presentVerification(verification: Verification): Verification {
  if (verification.isIntact) {
    const { isIntact, events, end } = verification;
    return { isIntact, events, end };
  }
  const { isIntact, sequence, problem, afterMs } = verification;
  return { isIntact, sequence, problem, afterMs };
}

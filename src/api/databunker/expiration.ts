import type { Response } from "express";
import type { Decision, UserExpiration } from "../../vault/consent/user-expiration.ts";
import { forAnyCaller } from "../route.ts";
import type { Access, Route } from "../route.ts";
import { readBody } from "./body.ts";
import { parameterOf } from "./stated.ts";
import { namedUserOf } from "./users.ts";

/**
 * What Databunker does on GET takes a POST here: links in mails are opened by scanners, previews and prefetching browsers, and none of
 * them may erase a person. GET answers a form that posts to the same address.
 */
export function createExpirationRoutes(
  expiration: UserExpiration,
  access: Access,
): readonly Route[] {
  const start = forAnyCaller(access, async (caller, request, response) => {
    const named = namedUserOf(caller, request, response);
    const exptoken = await expiration.start({
      ...named,
      fields: () => readBody(request, response),
    });
    response.json({ status: "ok", exptoken });
  });
  const status = forAnyCaller(access, async (caller, request, response) => {
    const { exptime, expstatus } = await expiration.status(namedUserOf(caller, request, response));
    // The token was told when the expiration was started; of it only a MAC is kept.
    response.json({ status: "ok", exptime, expstatus, exptoken: "" });
  });
  const cancel = forAnyCaller(access, async (caller, request, response) => {
    await expiration.cancel(namedUserOf(caller, request, response));
    response.json({ status: "ok" });
  });
  const ask = (decision: Decision) =>
    forAnyCaller(access, async (caller, request, response) => {
      await expiration.ask(decision, { caller, exptoken: parameterOf(request, "exptoken") });
      sendForm(response, FORMS[decision]);
    });
  const decide = (decision: Decision) =>
    forAnyCaller(access, async (caller, request, response) => {
      await expiration.decide(decision, { caller, exptoken: parameterOf(request, "exptoken") });
      response.type("text/plain").send("OK");
    });
  return [
    { method: "post", path: "/v1/exp/start/:mode/:id", handler: start },
    { method: "get", path: "/v1/exp/status/:mode/:id", handler: status },
    { method: "delete", path: "/v1/exp/cancel/:mode/:id", handler: cancel },
    { method: "get", path: "/v1/exp/retain/:exptoken", handler: ask("retain") },
    { method: "post", path: "/v1/exp/retain/:exptoken", handler: decide("retain") },
    { method: "get", path: "/v1/exp/delete/:exptoken", handler: ask("delete") },
    { method: "post", path: "/v1/exp/delete/:exptoken", handler: decide("delete") },
  ];
}

const FORMS: Readonly<Record<Decision, { readonly question: string; readonly action: string }>> = {
  retain: { question: "Keep your data?", action: "Keep it" },
  delete: { question: "Erase your data? This cannot be undone.", action: "Erase it" },
};

/** SECURITY: nothing of the request is in it; without `action` a form posts to the address that it came from. */
function sendForm(
  response: Response,
  form: { readonly question: string; readonly action: string },
) {
  response
    .set(
      "content-security-policy",
      "default-src 'none'; form-action 'self'; frame-ancestors 'none'",
    )
    // The address holds the token.
    .set("referrer-policy", "no-referrer")
    .type("html")
    .send(
      `<!doctype html><html lang="en"><meta charset="utf-8"><title>${form.question}</title>` +
        `<form method="post"><p>${form.question}</p><button>${form.action}</button></form></html>\n`,
    );
}

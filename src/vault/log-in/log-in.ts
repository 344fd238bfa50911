// The log-in of a data subject: whoever reads a captcha has a one-time code sent to the address that the vault keeps for a user, and
// whoever shows that code gets an access token for that user's own records.
//
// SECURITY: nothing here tells whether a user exists. An address without a user goes the same way as one with: a code is made, counted
// and kept for it, and only the message is missing. Messages leave later, from the outbox, so the answer does not wait for them.

import type { AuditTrail } from "../../audit/trail.ts";
import type { LogInTokens } from "../../callers/log-in-tokens.ts";
import { LogveilError } from "../../errors.ts";
import { canonicalPhone } from "../../identity/phone.ts";
import type { Change } from "../../store/documents.ts";
import type { Captcha } from "./captcha.ts";
import { Concealed } from "../concealed.ts";
import type { Notifier } from "../notify/notifier.ts";
import { CODE_TTL_MS } from "./one-time-codes.ts";
import type { OneTimeCodes } from "./one-time-codes.ts";
import { operate } from "../operation.ts";
import type { OperationContext } from "../operation.ts";
import type { UserDirectory } from "../users/user-directory.ts";

/** How a data subject named themselves: `email` or `phone` and what they typed. */
export type Claim = { readonly mode: string; readonly identity: string };

export type LoggedIn = {
  /** Access token, ten minutes. */
  readonly xtoken: string;
  readonly token: string;
};

export type LogIn = {
  /** A new captcha code, hex. */
  readonly createCaptcha: () => string;
  /** A PNG. Rejects `captcha-invalid`, `captcha-busy`. */
  readonly drawCaptcha: (code: string) => Promise<Buffer>;
  /**
   * Sends a code, if there is somebody to send it to and they have not had five within the hour; resolves alike in either case. Rejects
   * `mode-invalid`, `captcha-invalid`, `notify-unconfigured`.
   */
  readonly sendCode: (
    claim: Claim,
    captcha: { readonly code: string; readonly answer: string },
  ) => Promise<void>;
  /** Rejects `mode-invalid`, and `code-invalid` for everything that is not the right code in time. */
  readonly logIn: (claim: Claim, code: string) => Promise<LoggedIn>;
};

export type LogInParts = {
  readonly trail: Pick<AuditTrail, "append">;
  readonly directory: Pick<UserDirectory, "resolve" | "keyOf" | "profileOf">;
  readonly codes: Pick<OneTimeCodes, "issue" | "redeem">;
  readonly captcha: Captcha;
  readonly notifier: Pick<Notifier, "notify" | "canNotify">;
  readonly tokens: Pick<LogInTokens, "create">;
  /** ISO 3166-1 alpha-2, of phone numbers without +. */
  readonly defaultCountry: string;
};

type Mode = "email" | "phone";

export function createLogIn(parts: LogInParts): LogIn {
  const { trail, captcha, notifier } = parts;
  const open = { caller: undefined, permission: undefined } as const;
  return {
    createCaptcha: () => captcha.create(),
    drawCaptcha: (code) =>
      operate(trail, { ...open, title: "get captcha" }, async () => ({
        result: await captcha.draw(code),
      })),
    sendCode: (claim, { code, answer }) =>
      operate(trail, { ...open, ...described("user prelogin by", claim) }, async (context) => {
        const mode = parseMode(claim.mode);
        captcha.check(code, answer);
        if (!notifier.canNotify("login-code", mode)) throw new LogveilError("notify-unconfigured");
        return { result: undefined, changes: await sendCode(parts, context, { ...claim, mode }) };
      }),
    logIn: (claim, code) =>
      operate(trail, { ...open, ...described("user login by", claim) }, async (context) => {
        const mode = parseMode(claim.mode);
        const { token, owner } = await identify(parts, context, { ...claim, mode });
        const isRight = await parts.codes.redeem(owner, mode, code);
        if (!isRight || token === undefined) throw new LogveilError("code-invalid");
        return { result: new Concealed({ xtoken: await parts.tokens.create(token), token }) };
      }),
  };
}

async function sendCode(
  parts: LogInParts,
  context: OperationContext,
  claim: Claim & { readonly mode: Mode },
): Promise<readonly Change[]> {
  const { mode } = claim;
  const { token, owner } = await identify(parts, context, claim);
  const code = await parts.codes.issue(owner, mode);
  if (token === undefined || code === undefined) return [];
  // SECURITY: to the address that is kept and not to the one that was typed, which may only look like it to the index.
  const address = addressOf((await parts.directory.profileOf(token))?.[mode], mode, parts);
  if (address === undefined) return [];
  return parts.notifier.notify({
    action: "login-code",
    identity: address,
    mode,
    subject: token,
    details: { code },
    usefulMs: CODE_TTL_MS,
  });
}

async function identify(
  { directory }: LogInParts,
  { about }: OperationContext,
  { mode, identity }: Claim & { readonly mode: Mode },
): Promise<{ readonly token: string | undefined; readonly owner: string }> {
  const token = await directory.resolve(mode, identity);
  // Whoever is nobody has codes as well, which nobody receives.
  if (token === undefined) return { token, owner: `nobody:${mode}:${identity}` };
  about(token, await directory.keyOf(token));
  return { token, owner: `user:${token}` };
}

function addressOf(
  stored: unknown,
  mode: Mode,
  { defaultCountry }: LogInParts,
): string | undefined {
  if (typeof stored !== "string" && typeof stored !== "number") return undefined;
  const text = String(stored).trim();
  return mode === "phone" ? canonicalPhone(text, defaultCountry) : text;
}

function findMode(text: string): Mode | undefined {
  const mode = text.toLowerCase();
  return mode === "email" || mode === "phone" ? mode : undefined;
}

function parseMode(text: string): Mode {
  const mode = findMode(text);
  if (mode === undefined) throw new LogveilError("mode-invalid");
  return mode;
}

/** What was given as a mode and is none does not get into the trail. */
function described(title: string, { mode: text, identity }: Claim) {
  const mode = findMode(text);
  return { title: mode === undefined ? title : `${title} ${mode}`, mode, who: identity };
}

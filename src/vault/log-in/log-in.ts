// The log-in of a data subject: whoever reads a captcha has a one-time code sent to the address that the vault keeps for a user, and
// whoever shows that code gets an access token for that user's own records.
//
// SECURITY: nothing here tells whether a user exists. An address without a user goes the same way as one with: a code is made, counted
// and kept for it, and only the message is missing. Messages leave later, from the outbox, so the answer does not wait for them. Whoever
// shows a code is looked up only once it was right, and a wrong one is an event about nobody: anybody can send those without end.

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
import type { UserIndex } from "../users/user-index.ts";

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
   * Sends a code, if there is somebody to send it to and their address has not had five within the hour; resolves alike in either case.
   * Rejects `mode-invalid`, `captcha-invalid`, `notify-unconfigured`.
   */
  readonly sendCode: (
    claim: Claim,
    captcha: { readonly code: string; readonly answer: string },
  ) => Promise<void>;
  /** Rejects `mode-invalid`, and `code-invalid` for everything that is not the right code in time. */
  readonly logIn: (claim: Claim, code: string) => Promise<LoggedIn>;
};

export type LogInParts = {
  readonly trail: Pick<AuditTrail, "append" | "admitAnonymous">;
  readonly directory: Pick<UserDirectory, "resolve" | "keyOf" | "profileOf">;
  readonly index: Pick<UserIndex, "keyOf">;
  readonly codes: Pick<OneTimeCodes, "issue" | "redeem">;
  readonly captcha: Captcha;
  readonly notifier: Pick<Notifier, "notify" | "canNotify">;
  readonly tokens: Pick<LogInTokens, "create">;
  /** ISO 3166-1 alpha-2, of phone numbers without +. */
  readonly defaultCountry: string;
};

type Mode = "email" | "phone";

type ReadClaim = Claim & { readonly mode: Mode };

/** Characters of an e-mail address at most (RFC 3696 section 3: 64, the @ and 255); what is longer is nobody's. */
const MAX_IDENTITY = 320;

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
      operate(trail, { ...open, ...described("user login by", claim) }, async ({ about }) => {
        const token = await redeem(parts, { ...claim, mode: parseMode(claim.mode) }, code);
        if (token === undefined) throw new LogveilError("code-invalid");
        about(token, await parts.directory.keyOf(token));
        return { result: new Concealed({ xtoken: await parts.tokens.create(token), token }) };
      }),
  };
}

async function sendCode(
  parts: LogInParts,
  { about }: OperationContext,
  claim: ReadClaim,
): Promise<readonly Change[]> {
  const { mode, identity } = claim;
  if (identity.length > MAX_IDENTITY) return [];
  const code = await parts.codes.issue(ownerOf(parts, claim), mode);
  const token = await parts.directory.resolve(mode, identity);
  if (token === undefined) return [];
  about(token, await parts.directory.keyOf(token));
  if (code === undefined) return [];
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

/** The user whose code it is; undefined for everything else. */
async function redeem(
  parts: LogInParts,
  claim: ReadClaim,
  code: string,
): Promise<string | undefined> {
  const { mode, identity } = claim;
  if (identity.length > MAX_IDENTITY) return undefined;
  // SECURITY: before anybody is looked up. What is done for a wrong code must not depend on whether there is such a person.
  const isRight = await parts.codes.redeem(ownerOf(parts, claim), mode, code);
  return isRight ? parts.directory.resolve(mode, identity) : undefined;
}

/** Whose codes they are: the address's, in whatever spelling. Whoever is nobody has codes as well, which nobody receives. */
function ownerOf({ index }: LogInParts, { mode, identity }: ReadClaim): string {
  return `${mode}:${index.keyOf(mode, identity) ?? identity}`;
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

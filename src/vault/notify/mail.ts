import { createTransport } from "nodemailer";
import type { SMTPTransportOptions, SendMailOptions } from "nodemailer";
import type { Attempt, Channel, Message } from "./notification.ts";

export type MailOptions = {
  /** `smtp://` or `smtps://`, with name and password where the server wants them. What follows a `?` is not looked at. */
  readonly url: string;
  /** `address` or `Name <address>`. */
  readonly from: string;
  /** 10 s unless told. For each step: connection, greeting, answer. */
  readonly timeoutMs?: number;
};

const TIMEOUT_MS = 10_000;
const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/;

/** Mails log-in codes: the one kind of message that goes to a data subject. */
export function createMail({ url, from, timeoutMs = TIMEOUT_MS }: MailOptions): Channel {
  const options = transportOptions(new URL(url), timeoutMs);
  return {
    name: "mail",
    send: async (message, signal) => {
      try {
        // A connection of its own for each mail: they are few, and nothing has to be kept alive or closed.
        await createTransport(options).sendMail({ ...mailOf(message, from), signal });
        return { isDelivered: true };
      } catch (error) {
        // SECURITY: not reported with its text, which may repeat the address.
        return failedAttempt(error);
      }
    },
  };
}

/** SECURITY: option by option, because the mailer would take `tls.rejectUnauthorized=false` from the URL's query. */
function transportOptions(url: URL, timeoutMs: number): SMTPTransportOptions {
  const secure = url.protocol === "smtps:";
  const user = decodeURIComponent(url.username);
  const pass = decodeURIComponent(url.password);
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: url.port === "" ? (secure ? 465 : 587) : Number(url.port),
    secure,
    // SECURITY: codes and addresses cross a network only under TLS, and nobody on the way can talk us out of it.
    requireTLS: !secure && !LOOPBACK.test(url.hostname),
    ignoreTLS: !secure && LOOPBACK.test(url.hostname),
    tls: { rejectUnauthorized: true },
    ...(user === "" ? {} : { auth: { user, pass } }),
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

function mailOf({ id, identity, details }: Message, from: string): SendMailOptions {
  return {
    from,
    // SECURITY: an object is one address, whatever is in it; text would be read as a list of them.
    to: { name: "", address: identity },
    messageId: `<${id}@${domainOf(from)}>`,
    // Not in the subject, which is shown on locked screens and kept in mail servers' logs.
    subject: "Your log-in code",
    text: [
      `Your log-in code is ${String(details?.["code"])}`,
      "",
      "It can be used once, within a minute. If you did not ask for it, somebody else typed your address; do nothing.",
      "",
    ].join("\n"),
  };
}

function domainOf(from: string): string {
  return /@([a-z0-9.-]+)>?\s*$/i.exec(from)?.[1] ?? "logveil.invalid";
}

/** With an answer (RFC 5321 section 4.2) the server spoke of this mail; without one it is away. */
function failedAttempt(error: unknown): Attempt {
  const hasAnswer = error instanceof Error && "responseCode" in error;
  const isOverloaded = hasAnswer && error.responseCode === 421;
  return { isDelivered: false, isAway: !hasAnswer || isOverloaded };
}

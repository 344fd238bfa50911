// Notifications: what the vault tells the world outside by itself, signed webhooks and mails with log-in codes.
//
// A notification is a row in the outbox (outbox.ts) that is stored in the batch of the operation that it tells of. From there each
// channel's lane (lane.ts) takes what is due and sends it (webhook.ts, mail.ts), again and again with longer and longer pauses, until
// it is delivered or too old. A process that is killed between a delivery and its note sends once more under the same id.

import type { Clock } from "../../clock.ts";
import type { EventLog } from "../../event-log.ts";
import type { Keyring } from "../../keys/keyring.ts";
import type { Metrics } from "../../metrics.ts";
import type { Change, Documents } from "../../store/documents.ts";
import type { UserDirectory } from "../users/user-directory.ts";
import { Lane } from "./lane.ts";
import { createMail } from "./mail.ts";
import type { MailOptions } from "./mail.ts";
import type { Action, Channel, Notification } from "./notification.ts";
import { Outbox } from "./outbox.ts";
import { createWebhook } from "./webhook.ts";
import type { WebhookOptions } from "./webhook.ts";

export type Notifier = {
  /**
   * The rows that the operation stores with its own changes; none when nobody is to be told, or when the outbox is full (counted).
   * Whoever tells of a new data subject has made their key before.
   */
  readonly notify: (notification: Notification) => Promise<readonly Change[]>;
  /** Whether there is anybody to send this to. */
  readonly canNotify: (action: Action, mode: string) => boolean;
  /** Sends what is due, without waiting for the timer; calls share the run that is under way. Never rejects. */
  readonly deliver: () => Promise<void>;
  /** Delivers from now on, every half second what is due. */
  readonly start: () => void;
  /** Ends the timer, waits up to 2 s for what is under way, then breaks it off: it stays in the outbox. */
  readonly close: () => Promise<void>;
};

export type NotifierOptions = {
  readonly documents: Documents;
  readonly keyring: Pick<Keyring, "subjects">;
  readonly directory: Pick<UserDirectory, "find">;
  readonly clock: Clock;
  readonly eventLog: EventLog;
  readonly metrics: Pick<
    Metrics,
    "notificationsDelivered" | "notificationsDropped" | "notificationFailures"
  >;
  readonly webhook?: Omit<WebhookOptions, "clock"> | undefined;
  readonly mail?: MailOptions | undefined;
  /** Bound of the outbox; 10,000 unless told. */
  readonly maxWaiting?: number;
};

const EVERY_MS = 500;
const GRACE_MS = 2000;

/** Without `webhook` and `mail` it tells nobody and keeps nothing. */
export function createNotifier(options: NotifierOptions): Notifier {
  const { clock, metrics, eventLog } = options;
  const outbox = new Outbox(options);
  const webhook = options.webhook && createWebhook({ ...options.webhook, clock });
  const mail = options.mail && createMail(options.mail);
  const channelOf = createChoice(webhook, mail);
  const lanes = [webhook, mail]
    .filter((channel) => channel !== undefined)
    .map((channel) => new Lane(channel, { outbox, clock, eventLog, metrics }));
  const closing = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  const run = async () => {
    await Promise.all(lanes.map((lane) => lane.run(closing.signal)));
    running = undefined;
  };
  const deliver = () => (running ??= run());
  return {
    notify: async (notification) => {
      const channel = channelOf(notification.action, notification.mode);
      if (channel === undefined) return [];
      const changes = await outbox.prepare(channel.name, notification);
      if (changes === undefined)
        metrics.notificationsDropped.inc({ channel: channel.name, reason: "full" });
      return changes ?? [];
    },
    canNotify: (action, mode) => channelOf(action, mode) !== undefined,
    deliver,
    start: () => {
      if (lanes.length > 0) timer = setInterval(() => void deliver(), EVERY_MS).unref();
    },
    close: async () => {
      clearInterval(timer);
      const impatience = setTimeout(() => closing.abort(), GRACE_MS);
      await running;
      clearTimeout(impatience);
      closing.abort();
    },
  };
}

/** A code goes to one place only: by mail where there is a mail server and an address, else to the webhook, which may send texts. */
function createChoice(webhook: Channel | undefined, mail: Channel | undefined) {
  return (action: Action, mode: string): Channel | undefined => {
    if (action === "login-code" && mode === "email") return mail ?? webhook;
    return webhook;
  };
}

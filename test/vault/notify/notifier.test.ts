import { createServer } from "node:tls";
import { expect } from "chai";
import { createHmac } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { MAX_AGE_MS } from "../../../src/vault/notify/outbox.ts";
import { closeServer, listen } from "../../kit/loopback.ts";
import { SELF_SIGNED } from "../../kit/self-signed.ts";
import { eventually } from "../../kit/eventually.ts";
import { PEOPLE, findPerson } from "../../kit/people.ts";
import { startSmtpReceiver } from "../../kit/smtp-receiver.ts";
import { startWebhookReceiver } from "../../kit/webhook-receiver.ts";
import type { ReceivedCall, WebhookReceiver } from "../../kit/webhook-receiver.ts";
import { openOutboxForTest } from "./opened-outbox.ts";
import type { OpenedOutbox } from "./opened-outbox.ts";

const SECRET = "a long random text";
const TOKEN = "a136d258-d605-e69e-0e4d-fe20460fbcf9";
const [ADA] = PEOPLE;
const PROFILE = { email: ADA.email, name: ADA.name, phone: ADA.phone };
const CREATED = {
  action: "profilenew",
  identity: TOKEN,
  mode: "token",
  subject: TOKEN,
  details: { profile: PROFILE },
} as const;
const CODE = {
  action: "login-code",
  identity: ADA.email,
  mode: "email",
  subject: TOKEN,
  details: { code: "123456" },
  usefulMs: 60_000,
} as const;
/** Longer than any back-off. */
const LONG_MS = 15 * 60_000;

function bodyOf(call: ReceivedCall | undefined): Readonly<Record<string, unknown>> {
  return JSON.parse(call?.body ?? "{}");
}

async function countOf(opened: OpenedOutbox, metric: string, labels: string): Promise<number> {
  const text = await opened.metrics.registry.metrics();
  const line = text.split("\n").find((each) => each.startsWith(`logveil_${metric}{${labels}}`));
  return Number(line?.split(" ").at(-1) ?? 0);
}

function rawStore({ folder }: OpenedOutbox): Buffer {
  const files = readdirSync(folder.path, { recursive: true, withFileTypes: true });
  const paths = files
    .filter((file) => file.isFile())
    .map((file) => `${file.parentPath}/${file.name}`);
  return Buffer.concat(paths.map((path) => readFileSync(path)));
}

describe("notifications by webhook", () => {
  let receiver: WebhookReceiver;
  let opened: OpenedOutbox;
  const webhook = (timeoutMs?: number) => ({
    webhook: {
      url: `${receiver.url}/hook`,
      secret: SECRET,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    },
  });
  beforeEach(async () => {
    receiver = await startWebhookReceiver();
    opened = await openOutboxForTest(webhook());
    await opened.putUser(TOKEN, PROFILE);
  });
  afterEach(async () => {
    await opened.close();
    await receiver[Symbol.asyncDispose]();
  });

  it("arrive as JSON with Databunker's members, an id and the time", async () => {
    await opened.post(CREATED);
    await opened.notifier.deliver();
    expect(receiver.calls.map(({ method, path }) => `${method} ${path}`)).to.deep.equal([
      "POST /hook",
    ]);
    const { id, ...rest } = bodyOf(receiver.calls[0]);
    expect(id).to.match(/^[0-9a-f-]{36}$/);
    expect(rest).to.deep.equal({
      action: "profilenew",
      identity: TOKEN,
      mode: "token",
      profile: PROFILE,
      time: opened.clock.now() / 1000,
    });
    expect(receiver.calls[0]?.headers["content-type"]).to.equal("application/json");
    expect(await opened.waiting()).to.equal(0);
    expect(await countOf(opened, "notifications_delivered_total", 'channel="webhook"')).to.equal(1);
  });

  it("let no detail take the place of what logveil says", async () => {
    await opened.post({ ...CREATED, details: { action: "forgetme", id: "x", time: 0 } });
    await opened.notifier.deliver();
    expect(bodyOf(receiver.calls[0])["action"]).to.equal("profilenew");
    expect(bodyOf(receiver.calls[0])["id"]).not.to.equal("x");
  });

  it("are signed over time and body, anew in each attempt, under the same id", async () => {
    receiver.answerNext({ status: 500 });
    await opened.post(CREATED);
    await opened.notifier.deliver();
    opened.clock.advance(LONG_MS);
    await opened.notifier.deliver();
    expect(receiver.calls).to.have.length(2);
    const times = receiver.calls.map(({ headers, body }) => {
      const [, t = "", v1] =
        /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers["x-logveil-signature"])) ?? [];
      expect(v1).to.equal(createHmac("sha256", SECRET).update(`${t}.${body}`).digest("hex"));
      return Number(t);
    });
    expect((times[1] ?? 0) - (times[0] ?? 0)).to.equal(LONG_MS / 1000);
    expect(bodyOf(receiver.calls[0])["id"]).to.equal(bodyOf(receiver.calls[1])["id"]);
  });

  it("are not sent before the operation is stored", async () => {
    await opened.notifier.notify(CREATED);
    await opened.notifier.deliver();
    expect(receiver.calls).to.deep.equal([]);
  });

  it("come again after a 500, not at once, and with longer pauses", async () => {
    receiver.answerNext({ status: 500 }, { status: 500 });
    await opened.post(CREATED);
    await opened.notifier.deliver();
    await opened.notifier.deliver();
    expect(receiver.calls).to.have.length(1);
    opened.clock.advance(1000);
    await opened.notifier.deliver();
    expect(receiver.calls).to.have.length(2);
    opened.clock.advance(999);
    await opened.notifier.deliver();
    expect(receiver.calls).to.have.length(2);
    opened.clock.advance(1001);
    await opened.notifier.deliver();
    expect(receiver.calls).to.have.length(3);
    expect(await opened.waiting()).to.equal(0);
    expect(await countOf(opened, "notification_failures_total", 'channel="webhook"')).to.equal(2);
    expect(opened.events.names().filter((name) => name.startsWith("notify."))).to.deep.equal([
      "notify.refused",
    ]);
  });

  it("wait as long as Retry-After says, all of them", async () => {
    receiver.answerNext({ status: 429, headers: { "retry-after": "3600" } });
    await opened.post(CREATED);
    await opened.notifier.deliver();
    await opened.post(CREATED);
    opened.clock.advance(3_599_999);
    await opened.notifier.deliver();
    expect(receiver.calls).to.have.length(1);
    opened.clock.advance(1);
    await opened.notifier.deliver();
    expect(receiver.calls).to.have.length(3);
    expect(await opened.waiting()).to.equal(0);
    expect(opened.events.names()).to.include.members(["notify.away", "notify.back"]);
  });

  it("do not follow a redirect", async () => {
    await using other = await startWebhookReceiver();
    receiver.answerNext({ status: 307, headers: { location: `${other.url}/elsewhere` } });
    await opened.post(CREATED);
    await opened.notifier.deliver();
    expect(other.calls).to.deep.equal([]);
    expect(await opened.waiting()).to.equal(1);
  });

  it("wait while nobody listens, and a receiver that is away gets one attempt and not all", async () => {
    const { url } = receiver;
    await receiver[Symbol.asyncDispose]();
    for (let count = 0; count < 20; count += 1) await opened.post(CREATED);
    await opened.notifier.deliver();
    expect(await opened.waiting()).to.equal(20);
    const failed = await countOf(opened, "notification_failures_total", 'channel="webhook"');
    expect(failed).to.be.within(1, 4);
    await opened.notifier.deliver();
    expect(await countOf(opened, "notification_failures_total", 'channel="webhook"')).to.equal(
      failed,
    );
    expect(opened.events.names().filter((name) => name === "notify.away")).to.have.length(1);
    expect(findPerson(opened.events.text())).to.deep.equal([]);
    expect(opened.events.text()).not.to.include(url);
  });

  it("do not wait for a receiver that never answers", async () => {
    opened = await opened.restart(webhook(50));
    receiver.answerNext("silence");
    await opened.post(CREATED);
    await opened.notifier.deliver();
    expect(receiver.calls).to.have.length(1);
    expect(await opened.waiting()).to.equal(1);
    opened.clock.advance(LONG_MS);
    await opened.notifier.deliver();
    expect(receiver.calls).to.have.length(2);
    expect(await opened.waiting()).to.equal(0);
  });

  it("survive a restart, every one of them", async () => {
    receiver.answerNext(...Array.from({ length: 4 }, () => ({ status: 503 })));
    const names = Array.from({ length: 50 }, (_, index) => `name ${index}`);
    for (const name of names) await opened.post({ ...CREATED, details: { profile: { name } } });
    await opened.notifier.deliver();
    opened = await opened.restart(webhook());
    opened.clock.advance(LONG_MS);
    await opened.notifier.deliver();
    const delivered = receiver.calls.slice(4).map((call) => bodyOf(call)["profile"]);
    expect(delivered).to.have.deep.members(names.map((name) => ({ name })));
    expect(await opened.waiting()).to.equal(0);
  });

  it("are dropped and counted after a day", async () => {
    receiver.answerNext({ status: 500 }, { status: 500 });
    await opened.post(CREATED);
    await opened.notifier.deliver();
    opened.clock.advance(MAX_AGE_MS - 1);
    await opened.notifier.deliver();
    expect(receiver.calls).to.have.length(2);
    opened.clock.advance(LONG_MS);
    await opened.notifier.deliver();
    expect(receiver.calls).to.have.length(2);
    expect(await opened.waiting()).to.equal(0);
    const labels = 'channel="webhook",reason="expired"';
    expect(await countOf(opened, "notifications_dropped_total", labels)).to.equal(1);
  });

  it("are unreadable once the data subject is erased, but for the one that tells of it", async () => {
    await opened.post(CREATED);
    await opened.post({ ...CREATED, action: "forgetme", details: {} });
    await opened.keyring.subjects.destroy(`user:${TOKEN}`);
    await opened.notifier.deliver();
    expect(receiver.calls.map((call) => bodyOf(call)["action"])).to.deep.equal(["forgetme"]);
    expect(await opened.waiting()).to.equal(0);
    const labels = 'channel="webhook",reason="erased"';
    expect(await countOf(opened, "notifications_dropped_total", labels)).to.equal(1);
  });

  it("of nobody in particular have a key of their own, which goes with them", async () => {
    const { subject: _, ...anonymous } = CREATED;
    await opened.post({ ...anonymous, action: "consentchange" });
    expect((await opened.keyring.status()).subjectKeys).to.equal(2);
    await opened.notifier.deliver();
    expect((await opened.keyring.status()).subjectKeys).to.equal(1);
    expect(receiver.calls).to.have.length(1);
  });

  it("leave nothing personal in any file", async () => {
    receiver.answerNext({ status: 500 });
    await opened.post(CREATED);
    await opened.notifier.deliver();
    const raw = rawStore(opened);
    expect(raw.includes("profilenew")).to.equal(false);
    expect(raw.includes(TOKEN), "the files were read").to.equal(true);
    expect(findPerson(raw)).to.deep.equal([]);
  });

  it("are refused past the bound, and the bound is of what really waits", async () => {
    opened = await opened.restart({ ...webhook(), maxWaiting: 2 });
    for (let count = 0; count < 3; count += 1) await opened.post(CREATED);
    expect(await opened.waiting()).to.equal(2);
    const labels = 'channel="webhook",reason="full"';
    expect(await countOf(opened, "notifications_dropped_total", labels)).to.equal(1);
    await opened.notifier.deliver();
    // Prepared for operations that then failed: they hold no place for ever.
    for (let count = 0; count < 5; count += 1) await opened.notifier.notify(CREATED);
    opened.clock.advance(10_000);
    await opened.post(CREATED);
    expect(await opened.waiting()).to.equal(1);
  });

  it("go on behind a damaged row, which is counted", async () => {
    await opened.post(CREATED);
    const [row] = await opened.store.documents.list("outbox");
    const { sealed, ...open } = JSON.parse(Buffer.from(row?.value ?? []).toString());
    const flipped = Buffer.from(sealed, "base64");
    flipped[40] = (flipped[40] ?? 0) ^ 1;
    const damaged = JSON.stringify({ ...open, sealed: flipped.toString("base64") });
    await opened.store.documents.commit([
      { table: "outbox", key: row?.key ?? "", value: Buffer.from(damaged) },
      { table: "outbox", key: "webhook/000000000000000/no-row", value: Buffer.from("{") },
    ]);
    await opened.post(CREATED);
    await opened.notifier.deliver();
    expect(receiver.calls).to.have.length(1);
    expect(await opened.waiting()).to.equal(0);
    const labels = 'channel="webhook",reason="corrupt"';
    expect(await countOf(opened, "notifications_dropped_total", labels)).to.equal(1);
    expect(opened.events.names()).to.include("store.record-corrupt");
  });

  it("cannot be moved to another row", async () => {
    await opened.post(CREATED);
    const [row] = await opened.store.documents.list("outbox");
    const key = row?.key.replace(/[^/]+$/, "00000000-0000-4000-8000-000000000000") ?? "";
    await opened.store.documents.commit([{ table: "outbox", key, value: row?.value }]);
    await opened.notifier.deliver();
    expect(receiver.calls).to.have.length(1);
  });

  it("are delivered by themselves once started", async () => {
    opened.notifier.start();
    await opened.post(CREATED);
    await eventually("the call", () => receiver.calls[0]);
    await eventually("the row's end", async () => (await opened.waiting()) === 0 || undefined);
  });

  it("stay in the outbox when closing breaks them off", async () => {
    receiver.answerNext("silence");
    await opened.post(CREATED);
    const delivering = opened.notifier.deliver();
    await eventually("the call", () => receiver.calls[0]);
    await opened.notifier.close();
    await delivering;
    const [row, ...others] = await opened.store.documents.list("outbox");
    expect(others).to.deep.equal([]);
    expect(JSON.parse(Buffer.from(row?.value ?? []).toString())).to.include({ attempts: 0 });
  });

  it("are none without a receiver", async () => {
    opened = await opened.restart({});
    expect(await opened.notifier.notify(CREATED)).to.deep.equal([]);
    expect(opened.notifier.canNotify("login-code", "email")).to.equal(false);
  });
});

describe("log-in codes by mail", () => {
  const from = "Logveil <no-reply@logveil.example>";

  it("go to the address and nowhere else, with the code in the text only", async () => {
    await using smtp = await startSmtpReceiver();
    await using hook = await startWebhookReceiver();
    const opened = await openOutboxForTest({
      mail: { url: smtp.url, from },
      webhook: { url: hook.url, secret: SECRET },
    });
    await opened.putUser(TOKEN, PROFILE);
    await opened.post(CODE);
    await opened.notifier.deliver();
    const [mail, ...others] = smtp.mails;
    expect(others).to.deep.equal([]);
    expect(mail?.from).to.equal("no-reply@logveil.example");
    expect(mail?.to).to.deep.equal([ADA.email]);
    const [headers = "", text = ""] = (mail?.content ?? "").split("\n\n", 2);
    expect(headers).not.to.include("123456");
    expect(text).to.include("123456");
    expect(headers).to.match(/^Message-ID: <[0-9a-f-]{36}@logveil\.example>$/im);
    expect(hook.calls).to.deep.equal([]);
    expect(await opened.waiting()).to.equal(0);
    await opened.close();
  });

  it("of a phone number go to the webhook, which may send a text", async () => {
    await using smtp = await startSmtpReceiver();
    await using hook = await startWebhookReceiver();
    const opened = await openOutboxForTest({
      mail: { url: smtp.url, from },
      webhook: { url: hook.url, secret: SECRET },
    });
    await opened.putUser(TOKEN, PROFILE);
    await opened.post({ ...CODE, mode: "phone", identity: ADA.phone });
    await opened.notifier.deliver();
    expect(smtp.mails).to.deep.equal([]);
    const { id: _, time: __, ...rest } = bodyOf(hook.calls[0]);
    expect(rest).to.deep.equal({
      action: "login-code",
      mode: "phone",
      identity: ADA.phone,
      code: "123456",
    });
    await opened.close();
  });

  it("are one address, whatever a profile holds", async () => {
    await using smtp = await startSmtpReceiver();
    const opened = await openOutboxForTest({ mail: { url: smtp.url, from } });
    await opened.putUser(TOKEN, PROFILE);
    await opened.post({ ...CODE, identity: "a@example.org, mallory@example.net" });
    await opened.post({ ...CODE, identity: "a@example.org\r\nRCPT TO:<mallory@example.net>" });
    await opened.notifier.deliver();
    expect(smtp.connections()).to.be.at.least(1);
    for (const { to, content } of smtp.mails) {
      expect(to).to.have.length(1);
      expect(content).not.to.match(/^RCPT TO/m);
      expect(to).not.to.include("mallory@example.net");
    }
    await opened.close();
  });

  it("come again when refused for now, and not after the code is dead", async () => {
    await using smtp = await startSmtpReceiver();
    const opened = await openOutboxForTest({ mail: { url: smtp.url, from } });
    await opened.putUser(TOKEN, PROFILE);
    smtp.answerNext("451 later");
    await opened.post(CODE);
    await opened.notifier.deliver();
    expect(smtp.mails).to.deep.equal([]);
    opened.clock.advance(2000);
    await opened.notifier.deliver();
    expect(smtp.mails).to.have.length(1);
    smtp.answerNext("451 later");
    await opened.post(CODE);
    await opened.notifier.deliver();
    opened.clock.advance(60_000);
    await opened.notifier.deliver();
    expect(smtp.mails).to.have.length(1);
    const labels = 'channel="mail",reason="expired"';
    expect(await countOf(opened, "notifications_dropped_total", labels)).to.equal(1);
    expect(findPerson(opened.events.text())).to.deep.equal([]);
    await opened.close();
  });

  it("are not sent to another machine in clear", async () => {
    // Another machine as far as the address tells, which leads here all the same. It offers no STARTTLS, so it is told nothing.
    await using smtp = await startSmtpReceiver();
    const url = smtp.url.replace("127.0.0.1", "0.0.0.0");
    const opened = await openOutboxForTest({ mail: { url, from, timeoutMs: 1000 } });
    await opened.putUser(TOKEN, PROFILE);
    await opened.post(CODE);
    await opened.notifier.deliver();
    expect(smtp.connections()).to.equal(1);
    expect(smtp.mails).to.deep.equal([]);
    expect(await opened.waiting()).to.equal(1);
    await opened.close();
  });

  it("are not given to a server whose certificate nobody vouches for, also when the URL asks for it", async () => {
    const server = createServer({ cert: SELF_SIGNED.cert, key: SELF_SIGNED.key });
    let said = "";
    server.on("secureConnection", (socket) => {
      socket.on("error", () => undefined);
      socket.on("data", (chunk) => (said += String(chunk)));
      socket.write("220 receiver.example ready\r\n");
    });
    server.on("tlsClientError", () => undefined);
    const { port } = await listen(server);
    const url = `smtps://127.0.0.1:${port}/?tls.rejectUnauthorized=false`;
    const opened = await openOutboxForTest({ mail: { url, from, timeoutMs: 1000 } });
    await opened.putUser(TOKEN, PROFILE);
    await opened.post(CODE);
    await opened.notifier.deliver();
    expect(said).to.equal("");
    expect(await opened.waiting()).to.equal(1);
    expect(opened.events.names()).to.include("notify.away");
    await opened.close();
    await closeServer(server);
  });
});

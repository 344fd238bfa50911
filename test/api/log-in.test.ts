import { readFileSync, readdirSync } from "node:fs";
import { expect } from "chai";
import request from "supertest";
import type { Response } from "supertest";
import { createAccessTokens } from "../../src/callers/access-tokens.ts";
import { PEOPLE, findPerson } from "../kit/people.ts";
import { startSmtpReceiver } from "../kit/smtp-receiver.ts";
import type { SmtpReceiver } from "../kit/smtp-receiver.ts";
import { startWebhookReceiver } from "../kit/webhook-receiver.ts";
import type { WebhookReceiver } from "../kit/webhook-receiver.ts";
import { DIGITS, openLogInForTest } from "./opened-log-in.ts";
import type { OpenedLogIn } from "./opened-log-in.ts";

const TOKEN = "0b5f6a7c-0000-4000-8000-00000000ada0";
const [ADA, BORIS] = PEOPLE;
const PROFILE = { email: ADA.email, phone: ADA.phone, name: ADA.name };

describe("log-in routes", () => {
  let smtp: SmtpReceiver;
  let hook: WebhookReceiver;
  let opened: OpenedLogIn;
  beforeEach(async () => {
    smtp = await startSmtpReceiver();
    hook = await startWebhookReceiver();
    opened = await openLogInForTest({
      mail: { url: smtp.url, from: "no-reply@logveil.example" },
      webhook: { url: hook.url, secret: "a long random text" },
    });
    await opened.outbox.putUser(TOKEN, PROFILE);
  });
  afterEach(async () => {
    await opened.outbox.close();
    await smtp[Symbol.asyncDispose]();
    await hook[Symbol.asyncDispose]();
  });

  const get = (path: string) => request(opened.app).get(path);
  const path = (...parts: readonly string[]) => `/v1/${parts.map(encodeURIComponent).join("/")}`;
  const newCaptcha = async (): Promise<string> => {
    const answer = await get(path("prelogin", "email", "a@example.org", "0", "0")).expect(200);
    return answer.body.captchaurl;
  };
  const prelogin = async (mode: string, identity: string, answer = DIGITS) =>
    get(path("prelogin", mode, identity, await newCaptcha(), answer));
  const login = (mode: string, identity: string, code: string) =>
    get(path("login", mode, identity, code));
  const mailedCode = async (): Promise<string> => {
    await opened.outbox.notifier.deliver();
    return /code is (\d{6})/.exec(smtp.mails.at(-1)?.content ?? "")?.[1] ?? "none";
  };
  const events = async () => (await opened.trail.list({ offset: 0, limit: 100 })).rows;
  /** Everything of an answer that could tell one from another. */
  const shapeOf = ({ status, headers, text }: Response) => {
    const { date: _, ...others } = headers;
    return { status, headers: others, text };
  };

  it("lead from the first captcha to an access token for own records", async () => {
    const code = await newCaptcha();
    expect(code).to.match(/^[0-9a-f]{60,}$/);
    const picture = await get(path("captcha", code)).expect(200);
    expect(picture.headers["content-type"]).to.equal("image/png");
    expect(picture.headers["cache-control"]).to.equal("no-store");
    const sent = await get(path("prelogin", "email", ADA.email, code, DIGITS)).expect(200);
    expect(sent.text).to.equal('{"status":"ok","result":"done"}');
    const answer = await login("email", ADA.email, await mailedCode());
    expect(answer.status).to.equal(200);
    expect(Object.keys(answer.body)).to.deep.equal(["status", "xtoken", "token"]);
    expect(answer.body).to.include({ status: "ok", token: TOKEN });
    const { store, keyring, clock } = opened.outbox;
    const parts = { documents: store.documents, key: keyring.callersKey, clock };
    const caller = await createAccessTokens(parts).findCaller(answer.body.xtoken);
    expect(caller).to.include({ role: "login", subject: TOKEN });
  });

  it("send a code for a phone number to the webhook, in international spelling", async () => {
    await prelogin("phone", "07700 900123");
    await opened.outbox.notifier.deliver();
    const { code, ...rest } = JSON.parse(hook.calls[0]?.body ?? "{}");
    expect(rest).to.include({ action: "login-code", mode: "phone", identity: "+447700900123" });
    expect((await login("phone", ADA.phone, code)).status).to.equal(200);
    expect(smtp.mails).to.deep.equal([]);
  });

  it("send to the address that is kept, not to the one that was typed", async () => {
    await prelogin("email", ` ${ADA.email.toUpperCase()} `);
    expect(await mailedCode()).to.match(/^\d{6}$/);
    expect(smtp.mails.map(({ to }) => to)).to.deep.equal([[ADA.email]]);
  });

  it("refuse a code a second time", async () => {
    await prelogin("email", ADA.email);
    const code = await mailedCode();
    expect((await login("email", ADA.email, code)).status).to.equal(200);
    const again = await login("email", ADA.email, code);
    expect(again.status).to.equal(405);
    expect(again.text).to.equal('{"status":"error","message":"internal error"}');
  });

  it("refuse a captcha that is wrong, used or none, and give a new one", async () => {
    const used = await newCaptcha();
    await get(path("prelogin", "email", ADA.email, used, DIGITS)).expect(200);
    const captchas = [await newCaptcha(), used, "00", "x".repeat(5000)];
    for (const captcha of captchas) {
      const answer = await get(
        path("prelogin", "email", ADA.email, captcha, captcha === captchas[0] ? "1" : DIGITS),
      ).expect(200);
      expect(answer.body).to.deep.include({ status: "error", result: "captcha-error" });
      expect(answer.body.captchaurl).to.match(/^[0-9a-f]{60,}$/);
    }
    await opened.outbox.notifier.deliver();
    expect(smtp.mails).to.have.length(1);
  });

  it("have no picture for what is no captcha", async () => {
    const answer = await get(path("captcha", "00")).expect(405);
    expect(answer.body).to.deep.equal({ status: "error", message: "captcha-error" });
  });

  it("know e-mail and phone only", async () => {
    for (const mode of ["token", "login", "custom", "nonsense"]) {
      const answers = [await prelogin(mode, ADA.email), await login(mode, ADA.email, "000000")];
      for (const answer of answers) {
        expect(answer.status).to.equal(405);
        expect(answer.body).to.deep.equal({ status: "error", message: "bad mode" });
      }
    }
  });

  it("answer alike whether or not there is such a person, at every step and past every limit", async () => {
    const answersFor = async (email: string) => {
      const shapes = [];
      for (let round = 0; round < 7; round += 1) {
        shapes.push(shapeOf(await prelogin("email", email)));
        shapes.push(shapeOf(await login("email", email, "not a code")));
      }
      shapes.push(shapeOf(await prelogin("phone", "+44 7700 900999")));
      shapes.push(shapeOf(await login("email", email, "")));
      return shapes;
    };
    expect(await answersFor(ADA.email)).to.deep.equal(await answersFor(BORIS.email));
    const rows = await opened.outbox.store.documents.list("code");
    expect(rows.length, "both leave a row").to.equal(3);
    expect(new Set(rows.map(({ value }) => value.length)).size).to.be.at.most(2);
    await opened.outbox.notifier.deliver();
    expect(smtp.mails).to.have.length(5);
  });

  it("send nothing while there is nothing to send with, and say so to everybody alike", async () => {
    const silent = await openLogInForTest({});
    await silent.outbox.putUser(TOKEN, PROFILE);
    const shapes = [];
    for (const email of [ADA.email, BORIS.email]) {
      const first = await request(silent.app).get(path("prelogin", "email", email, "0", "0"));
      const captcha = first.body.captchaurl;
      const url = path("prelogin", "email", email, captcha, DIGITS);
      shapes.push(shapeOf(await request(silent.app).get(url)));
    }
    expect(shapes[0]).to.deep.equal(shapes[1]);
    expect(shapes[0]).to.include({
      status: 405,
      text: '{"status":"error","message":"internal error"}',
    });
    expect(await silent.outbox.waiting()).to.equal(0);
    await silent.outbox.close();
  });

  it("look nobody up before the code was right", async () => {
    for (const email of [ADA.email, BORIS.email]) {
      await prelogin("email", email);
      await opened.outbox.notifier.deliver();
      const before = opened.lookUps();
      await login("email", email, "not a code");
      await login("phone", email, "000000");
      expect(opened.lookUps(), email).to.equal(before);
    }
    const before = opened.lookUps();
    await prelogin("email", ADA.email);
    expect((await login("email", ADA.email, await mailedCode())).status).to.equal(200);
    expect(opened.lookUps()).to.equal(before + 2);
  });

  it("leave no event about a person, however many wrong codes are shown for them", async () => {
    const answers = [];
    for (const pad of ["", " ".repeat(200), " ".repeat(5000)])
      answers.push(shapeOf(await login("email", `${pad}${ADA.email}`, "000000")));
    expect(answers[1]).to.deep.equal(answers[0]);
    expect(answers[2]).to.deep.equal(answers[0]);
    expect((await opened.trail.list({ subject: TOKEN, offset: 0, limit: 1 })).total).to.equal(0);
    expect((await events()).map(({ sealed }) => sealed)).to.deep.equal(
      answers.map(() => undefined),
    );
  });

  it("take no more than 320 characters for an address, right code or not", async () => {
    const long = ADA.email.padStart(321);
    expect((await prelogin("email", long)).body).to.deep.equal({ status: "ok", result: "done" });
    expect(await opened.outbox.store.documents.list("code")).to.deep.equal([]);
    expect(await opened.outbox.waiting()).to.equal(0);
    await prelogin("email", ADA.email.padStart(320));
    const code = await mailedCode();
    const [refused, wrong] = [
      await login("email", long, code),
      await login("email", BORIS.email, code),
    ];
    expect(shapeOf(refused)).to.deep.equal(shapeOf(wrong));
    expect((await events())[1]).to.include({ message: "code-invalid" });
    expect((await events())[1]).not.to.have.property("subject");
    expect((await login("email", ADA.email.padStart(320), code)).status).to.equal(200);
  });

  it("count the codes of an address, in whatever spelling, whoever's it is", async () => {
    const rowsFor = async (email: string) => {
      const before = (await opened.outbox.store.documents.list("code")).length;
      for (const spelled of [email, ` ${email}`, email.toUpperCase()])
        await prelogin("email", spelled);
      return (await opened.outbox.store.documents.list("code")).length - before;
    };
    expect([await rowsFor(ADA.email), await rowsFor(BORIS.email)]).to.deep.equal([1, 1]);
  });

  it("leave one event each, about the person once they have shown who they are", async () => {
    await prelogin("email", ADA.email);
    await login("email", ADA.email, "000000");
    await login("email", ADA.email, await mailedCode());
    await login("email", BORIS.email, "000000");
    await get(path("captcha", "00"));
    const told = (await events()).toReversed().map(({ title, status, message, subject }) => ({
      title,
      status,
      message,
      subject,
    }));
    const code = { status: "error", message: "code-invalid" };
    expect(told).to.deep.equal([
      {
        title: "user prelogin by email",
        status: "error",
        message: "captcha-invalid",
        subject: undefined,
      },
      { title: "user prelogin by email", status: "ok", message: undefined, subject: TOKEN },
      { title: "user login by email", ...code, subject: undefined },
      { title: "user login by email", status: "ok", message: undefined, subject: TOKEN },
      { title: "user login by email", ...code, subject: undefined },
      { title: "get captcha", status: "error", message: "captcha-invalid", subject: undefined },
    ]);
  });

  it("send nothing and reveal nothing when there is no audit entry", async () => {
    await prelogin("email", ADA.email);
    const code = await mailedCode();
    const captcha = await newCaptcha();
    await opened.outbox.store.close();
    const answers = [
      await login("email", ADA.email, code),
      await get(path("prelogin", "email", ADA.email, captcha, DIGITS)),
      await get(path("captcha", captcha)),
    ];
    for (const answer of answers) {
      expect(answer.status).to.equal(503);
      expect(answer.body).not.to.have.property("xtoken");
    }
    expect(smtp.mails).to.have.length(1);
  });

  it("leave nothing personal and no code in logs and files", async () => {
    await prelogin("email", ADA.email);
    await prelogin("email", BORIS.email);
    const code = await mailedCode();
    await login("email", BORIS.email, code);
    const { xtoken } = (await login("email", ADA.email, code)).body;
    const { folder, events } = opened.outbox;
    const files = readdirSync(folder.path, { recursive: true, withFileTypes: true })
      .filter((file) => file.isFile())
      .map((file) => readFileSync(`${file.parentPath}/${file.name}`));
    const raw = Buffer.concat(files);
    expect(raw.includes(TOKEN), "the files were read").to.equal(true);
    expect(findPerson(raw)).to.deep.equal([]);
    expect(findPerson(events.text())).to.deep.equal([]);
    expect(xtoken).to.match(/^[0-9a-f-]{36}$/);
    expect(raw.includes(xtoken)).to.equal(false);
  });
});

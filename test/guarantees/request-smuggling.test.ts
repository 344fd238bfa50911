import { expect } from "chai";
import { startLenientUpstream } from "../kit/lenient-upstream.ts";
import type { LenientUpstream, SloppyReading } from "../kit/lenient-upstream.ts";
import { exchangeRaw, head } from "../kit/raw-client.ts";
import { startRunningSidecar } from "../kit/running-sidecar.ts";
import type { RunningSidecar } from "../kit/running-sidecar.ts";
import { ATTACKS } from "./smuggling-attacks.ts";

// Whatever a client sends, and however carelessly the server behind us reads: it serves one request of the client's, or none.

const GOOD = head("GET /good HTTP/1.1", "Host: h", "Connection: close");

const isGood = (requestLine: string) => requestLine.startsWith("GET /good ");

describe("guarantee: request smuggling", () => {
  let upstream: LenientUpstream;
  let sidecar: RunningSidecar;

  before(async () => {
    upstream = await startLenientUpstream();
    sidecar = await startRunningSidecar({ upstream: upstream.url });
  });

  after(async () => {
    await sidecar[Symbol.asyncDispose]();
    await upstream[Symbol.asyncDispose]();
  });

  beforeEach(() => upstream.forget());

  it("has attacks enough, no two alike", () => {
    expect(new Set(ATTACKS.map(({ name }) => name)).size).to.equal(ATTACKS.length);
    expect(new Set(ATTACKS.map(({ bytes }) => bytes)).size).to.equal(ATTACKS.length);
    expect(ATTACKS.length).to.be.at.least(90);
  });

  for (const { name, bytes, answer } of ATTACKS) {
    it(`${name} → ${String(answer)}`, async () => {
      const answered = await exchangeRaw(sidecar.proxyPort, bytes);
      const statuses = [...answered.matchAll(/HTTP\/1\.1 (?!100)(\d{3})/g)].map(([, s]) => s);
      expect(statuses).to.deep.equal([String(answer)]);
      expect(await exchangeRaw(sidecar.proxyPort, GOOD)).to.match(
        /^HTTP\/1\.1 200[\s\S]*GET \/good HTTP\/1\.1$/,
      );
      const expected = answer === 200 ? 1 : 0;
      for (const reading of upstream.readings()) expectNoneSmuggled(reading);
      expect(mostAttacks(upstream)).to.equal(expected);
    });
  }
});

function expectNoneSmuggled({ reading, requests, rest }: SloppyReading): void {
  const first = rest.split(/[\r\n]/)[0] ?? "";
  const lines = [...requests.map(({ requestLine }) => requestLine), first];
  expect(
    lines.filter((line) => line.includes("smuggled")),
    reading.name,
  ).to.deep.equal([]);
  expect(requests.filter(({ requestLine }) => !isGood(requestLine)).length).to.be.at.most(1);
  for (const { fields } of requests) {
    const tokens = fields.filter((field) => /^x.session.token\s*:/i.test(field));
    expect(tokens, "exactly one token in every request").to.have.length(1);
    expect(tokens[0]).to.not.include("smuggled");
  }
}

/** How many requests other than our own good one the most generous reading of all connections together finds. */
function mostAttacks(upstream: LenientUpstream): number {
  const found = new Map<string, number>();
  for (const { reading, requests } of upstream.readings()) {
    const attacks = requests.filter(({ requestLine }) => !isGood(requestLine)).length;
    found.set(reading.name, (found.get(reading.name) ?? 0) + attacks);
  }
  return Math.max(0, ...found.values());
}

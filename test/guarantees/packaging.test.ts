import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect } from "chai";

const execute = promisify(execFile);

describe("container image", () => {
  let stages: readonly (readonly Instruction[])[];

  before(async () => {
    stages = parseStages(await readText("Dockerfile"));
  });

  const find = (keyword: string) => (stages.at(-1) ?? []).filter((one) => one.keyword === keyword);

  it("is built in one stage and runs in another, both on the same Node", () => {
    expect(stages).to.have.length(2);
    const images = stages.map(([from]) => from?.value.split(" ")[0]);
    expect(images).to.deep.equal(["node:26-slim", "node:26-slim"]);
  });

  it("does not run as root, and says so by number", () => {
    const users = find("USER").map(({ value }) => value);
    expect(users).to.have.length(1);
    expect(users[0]).to.match(/^[1-9]\d*:[1-9]\d*$/);
  });

  it("becomes that user before its command and after its last file", () => {
    const order = (stages.at(-1) ?? []).map(({ keyword }) => keyword);
    expect(order.indexOf("USER")).to.be.above(order.lastIndexOf("COPY"));
    expect(order.indexOf("USER")).to.be.above(order.lastIndexOf("RUN"));
    expect(order.indexOf("USER")).to.be.below(order.indexOf("ENTRYPOINT"));
  });

  it("writes to /data only, where its configuration puts everything", () => {
    expect(find("VOLUME").map(({ value }) => value)).to.deep.equal(["/data"]);
    expect(
      find("RUN")
        .map(({ value }) => value)
        .join(),
    ).to.include("dataDir: /data");
  });

  it("has a health check, and exposes the proxy and not the vault", () => {
    expect(
      find("HEALTHCHECK")
        .map(({ value }) => value)
        .join(),
    ).to.match(/\/healthz/);
    expect(find("EXPOSE").map(({ value }) => value)).to.deep.equal(["8080"]);
  });

  it("gets signals itself, without a shell in between", () => {
    const [entry] = find("ENTRYPOINT");
    expect(JSON.parse(entry?.value ?? "")).to.include.members(["dist/main.js", "serve"]);
  });

  it("is built from listed files only", async () => {
    const [first] = parseLines(await readText(".dockerignore"));
    expect(first).to.equal("*");
  });
});

describe("lock file", () => {
  it("names no registry", async () => {
    expect(await readText("package-lock.json")).not.to.include('"resolved"');
  });
});

describe("command", () => {
  const command = fileURLToPath(new URL("../../bin/logveil.js", import.meta.url));

  it("says in one line that a Node is too old", async () => {
    const pretend = `Object.defineProperty(process, "versions", { value: { node: "20.11.1" } })`;
    const args = ["--import", `data:text/javascript,${encodeURIComponent(pretend)}`, command];
    const failure = await execute(process.execPath, args).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failure).to.include({
      code: 1,
      stdout: "",
      stderr: "logveil needs Node 24 or newer, this is v20.11.1; `npm start` brings its own\n",
    });
  });

  it("is plain JavaScript that an old Node can parse", async () => {
    const source = await readText("bin/logveil.js");
    expect(source).to.match(/^#!\/usr\/bin\/env node\n/);
    expect(source).not.to.match(/\?\?=|#[a-z]|import type/);
  });
});

type Instruction = { readonly keyword: string; readonly value: string };

/** The instructions of each stage; a stage begins with FROM. Continued lines are one instruction. */
function parseStages(text: string): readonly (readonly Instruction[])[] {
  const instructions = parseLines(text.replace(/\\\n/g, " ")).map((line) => {
    const [keyword = ""] = line.split(" ");
    return { keyword, value: line.slice(keyword.length).trim() };
  });
  const starts = instructions.flatMap(({ keyword }, at) => (keyword === "FROM" ? [at] : []));
  return starts.map((start, stage) => instructions.slice(start, starts[stage + 1]));
}

function parseLines(text: string): readonly string[] {
  return text.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#"));
}

function readText(name: string): Promise<string> {
  return readFile(new URL(`../../${name}`, import.meta.url), "utf8");
}

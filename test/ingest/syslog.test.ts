import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { request } from "node:http";
import type { IncomingMessage } from "node:http";
import { connect } from "node:net";
import { expect } from "chai";
import * as fc from "fast-check";
import { MAX_LINE_BYTES } from "../../src/ingest/line-splitter.ts";
import { createSyslogFrames, MAX_FRAME_BYTES } from "../../src/ingest/syslog-frames.ts";
import { messageOf } from "../../src/ingest/syslog-message.ts";
import type { SyslogAddress } from "../../src/ingest/syslog-listener.ts";
import { startEchoUpstream } from "../kit/echo-upstream.ts";
import { findNginx, startNginx } from "../kit/nginx.ts";
import { findPerson, PEOPLE } from "../kit/people.ts";
import { startRunningSidecar } from "../kit/running-sidecar.ts";
import type { LogLine, RunningSidecar } from "../kit/running-sidecar.ts";
import { createTemporaryFolder } from "../kit/temporary-folder.ts";
import { apacheTime } from "./cleaning.ts";

const [{ email, ipv4, userAgent }] = PEOPLE;

describe("syslog", () => {
  describe("messages", () => {
    const message = `${ipv4} - - [20/Nov/2026:13:55:36 +0000] "GET / HTTP/1.1" 200 5`;
    for (const [name, header] of [
      ["RFC 3164", "<190>Nov  7 13:55:36 web-1 nginx: "],
      ["RFC 3164 with a process id", "<190>Nov 20 13:55:36 web-1 nginx[47]: "],
      ["RFC 3164 without a host, as nginx can write it", "<190>Nov 20 13:55:36 nginx: "],
      ["RFC 5424", "<190>1 2026-11-20T13:55:36.123456+01:00 web-1 nginx 47 - - "],
      ["RFC 5424 with structured data", '<190>1 - web-1 nginx - ID47 [a@1 b="c]\\"]"][d@2 e="f"] '],
      [
        "RFC 5424 with a byte order mark",
        "<190>1 2026-11-20T13:55:36Z web-1 nginx - - - \u00ef\u00bb\u00bf",
      ],
      ["a priority alone", "<13>"],
      ["nothing", ""],
    ] as const)
      it(`finds the one behind ${name}`, () => {
        expect(messageOf(header + message)).to.equal(message);
        expect(messageOf(`${header}${message}\n`)).to.equal(message);
      });

    it("never throws", () => {
      fc.assert(
        fc.property(fc.string({ unit: "binary" }), (text) => void messageOf(`<13>1 ${text}`)),
      );
    });
  });

  describe("frames", () => {
    it("are counted or end in a newline, wherever the pieces are cut", () => {
      const frame = fc.stringMatching(/^<13>[ -~]{0,40}$/);
      fc.assert(
        fc.property(
          fc.array(fc.tuple(frame, fc.boolean())),
          fc.integer({ min: 1, max: 30 }),
          (sent, size) => {
            const bytes = Buffer.from(sent.map(([text, isCounted]) => isCounted ? `${String(text.length)} ${text}` : `${text}\n`).join("")); // prettier-ignore
            const frames = createSyslogFrames();
            const got: string[] = [];
            for (let at = 0; at < bytes.length; at += size) got.push(...frames.push(bytes.subarray(at, at + size))); // prettier-ignore
            expect(got).to.deep.equal(sent.map(([text]) => text));
          },
        ),
      );
    });

    it("that are too long are cut, and what follows is read", () => {
      for (const sent of [
        `${String(MAX_FRAME_BYTES + 9)} ${"x".repeat(MAX_FRAME_BYTES + 9)}`,
        `<1>${"x".repeat(MAX_FRAME_BYTES + 6)}\n`,
      ]) {
        const frames = createSyslogFrames();
        const got = [sent, "<13>next\n"].flatMap((text) => [...frames.push(Buffer.from(text))]);
        expect(got.map(({ length }) => length)).to.deep.equal([MAX_FRAME_BYTES, 8]);
      }
      expect(MAX_FRAME_BYTES).to.be.greaterThan(MAX_LINE_BYTES);
    });

    it("with a count that is none end the connection's reading", () => {
      const frames = createSyslogFrames();
      expect(frames.push(Buffer.from("12x4567890 hello"))).to.deep.equal([]);
      expect(frames.isBroken()).to.equal(true);
    });
  });

  describe("listener", () => {
    let sidecar: RunningSidecar;
    let upstream: Awaited<ReturnType<typeof startEchoUpstream>>;
    beforeEach(async () => {
      upstream = await startEchoUpstream();
      sidecar = await startRunningSidecar({
        upstream: upstream.url,
        settings: { ingest: { syslog: { udp: "127.0.0.1:0", tcp: "127.0.0.1:0" } } },
      });
    });
    afterEach(async () => {
      await sidecar[Symbol.asyncDispose]();
      await upstream.close();
    });

    const portOf = (address: SyslogAddress | undefined): number => {
      if (address === undefined || "path" in address) throw new TypeError("not listening");
      return address.port;
    };
    const line = (path: string) =>
      `<190>Nov 20 13:55:36 web-1 nginx: ${ipv4} - ada [${apacheTime(Date.now())}] "GET ${path} HTTP/1.1" 200 5 "-" "${userAgent}"`;
    const send = async (bytes: string) => {
      const socket = connect(portOf(sidecar.sidecar.syslogAddresses.tcp), "127.0.0.1");
      await once(socket, "connect");
      socket.end(bytes);
      await once(socket.resume(), "close");
    };

    it("writes what comes over TCP as if it had been proxied, and the record can be looked up", async () => {
      await send(`${line("/a")}\n${String(line("/b").length)} ${line("/b")}`);
      const lines = await sidecar.logLines(2);
      expect(lines.map((each) => each["url.path"])).to.deep.equal(["/a", "/b"]);
      expect(new Set(lines.map((each) => each["session.id"])).size).to.equal(1);
      expect(new Set(lines.map((each) => each["http.request.id"])).size).to.equal(2);
      const { body } = await sidecar.lookUp(String(lines[0]?.["session.id"]));
      expect(body.data).to.include({ clientip: ipv4, "user-agent": userAgent });
    });

    it("writes what comes over UDP", async () => {
      const socket = createSocket("udp4");
      const address = sidecar.sidecar.syslogAddresses.udp;
      await new Promise((resolve) =>
        socket.send(line("/udp"), portOf(address), "127.0.0.1", resolve),
      );
      const [written] = await sidecar.logLines(1);
      socket.close();
      expect(written).to.include({ "url.path": "/udp", "user_agent.name": "Chrome" });
    });

    it("marks and counts what it cannot read, and writes nobody", async () => {
      await send(`<13>hello ${email} from ${ipv4}\nnot syslog at all "${userAgent}"\n`);
      const lines = await sidecar.logLines(2);
      expect(lines.every((each) => (each as Record<string, unknown>)["logveil.unparsed"] === true)).to.equal(true); // prettier-ignore
      expect(findPerson(await readFile(sidecar.files.accessLog))).to.deep.equal([]);
      const metrics = await (await fetch(`${sidecar.vaultUrl}/metrics`)).text();
      expect(metrics).to.include(
        'logveil_ingest_lines_total{source="syslog-tcp",result="unparsed"} 2',
      );
    });

    it("closes the connection of who does not keep to the framing, and goes on", async () => {
      await send("99999999999 hello");
      await send(`${line("/after")}\n`);
      expect((await sidecar.logLines(1))[0]).to.include({ "url.path": "/after" });
    });

    it("writes what has come before it stops", async () => {
      await send(Array.from({ length: 500 }, (_, at) => `${line(`/${String(at)}`)}\n`).join(""));
      await sidecar.close();
      const text = await readFile(sidecar.files.accessLog, "utf8");
      const paths = text
        .split("\n")
        .slice(0, -1)
        .map((each) => (JSON.parse(each) as LogLine)["url.path"]);
      // Each of them, or none of those that were still with the kernel: in order.
      expect(paths).to.deep.equal(Array.from(paths, (_, at) => `/${String(at)}`));
    });

    it("takes nginx's own access_log syslog: and error_log syslog:", async function () {
      const nginx = findNginx();
      if (nginx === undefined) {
        process.stderr.write("skipped: nginx is not installed\n");
        return this.skip();
      }
      await using folder = await createTemporaryFolder();
      const server = `127.0.0.1:${String(portOf(sidecar.sidecar.syslogAddresses.udp))}`;
      const logging = [
        `access_log syslog:server=${server} combined;`,
        `error_log syslog:server=${server} info;`,
        "set_real_ip_from unix:;",
        "real_ip_header X-Forwarded-For;",
      ];
      await using web = await startNginx(nginx, folder, logging.join(" "));
      const asked = request({
        socketPath: web.upstream.slice("unix:".length),
        path: `/missing/${email}`,
        headers: { "user-agent": userAgent, "x-forwarded-for": ipv4, host: "shop.example" },
      });
      asked.end();
      const [response] = (await once(asked, "response")) as [IncomingMessage];
      response.resume();
      expect(response.statusCode).to.equal(404);
      const lines = await sidecar.logLines(2);
      expect(lines.find((each) => each["http.response.status_code"] === 404)).to.include({ "http.request.method": "GET", "user_agent.name": "Chrome" }); // prettier-ignore
      expect(lines.find((each) => each["severity_text"] === "error")?.["message"]).to.match(/^open\(\) .* failed/); // prettier-ignore
      expect(findPerson(await readFile(sidecar.files.accessLog))).to.deep.equal([]);
    });
  });
});

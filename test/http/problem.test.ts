import { createServer } from "node:http";
import type { ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { connect } from "node:net";
import { once } from "node:events";
import { expect } from "chai";
import request from "supertest";
import { ERROR_TYPES, createProblem, formatProblem, sendProblem } from "../../src/http/problem.ts";

describe("problem", () => {
  it("is what RFC 9457 says, with a code and nothing else", () => {
    expect(JSON.parse(formatProblem(createProblem(502, "upstream_unreachable")))).to.deep.equal({
      type: "urn:logveil:problem:upstream_unreachable",
      title: ERROR_TYPES.upstream_unreachable,
      status: 502,
      code: "upstream_unreachable",
    });
  });

  it("is an answer of its own type that no cache keeps", async () => {
    const server = createServer((_request, response) =>
      sendProblem(response, 504, "upstream_timeout"),
    );
    const answer = await request(server).get("/somewhere?email=jane@example.org").expect(504);
    expect(answer.type).to.equal("application/problem+json");
    expect(answer.headers["cache-control"]).to.equal("no-store");
    expect(answer.body).to.deep.include({ status: 504, code: "upstream_timeout" });
    expect(JSON.stringify(answer.body)).not.to.match(/jane|somewhere/);
  });

  it("keeps headers that were set before, and has no body for HEAD", async () => {
    const server = createServer((_request, response) => {
      response.setHeader("x-before", "kept");
      sendProblem(response, 400, "request_refused");
    });
    const answer = await request(server).head("/").expect(400).expect("x-before", "kept");
    expect(answer.text).to.equal(undefined);
  });

  it("breaks an answer that is under way instead of completing it", async () => {
    const server = createServer((_request, response: ServerResponse) => {
      response.write("half an ");
      sendProblem(response, 502, "upstream_reset");
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const socket = connect(port, "127.0.0.1");
    let received = "";
    socket.on("data", (chunk) => (received += chunk.toString("latin1")));
    socket.on("error", () => undefined); // a reset is as good an end as any
    socket.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    await once(socket, "close");
    server.close();
    expect(received).not.to.include("0\r\n\r\n");
    expect(received).not.to.include("upstream_reset");
  });
});

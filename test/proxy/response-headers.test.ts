import { expect } from "chai";
import { headersForClient } from "../../src/proxy/response-headers.ts";

describe("proxy/response-headers", () => {
  it("keeps repeated fields, their order and casing", () => {
    const list = ["Set-Cookie", "a=1", "X-One", "1", "set-cookie", "b=2"];
    expect(headersForClient(list)).to.deep.equal({
      list,
      setCookies: ["a=1", "b=2"],
      userToken: undefined,
      isReadable: true,
    });
  });

  it("drops what belongs to one hop, and what Connection names", () => {
    const { list } = headersForClient([
      "Connection",
      "close, X-Hop",
      "Keep-Alive",
      "timeout=5",
      "Transfer-Encoding",
      "chunked",
      "X-Hop",
      "s",
      "Upgrade",
      "h2c",
      "X-Keep",
      "k",
    ]);
    expect(list).to.deep.equal(["X-Keep", "k"]);
  });

  it("cannot be made to drop Content-Length or Set-Cookie by naming them", () => {
    const { list } = headersForClient([
      "Connection",
      "content-length, set-cookie",
      "Content-Length",
      "1",
      "Set-Cookie",
      "a=1",
    ]);
    expect(list).to.deep.equal(["Content-Length", "1", "Set-Cookie", "a=1"]);
  });

  it("takes out whom the session belongs to", () => {
    const { list, userToken } = headersForClient(["X-Databunker-User", "u-1", "X", "y"]);
    expect(list).to.deep.equal(["X", "y"]);
    expect(userToken).to.equal("u-1");
  });

  it("reads buffers as latin-1, losing no byte", () => {
    expect(headersForClient([Buffer.from("X"), Buffer.from([0xe9, 0xff])]).list).to.deep.equal([
      "X",
      "\u00e9\u00ff",
    ]);
  });
});

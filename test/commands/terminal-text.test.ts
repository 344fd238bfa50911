import { expect } from "chai";
import * as fc from "fast-check";
import { escapeForTerminal } from "../../src/commands/terminal-text.ts";

describe("terminal text", () => {
  it("shows control and format characters instead of obeying them", () => {
    expect(escapeForTerminal("a\u001b[2Jb\r\nc\u0007\u009b\u202e\u200f\u2028")).to.equal(
      "a\\u001b[2Jb\\u000d\\u000ac\\u0007\\u009b\\u202e\\u200f\\u2028",
    );
    expect(escapeForTerminal("\u{e0001}")).to.equal("\\udb40\\udc01");
  });

  it("leaves all that can be seen as it is", () => {
    expect(escapeForTerminal('Zoë Ünal 😀 <b> \\ " ~')).to.equal('Zoë Ünal 😀 <b> \\ " ~');
  });

  it("leaves JSON the same JSON, and no control character in it", () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: "binary" }), (value) => {
        const text = escapeForTerminal(JSON.stringify(value));
        expect(JSON.parse(text)).to.deep.equal(JSON.parse(JSON.stringify(value)));
        expect(text).not.to.match(/[\p{Cc}\p{Cf}]/u);
      }),
    );
  });
});

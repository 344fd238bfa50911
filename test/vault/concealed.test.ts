import { format, inspect } from "node:util";
import { expect } from "chai";
import { Concealed } from "../../src/vault/concealed.ts";

describe("concealed", () => {
  const concealed = new Concealed({ clientip: "203.0.113.7" });

  it("gives its value to whoever asks for it by name", () => {
    expect(concealed.reveal()).to.deep.equal({ clientip: "203.0.113.7" });
  });

  it("cannot be printed by accident", () => {
    const printed = [
      String(concealed),
      String([concealed]),
      JSON.stringify({ concealed }),
      inspect(concealed, { showHidden: true, depth: null }),
      inspect([concealed]),
      format("%s %o %j", concealed, concealed, concealed),
      JSON.stringify(Object.entries(concealed)),
    ];
    expect(printed.join("\n")).not.to.include("203.0.113.7");
  });
});

import { expect } from "chai";
import { findTraceId } from "../../src/proxy/trace-context.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const PARENT = "b7ad6b7169203331";

describe("proxy/trace-context", () => {
  it("finds the trace id of a well-formed traceparent, also of a version to come", () => {
    for (const traceparent of [
      `00-${TRACE}-${PARENT}-01`,
      `00-${TRACE}-${PARENT}-ff`,
      `01-${TRACE}-${PARENT}-01`,
      `cc-${TRACE}-${PARENT}-00-what-the-future-brings`,
    ])
      expect(findTraceId(traceparent), traceparent).to.equal(TRACE);
  });

  it("finds none in anything else", () => {
    for (const traceparent of [
      undefined,
      "",
      TRACE,
      `00-${TRACE}-${PARENT}`,
      `00-${TRACE}-${PARENT}-01-more`,
      `00-${TRACE}-${PARENT}-01 `,
      `00-${TRACE}-${PARENT}-011`,
      `00-${TRACE.toUpperCase()}-${PARENT}-01`,
      `00-${"0".repeat(32)}-${PARENT}-01`,
      `00-${TRACE}-${"0".repeat(16)}-01`,
      `ff-${TRACE}-${PARENT}-01`,
      `00-${TRACE}x-${PARENT}-01`,
      // Sent twice, joined as RFC 9110 section 5.3 says.
      `00-${TRACE}-${PARENT}-01, 00-${TRACE}-${PARENT}-01`,
      `01-${TRACE}-${PARENT}-01\n`,
    ])
      expect(findTraceId(traceparent), JSON.stringify(traceparent)).to.equal(undefined);
  });
});

import { expect } from "chai";
import { eventually } from "../kit/eventually.ts";
import { openRawClient, head } from "../kit/raw-client.ts";
import { startRecordingUpstream } from "../kit/recording-upstream.ts";
import type { ReceivedRequest, RecordingUpstream } from "../kit/recording-upstream.ts";
import { startRunningSidecar } from "../kit/running-sidecar.ts";
import type { RunningSidecar } from "../kit/running-sidecar.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const TRACEPARENT = `00-${TRACE}-b7ad6b7169203331-01`;

describe("observability of a running sidecar", () => {
  let upstream: RecordingUpstream;
  let running: RunningSidecar;

  beforeEach(async () => {
    upstream = await startRecordingUpstream();
    running = await startRunningSidecar({ upstream: upstream.url });
  });

  afterEach(async () => {
    await running[Symbol.asyncDispose]();
    await upstream.close();
  });

  const scrape = async () => (await fetch(`${running.vaultUrl}/metrics`)).text();

  /** The value of a series; labels as /metrics prints them. */
  const valueOf = async (series: string) => {
    const line = (await scrape()).split("\n").find((one) => one.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length + 1));
  };
  const becomes = (series: string, value: number) =>
    eventually(`${series} ${String(value)}`, async () =>
      (await valueOf(series)) === value ? true : undefined,
    );
  const get = async (path = "/", headers: Readonly<Record<string, string>> = {}) => {
    const response = await fetch(`${running.proxyUrl}${path}`, { headers });
    await response.arrayBuffer();
    return response;
  };

  describe("metrics", () => {
    it("count requests, their duration and what was known of their session", async () => {
      await get();
      await running.logLines(1);
      await get();
      await get("/", { "User-Agent": "Somebody else" });
      await running.logLines(3);
      await becomes('logveil_http_requests_total{method="GET",code="2xx"}', 3);
      expect(await valueOf("logveil_http_request_duration_seconds_count")).to.equal(3);
      expect(await valueOf('logveil_http_request_duration_seconds_bucket{le="+Inf"}')).to.equal(3);
      expect(await valueOf("logveil_upstream_response_duration_seconds_count")).to.equal(3);
      expect(await valueOf("logveil_sessions_new_total")).to.equal(2);
      expect(await valueOf("logveil_sessions_known_total")).to.equal(1);
      expect(await valueOf("logveil_http_requests_in_flight")).to.equal(0);
      expect(await valueOf('logveil_log_lines_accepted_total{output="file"}')).to.equal(3);
      expect(await valueOf("logveil_store_append_duration_seconds_count")).to.be.within(1, 2);
    });

    it("show connections while they are open", async () => {
      const open = 'logveil_connections_open{listener="proxy"}';
      expect(await valueOf(open)).to.equal(0);
      {
        await using client = await openRawClient(running.proxyPort);
        await becomes(open, 1);
        expect(client.received()).to.equal("");
      }
      await becomes(open, 0);
      expect(await valueOf('logveil_connections_open{listener="vault"}')).to.be.above(0);
    });

    it("count connections past the limit", async () => {
      await using limited = await startRunningSidecar({
        upstream: upstream.url,
        settings: { proxy: { limits: { connections: 1 } } },
      });
      await using first = await openRawClient(limited.proxyPort);
      await using second = await openRawClient(limited.proxyPort);
      await second.closed();
      expect(first.socket.destroyed).to.equal(false);
      await eventually("a refused connection", async () => {
        const text = await (await fetch(`${limited.vaultUrl}/metrics`)).text();
        return text.includes("\nlogveil_connections_refused_total 1\n") ? true : undefined;
      });
    });

    it("count failures of the upstream by kind, all kinds there from the start", async () => {
      const failures = 'logveil_upstream_errors_total{kind="upstream_unreachable"}';
      expect(await valueOf(failures)).to.equal(0);
      await upstream.close();
      expect((await get()).status).to.equal(502);
      await becomes(failures, 1);
      await becomes('logveil_http_requests_total{method="GET",code="5xx"}', 1);
      expect(await valueOf('logveil_events_total{event="upstream.unreachable"}')).to.equal(1);
    });

    it("count look-ups by role and result, and their audit events", async () => {
      await get();
      const [line] = await running.logLines(1);
      await running.lookUp(String(line?.["session.id"]));
      await running.lookUp("10000000-b0d1-8b04-8c5e-3e48c0bc8881");
      await (await fetch(`${running.vaultUrl}/v1/session/${String(line?.["session.id"])}`)).text();
      const series = (role: string, result: string) =>
        `logveil_session_lookups_total{role="${role}",result="${result}"}`;
      expect(await valueOf(series("root", "found"))).to.equal(1);
      expect(await valueOf(series("root", "not_found"))).to.equal(1);
      expect(await valueOf(series("none", "denied"))).to.equal(1);
      expect(await valueOf('logveil_audit_events_total{status="ok"}')).to.equal(1);
      expect(await valueOf('logveil_audit_events_total{status="denied"}')).to.equal(1);
      expect(await valueOf("logveil_audit_write_failures_total")).to.equal(0);
      expect(await valueOf("logveil_store_find_duration_seconds_count")).to.equal(1);
    });

    it("say what is ready, when keys go, and since when the configuration holds", async () => {
      await get();
      await running.logLines(1);
      expect(await valueOf('logveil_unready{reason="draining"}')).to.equal(0);
      expect(await valueOf('logveil_unready{reason="store-unavailable"}')).to.equal(0);
      expect(await valueOf("logveil_config_last_reload_successful")).to.equal(1);
      const taken = await valueOf("logveil_config_reload_success_timestamp_seconds");
      expect(taken).to.be.within(Date.now() / 1000 - 600, Date.now() / 1000);
      expect(await valueOf("logveil_epoch_keys_active")).to.be.above(0);
      const next = (await valueOf("logveil_epoch_keys_next_expiry_timestamp_seconds")) ?? 0;
      // Retention is 30 d from the epoch's end, which is at most a day away.
      expect(next - Date.now() / 1000).to.be.within(30 * 86_400 - 60, 31 * 86_400 + 60);
      expect(await valueOf('logveil_events_total{event="sidecar.started"}')).to.equal(1);
    });

    it("hold nothing of what a client sent", async () => {
      const planted = { "User-Agent": "Planted/1 (ada@example.org)", Cookie: "sid=planted-cookie" };
      await get("/planted-path/ada@example.org?q=planted-query", planted);
      const [line] = await running.logLines(1);
      const text = await scrape();
      for (const secret of ["ada@", "lanted", String(line?.["session.id"]), "127.0.0.1"])
        expect(text).not.to.include(secret);
    });
  });

  describe("trace context", () => {
    it("goes to the upstream as it came, and its trace id into the log", async () => {
      const sent = {
        traceparent: TRACEPARENT,
        tracestate: "vendor=opaque, other@tenant=1",
        baggage: "userId=ada%40example.org,serverNode=DF28",
      };
      await get("/", sent);
      const received = await upstream.request(0);
      for (const [name, value] of Object.entries(sent))
        expect(fieldsOf(received, name), name).to.deep.equal([value]);
      const [line] = await running.logLines(1);
      expect(line?.["trace_id"]).to.equal(TRACE);
      expect(JSON.stringify(line)).not.to.match(/ada|vendor|DF28/);
    });

    it("passes malformed and repeated ones too, and logs no id of them", async () => {
      await using client = await openRawClient(running.proxyPort);
      const names = ["traceparent: nonsense", `Traceparent: ${TRACEPARENT}`];
      client.send(head("GET / HTTP/1.1", "Host: www.example.com", ...names));
      expect(fieldsOf(await upstream.request(0), "traceparent")).to.deep.equal([
        "nonsense",
        TRACEPARENT,
      ]);
      const [line] = await running.logLines(1);
      expect(line).not.to.have.property("trace_id");
    });

    it("is not made up when none came", async () => {
      await get();
      expect(fieldsOf(await upstream.request(0), "traceparent")).to.deep.equal([]);
      expect((await running.logLines(1))[0]).not.to.have.property("trace_id");
    });
  });

  describe("request ids", () => {
    it("are logveil's own, the same in the log and for the upstream, and not the client's", async () => {
      const sent = { "X-Request-Id": "planted-by-the-client" };
      const response = await get("/", sent);
      await get("/", sent);
      const lines = await running.logLines(2);
      const ids = lines.map((line) => line["http.request.id"]);
      expect(new Set(ids).size).to.equal(2);
      for (const index of [0, 1]) {
        const [id, ...more] = fieldsOf(await upstream.request(index), "x-request-id");
        expect(more).to.deep.equal([]);
        expect(ids).to.include(id);
        expect(id).to.match(/^[\da-f]{16}-[\da-z]{6,}$/);
      }
      expect(response.headers.get("x-request-id")).to.equal(null);
    });

    it("show a request that came back: 508, and the upstream does not see it again", async () => {
      await get();
      const [id = ""] = fieldsOf(await upstream.request(0), "x-request-id");
      expect((await get("/", { "X-Request-Id": id })).status).to.equal(508);
      expect(upstream.requests).to.have.length(1);
    });
  });
});

function fieldsOf({ headers }: ReceivedRequest, name: string): readonly string[] {
  return headers.filter(([field]) => field.toLowerCase() === name).map(([, value]) => value);
}

// Metrics that every request moves: plain numbers, read when somebody asks /metrics. prom-client finds a value by hashing its labels
// anew each time, 40 to 240 ns; these cost 5 to 50 (measured with Node 26: one request's five moves 690 ns then, 100 ns now).

import { Counter, Gauge } from "prom-client";
import type { Metric, Registry } from "prom-client";

type Named = { readonly name: string; readonly help: string; readonly registers: Registry[] };

/** A counter without labels. */
export class HotCounter {
  #count = 0;
  readonly #shown: Counter;

  constructor(named: Named) {
    this.#shown = new Counter({
      ...named,
      collect: () => {
        this.#shown.reset();
        this.#shown.inc(this.#count);
      },
    });
  }

  /** `by`: 0 or more. */
  inc(by = 1): void {
    this.#count += by;
  }

  get(): ReturnType<Counter["get"]> {
    return this.#shown.get();
  }
}

/** A gauge without labels, for what begins and ends. */
export class HotGauge {
  #level = 0;
  readonly #shown: Gauge;

  constructor(named: Named) {
    this.#shown = new Gauge({ ...named, collect: () => this.#shown.set(this.#level) });
  }

  inc(): void {
    this.#level += 1;
  }

  dec(): void {
    this.#level -= 1;
  }

  get(): ReturnType<Gauge["get"]> {
    return this.#shown.get();
  }
}

/** Methods that have a label of their own; clients can invent others, which share one. */
const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "OTHER"] as const;
const OTHER = METHODS.indexOf("OTHER");
const METHOD_INDEX: ReadonlyMap<string, number> = new Map(METHODS.map((name, at) => [name, at]));
const CLASSES = ["1xx", "2xx", "3xx", "4xx", "5xx"] as const;

/** Requests by method and status class: 40 series, all there from the start, so that the first failure is an increase. */
export class RequestCounter {
  readonly #counts = new Float64Array(METHODS.length * CLASSES.length);
  readonly #shown: Counter<"method" | "code">;

  constructor(named: Named) {
    this.#shown = new Counter({
      ...named,
      labelNames: ["method", "code"],
      collect: () => this.#show(),
    });
  }

  /** A status beyond 599 counts as 5xx (RFC 9110 section 15). */
  count(method: string, statusCode: number): void {
    const row = METHOD_INDEX.get(method) ?? OTHER;
    const column = Math.min(Math.max(Math.trunc(statusCode / 100), 1), CLASSES.length) - 1;
    const at = row * CLASSES.length + column;
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
  }

  get(): ReturnType<Counter["get"]> {
    return this.#shown.get();
  }

  #show(): void {
    this.#shown.reset();
    for (const [row, method] of METHODS.entries())
      for (const [column, code] of CLASSES.entries())
        this.#shown.inc({ method, code }, this.#counts[row * CLASSES.length + column] ?? 0);
  }
}

/** A histogram without labels. It has of prom-client what a registry asks for: a name, a type and `get`. */
export class HotHistogram {
  readonly name: string;
  readonly help: string;
  readonly type = "histogram";
  readonly labelNames: readonly string[] = [];
  readonly #bounds: readonly number[];
  /** One more than bounds: what is above the last. */
  readonly #counts: Float64Array;
  #sum = 0;

  constructor({ name, help, registers }: Named, bounds: readonly number[]) {
    this.name = name;
    this.help = help;
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
    // Its type names prom-client's own four classes; what it asks of them is what this class has.
    for (const registry of registers) registry.registerMetric(this as unknown as Metric);
  }

  /** Seconds. Less than 0 counts as 0: `rate` takes a sum that falls for a restart. */
  observe(seconds: number): void {
    const bounds = this.#bounds;
    let at = 0;
    while (at < bounds.length && seconds > (bounds[at] ?? 0)) at += 1;
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    if (seconds > 0) this.#sum += seconds;
  }

  async get() {
    const { name, help, type } = this;
    let count = 0;
    const buckets = [...this.#bounds, "+Inf"].map((le, at) => {
      count += this.#counts[at] ?? 0;
      return { labels: { le }, value: count, metricName: `${name}_bucket` };
    });
    const sum = { labels: {}, value: this.#sum, metricName: `${name}_sum` };
    const total = { labels: {}, value: count, metricName: `${name}_count` };
    return { name, help, type, values: [...buckets, sum, total], aggregator: "sum" };
  }
}

/** A gauge that is not moved but asked: each reader adds its series when /metrics is read. Readers must be cheap. */
export class ReadGauge<Label extends string> {
  readonly #readers: (() => Iterable<readonly [Record<Label, string>, number]>)[] = [];

  constructor(named: Named, labelNames: Label[]) {
    const shown: Gauge<Label> = new Gauge({
      ...named,
      labelNames,
      collect: () => {
        shown.reset();
        for (const read of this.#readers)
          for (const [labels, value] of read()) shown.set(labels, value);
      },
    });
  }

  readFrom(read: () => Iterable<readonly [Record<Label, string>, number]>): void {
    this.#readers.push(read);
  }
}

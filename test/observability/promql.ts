import { parser } from "@prometheus-io/lezer-promql";

export type Query = {
  /** Where the grammar could not follow, as offsets. */
  readonly errors: readonly number[];
  /** Metric names, and the label names that are matched, grouped by or joined on. */
  readonly metrics: readonly string[];
  readonly labels: readonly string[];
  /** `name operator "value"` of each label matcher. */
  readonly matchers: readonly { readonly label: string; readonly value: string }[];
};

/** Reads an expression with Prometheus' own grammar (that of its web console). */
export function readQuery(expression: string): Query {
  const errors: number[] = [];
  const metrics: string[] = [];
  const labels: string[] = [];
  const matchers: { label: string; value: string }[] = [];
  parser.parse(expression).iterate({
    enter: ({ name, type, from, to, node }) => {
      const text = expression.slice(from, to);
      if (type.isError) errors.push(from);
      if (name === "VectorSelector") {
        const identifier = node.getChild("Identifier");
        if (identifier !== null) metrics.push(expression.slice(identifier.from, identifier.to));
      }
      if (name === "LabelName") labels.push(text);
      if (name === "UnquotedLabelMatcher") {
        const [label, value] = [node.getChild("LabelName"), node.getChild("StringLiteral")];
        if (label !== null && value !== null)
          matchers.push({
            label: expression.slice(label.from, label.to),
            value: expression.slice(value.from + 1, value.to - 1),
          });
      }
    },
  });
  return { errors, metrics, labels, matchers };
}

// What the gateway counts (`/metrics`, Prometheus' text format), and what two looks at it say about the time between them.

export interface Sample {
  at: number;
  /** By name: gauges, and sums of counters. */
  plain: Map<string, number>;
  /** By instance and tool. */
  tools: Map<string, ToolSample>;
}

interface ToolSample {
  instance: string;
  tool: string;
  calls: number;
  failures: number;
  outcomes: Map<string, number>;
  /** Calls that took no longer, by the bound in seconds. */
  buckets: Map<number, number>;
}

export interface ToolFigures {
  instance: string;
  tool: string;
  /** In a second. */
  rate: number;
  total: number;
  failed: number;
  /** Since it was begun, the most frequent first. */
  outcomes: [string, number][];
  p50: number | undefined;
  p95: number | undefined;
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

export function read(text: string, at: number): Sample {
  const sample: Sample = { at, plain: new Map(), tools: new Map() };
  for (const line of text.split("\n")) {
    const [, name, labels, value] = LINE.exec(line) ?? [];
    if (name === undefined || value === undefined) continue;
    const amount = Number(value);
    if (name !== "dynmcp_tool_calls_total" && name !== "dynmcp_tool_call_duration_seconds_bucket") {
      sample.plain.set(name, (sample.plain.get(name) ?? 0) + amount);
      continue;
    }
    const said = new Map([...(labels ?? "").matchAll(LABEL)].map(([, key = "", text = ""]) => [key, unescaped(text)]));
    const tool = toolOf(sample, said.get("mcp_instance") ?? "", said.get("tool") ?? "");
    if (name === "dynmcp_tool_calls_total") {
      const outcome = said.get("outcome") ?? "";
      tool.calls += amount;
      tool.outcomes.set(outcome, (tool.outcomes.get(outcome) ?? 0) + amount);
      if (outcome !== "ok") tool.failures += amount;
    } else {
      const bound = said.get("le") === "+Inf" ? Infinity : Number(said.get("le"));
      tool.buckets.set(bound, (tool.buckets.get(bound) ?? 0) + amount);
    }
  }
  return sample;
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/g, (_, character: string) => (character === "n" ? "\n" : character));
}

function toolOf(sample: Sample, instance: string, tool: string): ToolSample {
  const key = `${instance}\n${tool}`;
  const known = sample.tools.get(key);
  if (known !== undefined) return known;
  const made: ToolSample = { instance, tool, calls: 0, failures: 0, outcomes: new Map(), buckets: new Map() };
  sample.tools.set(key, made);
  return made;
}

/** A counter that is smaller than it was began anew. */
function since(now: number, before: number): number {
  return now >= before ? now - before : now;
}

/** What is looked back at. */
const MEMORY = 30_000;

/** One more; those that are too old to say what is now go. */
export function remembered(samples: Sample[], now: Sample): Sample[] {
  return [...samples.filter((one) => one.at <= now.at && now.at - one.at <= MEMORY), now];
}

export function rate(before: Sample, now: Sample, name: string): number {
  const seconds = (now.at - before.at) / 1000;
  return seconds <= 0 ? 0 : since(now.plain.get(name) ?? 0, before.plain.get(name) ?? 0) / seconds;
}

/** The busiest first. Times are of the calls between the two looks, or of all where there were none. */
export function tools(before: Sample, now: Sample): ToolFigures[] {
  const seconds = (now.at - before.at) / 1000;
  const figures = [...now.tools].map(([key, tool]): ToolFigures => {
    const known = before.tools.get(key);
    const fresh = since(tool.calls, known?.calls ?? 0);
    const buckets = fresh > 0 && seconds > 0 ? new Map([...tool.buckets].map(([bound, count]) => [bound, since(count, known?.buckets.get(bound) ?? 0)])) : tool.buckets;
    return {
      instance: tool.instance, tool: tool.tool,
      rate: seconds > 0 ? fresh / seconds : 0,
      total: tool.calls, failed: tool.failures,
      outcomes: [...tool.outcomes].filter(([outcome, count]) => outcome !== "ok" && count > 0).sort(([, one], [, other]) => other - one),
      p50: quantile(buckets, 0.5), p95: quantile(buckets, 0.95),
    };
  });
  return figures.sort((one, other) => other.rate - one.rate || other.total - one.total || one.tool.localeCompare(other.tool));
}

/** As Prometheus' histogram_quantile: in seconds. */
export function quantile(buckets: Map<number, number>, part: number): number | undefined {
  const sorted = [...buckets].sort(([one], [other]) => one - other);
  const all = sorted.at(-1)?.[1] ?? 0;
  if (all === 0) return undefined;
  let [lower, below] = [0, 0];
  for (const [bound, count] of sorted) {
    if (count >= part * all) return bound === Infinity ? lower : lower + (bound - lower) * (count === below ? 1 : (part * all - below) / (count - below));
    [lower, below] = [bound, count];
  }
  return lower;
}

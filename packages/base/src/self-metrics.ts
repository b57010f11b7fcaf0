// The process's metrics about itself, written out in the Prometheus text format at `/metrics`.
//
// Names and labels are fixed when a metric is made; a labelled metric keeps at most `seriesMax` combinations and counts
// the rest under `overflow`, so that no input can grow it without bound.

export interface Counter {
  add(amount?: number): void;
  value(): number;
}
export interface Gauge {
  set(value: number): void;
  value(): number;
}
export interface Histogram {
  observe(value: number): void;
}
export interface Labelled<M> {
  /** The metric for these label values, in the order of the label names. */
  with(...values: string[]): M;
}

/** Label values, in the order of the names, with their number. */
type ReadSeries = () => Iterable<readonly [values: readonly string[], value: number]>;

export interface MetricDescription {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labelNames: readonly string[];
}

interface Family extends MetricDescription {
  write(out: string[]): void;
}

// 512: one per (protocol, reason, tenant) in practice; above it something is unbounded.
const SERIES_MAX = 512;

/** Seconds: from a journal write to a slow query. */
export const LATENCY_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const;

export class SelfMetrics {
  readonly #families = new Map<string, Family>();

  counter(name: string, help: string): Counter {
    return this.counters(name, help, []).with();
  }

  counters(name: string, help: string, labelNames: readonly string[]): Labelled<Counter> {
    return this.#labelled<Counter & { held: number }>(name, help, 'counter', labelNames, () => {
      const counter = {
        held: 0,
        add(amount = 1) {
          counter.held += amount;
        },
        value: () => counter.held,
      };
      return counter;
    });
  }

  gauge(name: string, help: string): Gauge {
    return this.gauges(name, help, []).with();
  }

  gauges(name: string, help: string, labelNames: readonly string[]): Labelled<Gauge> {
    return this.#labelled<Gauge & { held: number }>(name, help, 'gauge', labelNames, () => {
      const gauge = {
        held: 0,
        set(value: number) {
          gauge.held = value;
        },
        value: () => gauge.held,
      };
      return gauge;
    });
  }

  /** A gauge that is asked when the page is read. */
  gaugeFrom(name: string, help: string, read: () => number): void {
    this.#add({
      name,
      help,
      type: 'gauge',
      labelNames: [],
      write(out) {
        out.push(`${name} ${formatValue(read())}`);
      },
    });
  }

  /** A counter that is kept elsewhere and asked when the page is read. */
  counterFrom(name: string, help: string, read: () => number): void {
    this.#add({
      name,
      help,
      type: 'counter',
      labelNames: [],
      write(out) {
        out.push(`${name} ${formatValue(read())}`);
      },
    });
  }

  /** Labelled gauges that are asked, all together, when the page is read. */
  gaugesFrom(name: string, help: string, labelNames: readonly string[], read: ReadSeries): void {
    this.#addRead(name, help, 'gauge', labelNames, read);
  }

  /** Labelled counters that are kept elsewhere. */
  countersFrom(name: string, help: string, labelNames: readonly string[], read: ReadSeries): void {
    this.#addRead(name, help, 'counter', labelNames, read);
  }

  #addRead(name: string, help: string, type: Family['type'], labelNames: readonly string[], read: ReadSeries): void {
    this.#add({
      name,
      help,
      type,
      labelNames,
      write(out) {
        let left = SERIES_MAX;
        for (const [values, value] of read()) {
          if (left-- <= 0) break;
          out.push(`${name}${formatLabels(labelNames, values)} ${formatValue(value)}`);
        }
      },
    });
  }

  histogram(name: string, help: string, buckets: readonly number[] = LATENCY_BUCKETS): Histogram {
    const counts = new Float64Array(buckets.length + 1);
    let sum = 0;
    this.#add({
      name,
      help,
      type: 'histogram',
      labelNames: [],
      write(out) {
        let cumulative = 0;
        for (let i = 0; i < buckets.length; i++) {
          cumulative += counts[i] as number;
          out.push(`${name}_bucket{le="${formatValue(buckets[i] as number)}"} ${cumulative}`);
        }
        cumulative += counts[buckets.length] as number;
        out.push(
          `${name}_bucket{le="+Inf"} ${cumulative}`,
          `${name}_sum ${formatValue(sum)}`,
          `${name}_count ${cumulative}`,
        );
      },
    });
    return {
      observe(value) {
        sum += value;
        let i = 0;
        while (i < buckets.length && value > (buckets[i] as number)) i++;
        counts[i] = (counts[i] as number) + 1;
      },
    };
  }

  /** Every metric there is, with or without series; by name. */
  describe(): readonly MetricDescription[] {
    return [...this.#families.values()]
      .map(({ name, help, type, labelNames }) => ({ name, help, type, labelNames }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** The whole page, Prometheus text format 0.0.4. */
  expose(): string {
    const out: string[] = [];
    for (const family of this.#families.values()) {
      out.push(`# HELP ${family.name} ${family.help}`, `# TYPE ${family.name} ${family.type}`);
      family.write(out);
    }
    return `${out.join('\n')}\n`;
  }

  #labelled<M extends { held: number }>(
    name: string,
    help: string,
    type: 'counter' | 'gauge',
    labelNames: readonly string[],
    make: () => M,
  ): Labelled<M> {
    const series = new Map<string, { values: readonly string[]; metric: M }>();
    this.#add({
      name,
      help,
      type,
      labelNames,
      write(out) {
        for (const { values, metric } of series.values()) {
          out.push(`${name}${formatLabels(labelNames, values)} ${formatValue(metric.held)}`);
        }
      },
    });
    return {
      with(...values) {
        let key = values.join('\u0000');
        let found = series.get(key);
        if (!found && series.size >= SERIES_MAX) {
          values = labelNames.map(() => 'overflow');
          key = values.join('\u0000');
          found = series.get(key);
        }
        if (!found) {
          found = { values, metric: make() };
          series.set(key, found);
        }
        return found.metric;
      },
    };
  }

  #add(family: Family): void {
    if (this.#families.has(family.name)) throw new Error(`metric ${family.name} is made twice`);
    this.#families.set(family.name, family);
  }
}

function formatLabels(names: readonly string[], values: readonly string[]): string {
  if (names.length === 0) return '';
  return `{${names.map((name, i) => `${name}="${escapeValue(values[i] ?? '')}"`).join(',')}}`;
}

function escapeValue(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}

function formatValue(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  if (value === Number.NEGATIVE_INFINITY) return '-Inf';
  return String(value);
}

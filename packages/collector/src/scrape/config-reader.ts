// Reads plain data that somebody else parsed (YAML, JSON), complaining about everything that is wrong rather than only the
// first thing. A reader knows where it stands, so every complaint has a path; whoever has the source turns it into a line.

export type ConfigPath = readonly (string | number)[];

export interface ConfigProblem {
  readonly path: ConfigPath;
  readonly message: string;
}

export class ConfigReader {
  readonly value: unknown;
  readonly path: ConfigPath;
  readonly problems: ConfigProblem[];
  /** Where what is not supported stands, if that is to be left out; otherwise it is a problem. Shared by all readers. */
  readonly leftOut: ConfigPath[] | undefined;

  constructor(value: unknown, path: ConfigPath, problems: ConfigProblem[], leftOut?: ConfigPath[]) {
    this.value = value;
    this.path = path;
    this.problems = problems;
    this.leftOut = leftOut;
  }

  complain(message: string): void {
    this.problems.push({ path: this.path, message });
  }

  /** Undefined when the key is absent or null, as YAML writes "nothing here". */
  at(key: string): ConfigReader | undefined {
    if (!isRecord(this.value) || !Object.hasOwn(this.value, key)) return undefined;
    const value = this.value[key];
    return value === undefined || value === null
      ? undefined
      : new ConfigReader(value, [...this.path, key], this.problems, this.leftOut);
  }

  /** The entries of a mapping; complains when it is none. */
  entries(): readonly (readonly [key: string, value: ConfigReader])[] {
    if (!isRecord(this.value)) {
      this.complain('must be a mapping of names to values');
      return [];
    }
    return Object.entries(this.value).map(([key, value]) => [
      key,
      new ConfigReader(value, [...this.path, key], this.problems, this.leftOut),
    ]);
  }

  items(): readonly ConfigReader[] {
    if (!Array.isArray(this.value)) {
      this.complain('must be a list');
      return [];
    }
    return this.value.map(
      (value: unknown, i) => new ConfigReader(value, [...this.path, i], this.problems, this.leftOut),
    );
  }

  /** Text, or a number or boolean as it is written. */
  text(): string {
    const { value } = this;
    if (typeof value === 'string') return value;
    if (typeof value === 'number' || typeof value === 'boolean') return String(value);
    this.complain('must be text');
    return '';
  }

  texts(): readonly string[] {
    return this.items().map((item) => item.text());
  }

  boolean(): boolean {
    if (typeof this.value === 'boolean') return this.value;
    this.complain('must be true or false');
    return false;
  }

  /** A whole number, 0 or more. */
  count(): number {
    if (Number.isSafeInteger(this.value) && (this.value as number) >= 0) return this.value as number;
    this.complain('must be a whole number, 0 or more');
    return 0;
  }

  /** Complains about every key that is not known: `unsupported` ones are Prometheus', the rest are mistakes. */
  onlyKeys(known: readonly string[], unsupported: readonly string[]): void {
    for (const [key, reader] of this.entries()) {
      if (known.includes(key)) continue;
      if (unsupported.includes(key) && this.leftOut) this.leftOut.push(reader.path);
      else if (unsupported.includes(key)) reader.complain(`${key} is not supported yet; take it out`);
      else reader.complain(`${JSON.stringify(key)} is not known here; known are ${known.join(', ')}`);
    }
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

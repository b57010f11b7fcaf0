import { type Clock, type Logger, messageOf, systemCode } from '@tidemark/base';
import { type ConfigProblem, ConfigReader } from '../scrape/config-reader.ts';
import type { DiscoveryFiles } from './discovery-files.ts';
import type { Discovery, TargetGroup } from './group.ts';
import { readGroups } from './static.ts';

// Targets in files that others write.
//
//   pattern  /etc/targets/*.json --list the folder--> files --parse, check--> groups, each with __meta_filepath
//              ^ a change in the folder, or refresh_interval
//
// A file that is broken keeps the groups it had when it was last good, and says so; a file that is gone takes its groups along.

export interface FileDiscoveryOptions {
  /** Last part may hold one `*`. Relative to the process, as Node reads paths. */
  readonly patterns: readonly string[];
  readonly refreshIntervalMs: number;
  /** Throws on bad YAML. */
  readonly parseYaml: (text: string) => unknown;
  readonly files: DiscoveryFiles;
  readonly clock: Clock;
  readonly logger: Logger;
}

// Editors write a file in several steps; one reading after the last of them is enough.
const SETTLE_MS = 100;
// What a person or a program may write; beyond it is another kind of file.
const FILE_CHARS_MAX = 32 * 1024 * 1024;
const FILES_MAX = 10_000;

export function fileDiscovery(options: FileDiscoveryOptions): Discovery {
  return new FileDiscovery(options);
}

class FileDiscovery implements Discovery {
  readonly #options: FileDiscoveryOptions;
  readonly #good = new Map<string, { readonly text: string; readonly groups: readonly TargetGroup[] }>();
  readonly #problems = new Map<string, string>();
  readonly #stops: (() => void)[] = [];
  #onGroups: () => void = () => undefined;
  #cancelSettle: (() => void) | undefined;
  #reading: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: FileDiscoveryOptions) {
    this.#options = options;
  }

  async start(onGroups: () => void): Promise<void> {
    await this.#read();
    this.#onGroups = onGroups;
    if (this.#isClosed) return;
    for (const folder of new Set(this.#options.patterns.map(folderOf))) {
      this.#stops.push(this.#options.files.watch(folder, () => this.#soon()));
    }
    this.#later();
  }

  groups(): readonly TargetGroup[] {
    return [...this.#good.values()].flatMap((file) => file.groups);
  }

  problems(): readonly string[] {
    return [...this.#problems.values()];
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelSettle?.();
    for (const stop of this.#stops) stop();
    this.#stops.length = 0;
  }

  #later(): void {
    const cancel = this.#options.clock.after(this.#options.refreshIntervalMs, () => {
      this.#stops.splice(this.#stops.indexOf(cancel), 1);
      this.#again();
      this.#later();
    });
    this.#stops.push(cancel);
  }

  #soon(): void {
    this.#cancelSettle?.();
    this.#cancelSettle = this.#options.clock.after(SETTLE_MS, () => this.#again());
  }

  /** One reading at a time: what comes during one is read after it. */
  #again(): void {
    const before = this.#reading ?? Promise.resolve();
    const reading = before.then(async () => {
      if (this.#isClosed) return;
      const isNew = await this.#read();
      if (isNew && !this.#isClosed) this.#onGroups();
    });
    this.#reading = reading.catch((error: unknown) => {
      this.#options.logger.error('reading target files failed', { reason: messageOf(error) });
    });
  }

  /** Whether anything is different now. */
  async #read(): Promise<boolean> {
    let isNew = false;
    const present = new Set<string>();
    for (const pattern of this.#options.patterns) {
      try {
        for (const path of await this.#pathsOf(pattern)) present.add(path);
        this.#problems.delete(pattern);
      } catch (error) {
        // The folder cannot be read: that says nothing about the files in it.
        for (const path of this.#good.keys()) if (folderOf(path) === folderOf(pattern)) present.add(path);
        this.#problem(pattern, `cannot list ${pattern}: ${messageOf(error)}`);
      }
    }
    for (const path of [...this.#good.keys(), ...this.#problems.keys()]) {
      if (present.has(path) || this.#options.patterns.includes(path)) continue;
      isNew = this.#good.delete(path) || isNew;
      this.#problems.delete(path);
    }
    for (const path of present) isNew = (await this.#readFile(path)) || isNew;
    return isNew;
  }

  async #pathsOf(pattern: string): Promise<readonly string[]> {
    if (!pattern.includes('*')) return [pattern];
    const folder = folderOf(pattern);
    const name = pattern.slice(pattern.lastIndexOf('/') + 1);
    const [head = '', tail = ''] = name.split('*');
    const found = (await this.#options.files.list(folder)).filter(
      (each) => each.length >= head.length + tail.length && each.startsWith(head) && each.endsWith(tail),
    );
    if (found.length > FILES_MAX) throw new Error(`there are ${found.length} files, more than ${FILES_MAX}`);
    return found.sort().map((each) => (pattern.includes('/') ? `${folder === '/' ? '' : folder}/${each}` : each));
  }

  async #readFile(path: string): Promise<boolean> {
    const before = this.#good.get(path);
    try {
      const text = await this.#options.files.read(path);
      if (text === before?.text) {
        this.#problems.delete(path);
        return false;
      }
      this.#good.set(path, { text, groups: this.#parse(path, text) });
      this.#problems.delete(path);
      return true;
    } catch (error) {
      if (systemCode(error) === 'ENOENT') {
        this.#problem(path, `${path} is not there`);
        return this.#good.delete(path);
      }
      this.#problem(path, `${path}: ${messageOf(error)}${before ? '; its last good targets stay' : ''}`);
      return false;
    }
  }

  #parse(path: string, text: string): readonly TargetGroup[] {
    if (text.length > FILE_CHARS_MAX) throw new Error(`is larger than ${FILE_CHARS_MAX} characters`);
    const plain: unknown = /\.json$/i.test(path) ? JSON.parse(text) : this.#options.parseYaml(text);
    const problems: ConfigProblem[] = [];
    const groups = readGroups(new ConfigReader(plain ?? [], [], problems), path);
    const first = problems[0];
    if (first) throw new Error(`${first.path.join('.')}: ${first.message}`);
    return groups.map((group) => ({ ...group, labels: new Map([...group.labels, ['__meta_filepath', path]]) }));
  }

  /** Said once each time it is another problem. */
  #problem(key: string, message: string): void {
    if (this.#problems.get(key) !== message) this.#options.logger.warn('a target file cannot be used', { message });
    this.#problems.set(key, message);
  }
}

function folderOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '.' : slash === 0 ? '/' : path.slice(0, slash);
}

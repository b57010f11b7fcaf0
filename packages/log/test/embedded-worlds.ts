import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeDisk, SimClock, seededRandom, silentLogger } from '@tidemark/base';
import { SimDisk } from '@tidemark/base/sim';
import type { LimitsUnderTest, LogWorld } from '../src/conformance/supports.ts';
import type { EmbeddedLog } from '../src/embedded/embedded-log.ts';
import { openEmbeddedLog } from '../src/embedded/open.ts';
import type { EmbeddedLogOptions } from '../src/embedded/options.ts';

// Small files, so that retention has something to do.
export const SMALL: Partial<EmbeddedLogOptions> = { fileBytesMax: 2048, tailBytesMax: 2000, readAheadBytes: 1024 };

abstract class EmbeddedWorld implements LogWorld {
  readonly clock = new SimClock(1_700_000_000_000);
  protected log: EmbeddedLog | undefined;

  abstract open(limits?: LimitsUnderTest): Promise<EmbeddedLog>;
  abstract crash(): Promise<void>;

  async retain(): Promise<void> {
    await this.log?.retain();
  }

  advance(ms: number): Promise<void> {
    return this.clock.advance(ms);
  }

  nowMs(): number {
    return this.clock.nowMs();
  }

  silence(): void {
    throw new Error('members die with the process');
  }

  async end(): Promise<void> {
    await this.log?.close();
  }
}

/** On a simulated disk; a crash is a power loss that tears whatever was not synced. */
export class SimDiskWorld extends EmbeddedWorld {
  disk = new SimDisk();
  #seed = 1;
  readonly #options: Partial<EmbeddedLogOptions>;

  constructor(options: Partial<EmbeddedLogOptions> = SMALL) {
    super();
    this.#options = options;
  }

  async open(limits: LimitsUnderTest = {}): Promise<EmbeddedLog> {
    this.log = await openEmbeddedLog({
      disk: this.disk,
      clock: this.clock,
      logger: silentLogger,
      random: seededRandom(this.#seed++),
      options: { ...this.#options, ...limits },
    });
    return this.log;
  }

  async crash(): Promise<void> {
    this.disk = this.disk.crash({ seed: this.#seed++, keep: 'torn' });
    this.log = undefined;
  }
}

/** On a real folder; a crash goes on with a copy of it, as a killed process leaves it. */
export class FolderWorld extends EmbeddedWorld {
  readonly #root: string;
  #copies = 0;
  readonly #dead: EmbeddedLog[] = [];

  private constructor(root: string) {
    super();
    this.#root = root;
  }

  static async make(): Promise<FolderWorld> {
    return new FolderWorld(await mkdtemp(join(tmpdir(), 'tidemark-log-')));
  }

  get folder(): string {
    return join(this.#root, String(this.#copies));
  }

  async open(limits: LimitsUnderTest = {}): Promise<EmbeddedLog> {
    this.log = await openEmbeddedLog({
      disk: nodeDisk(this.folder),
      clock: this.clock,
      logger: silentLogger,
      options: { ...SMALL, ...limits },
    });
    return this.log;
  }

  async crash(): Promise<void> {
    const dead = this.folder;
    this.#copies++;
    await cp(dead, this.folder, { recursive: true });
    // The dead process's handles; its folder is nobody's any more.
    if (this.log) {
      await this.log.close();
      this.#dead.push(this.log);
    }
    this.log = undefined;
  }

  override async end(): Promise<void> {
    await super.end();
    await rm(this.#root, { recursive: true, force: true });
  }
}

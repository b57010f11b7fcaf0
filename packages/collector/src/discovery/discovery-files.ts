import { watch } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';

// The small port through which target files are read: the machine, or a test's own.

export interface DiscoveryFiles {
  read(path: string): Promise<string>;
  /** Names in a folder. */
  list(folder: string): Promise<readonly string[]>;
  /** Calls `onChange` soon after something changes there, if this system can tell. Returns the way to stop. */
  watch(folder: string, onChange: () => void): () => void;
}

export function nodeDiscoveryFiles(): DiscoveryFiles {
  return {
    read: (path) => readFile(path, 'utf8'),
    list: (folder) => readdir(folder),
    watch(folder, onChange) {
      try {
        const watcher = watch(folder, { persistent: false }, onChange);
        // The folder went away, or the system has no more watches: the refresh interval goes on finding changes.
        watcher.on('error', () => watcher.close());
        return () => watcher.close();
      } catch {
        return () => undefined; // as above
      }
    },
  };
}

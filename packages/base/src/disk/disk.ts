// The disk port: just what a store needs, and nothing whose durability is unclear.
//
// Durability, the only promises anyone may rely on after a crash:
//   file.sync()          the bytes written to this file so far, and its length
//   disk.syncFolder(p)   the names in the folder: files created, renamed into it, removed from it
//   writeAtomic          old content or new content, whole; durable when it resolves
// What was written without a sync may be there, be gone, or be torn at any byte.

/**
 * Paths are relative to the disk's root, parts joined by `/`; `..` is refused (`DISK_PATH`).
 * Throws `DISK_NOT_FOUND`, `DISK_FULL`, `DISK_CLOSED` (a file used after its close), `DISK_IO` for everything else.
 */
export interface Disk {
  /** Opens for reading and appending, creating it (and its folders) if `create`. Throws `DISK_NOT_FOUND`. */
  open(path: string, options?: { readonly create?: boolean }): Promise<DiskFile>;
  /** Whole content, a Uint8Array and not a Buffer. Throws `DISK_NOT_FOUND`. */
  read(path: string): Promise<Uint8Array>;
  /** Replaces the content: temporary file, sync, rename, sync of the folder. */
  writeAtomic(path: string, bytes: Uint8Array): Promise<void>;
  /** Creates the file with this content, whole and durable, unless the name is taken: then false and nothing changed. */
  createExclusive(path: string, bytes: Uint8Array): Promise<boolean>;
  /** Replaces `to` if it is there. Open files go on under their new name. Throws `DISK_NOT_FOUND`. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file. Absent is fine. */
  remove(path: string): Promise<void>;
  /** Removes a folder and all in it. Absent is fine. */
  removeFolder(path: string): Promise<void>;
  makeFolder(path: string): Promise<void>;
  /** Names (not paths) in a folder, sorted; empty when the folder is absent. Folders end with `/`. */
  list(path: string): Promise<string[]>;
  exists(path: string): Promise<boolean>;
  size(path: string): Promise<number>;
  syncFolder(path: string): Promise<void>;
  /** Where the root is, for messages and for native stores that do their own I/O. Undefined when there is no such place. */
  readonly nativePath: ((path: string) => string) | undefined;
}

export interface DiskFile {
  /** Length in bytes, unsynced appends included. */
  readonly size: number;
  /** Appends all the pieces one after another. Throws `DISK_FULL`, `DISK_IO`; then any prefix may be there, and `size` counts it. */
  append(pieces: readonly Uint8Array[]): Promise<void>;
  /** Fills `into` from `position`; returns the number of bytes read, short only at the end of the file. */
  readAt(position: number, into: Uint8Array): Promise<number>;
  /** Shortens to `size` bytes, at most the present size. */
  truncate(size: number): Promise<void>;
  /** After a failed sync the file refuses appends and syncs until it is cut back to what was synced, or opened anew. */
  sync(): Promise<void>;
  /** Twice is fine. */
  close(): Promise<void>;
}

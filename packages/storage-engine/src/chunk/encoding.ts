// The numbers of encodings, as they stand in the first byte of every column on disk. Never renumbered, never reused.

export const TIMES_STEP = 1;
export const TIMES_DELTA = 2;
export const TIMES_SHARED = 3;

export const VALUES_CONSTANT = 1;
export const VALUES_DECIMAL = 2;
export const VALUES_DECIMAL_DELTA = 3;
export const VALUES_XOR = 4;
export const VALUES_PLAIN = 5;
export const VALUES_CONSTANT_DECIMAL = 6;
export const VALUES_COPY = 7;
export const VALUES_NEAR = 8;
export const VALUES_HISTOGRAMS = 9;

/** In place of a count: entries in brief, in streams of the head alone. */
export const BRIEF = 0;

// 1,024 samples: a bound for readers' buffers. Writers stay well below it: a chunk is the least that a read decodes.
export const CHUNK_SAMPLES_MAX = 1024;

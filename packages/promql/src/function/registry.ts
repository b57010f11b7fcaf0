import { CONVERSION_FUNCTIONS } from './conversion.ts';
import type { FunctionDefinition } from './definition.ts';
import { HISTOGRAM_FUNCTIONS } from './histogram.ts';
import { LABEL_FUNCTIONS } from './label.ts';
import { MATH_FUNCTIONS } from './math.ts';
import { OVER_TIME_FUNCTIONS } from './over-time.ts';
import { PREDICT_FUNCTIONS } from './predict.ts';
import { RATE_FUNCTIONS } from './rate.ts';
import { SORT_FUNCTIONS } from './sort.ts';
import { TIME_FUNCTIONS } from './time.ts';

// Every function by its name. `absent`, `absent_over_time` and `timestamp` are not here: they look at the selector itself, not
// only at what it evaluates to, and live in engine/call.ts. A name with a signature but without a definition is not
// supported yet.

export const FUNCTIONS: ReadonlyMap<string, FunctionDefinition> = new Map(
  Object.entries({
    ...CONVERSION_FUNCTIONS,
    ...HISTOGRAM_FUNCTIONS,
    ...LABEL_FUNCTIONS,
    ...MATH_FUNCTIONS,
    ...OVER_TIME_FUNCTIONS,
    ...PREDICT_FUNCTIONS,
    ...RATE_FUNCTIONS,
    ...SORT_FUNCTIONS,
    ...TIME_FUNCTIONS,
  }),
);

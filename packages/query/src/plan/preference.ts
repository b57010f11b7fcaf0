import type { Tier } from './tier.ts';

// What a question says about tiers: nothing, the coarsest rows that may be used (as Thanos' clients ask), or one tier for all
// that is old enough to have it.

export type Preference =
  | { readonly kind: 'auto'; readonly coarsestMs: number }
  | { readonly kind: 'tier'; readonly tier: Tier };

export const AUTO: Preference = { kind: 'auto', coarsestMs: Number.POSITIVE_INFINITY };

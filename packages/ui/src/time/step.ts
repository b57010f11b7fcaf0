// How far apart the points of a graph are. A graph is some 300 to 1,000 pixels wide; more than one point a pixel costs the
// server and shows nothing. So: the smallest round step that needs at most `pointsMax` points.

/** 400 points fill a card of the overview and leave two pixels each on a wide graph. */
export const pointsMax = 400;

/** Prometheus refuses more points a series than this; so does this page, before asking. */
export const pointsLimit = 11_000;

const roundSteps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400];

/** Host metrics are scraped every 5 s; a finer step would only repeat values. */
export const stepSecondsMin = 5;

export function chooseStep(spanSeconds: number): number {
  const wanted = Math.max(spanSeconds / pointsMax, stepSecondsMin);
  return roundSteps.find((step) => step >= wanted) ?? Math.ceil(wanted / 86_400) * 86_400;
}

/** The window of `rate`: at least 30 s (six scrapes), and four steps so that neighbouring points overlap. */
export function rateWindowSeconds(stepSeconds: number): number {
  return Math.max(30, 4 * stepSeconds);
}

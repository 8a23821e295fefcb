// The rates that can be asked for: powers of ten that the calibration supports.

import { oneIn, percent, similarity } from "../words.js";

const OFFERED = [0.01, 0.001, 0.0001, 0.00001, 0.000001, 0.0000001];
const UNKNOWN = 0.0001; // the smallest that is offered where the calibration may not be seen
const LAXER = [0.1, 0.01, 0.001, 0.0001];
const SEARCHED = [0.1, 0.03, 0.01, 0.003, 0.001];

/** Return the false-match rates as options. */
export function fmrChoices(calibration) {
  const smallest = calibration.rungs.length ? Math.min(...calibration.rungs.map((rung) => rung.fmr)) : UNKNOWN;
  return OFFERED.filter((rate) => rate >= smallest * (1 - 1e-9)).map((rate) => [
    String(Number(rate.toPrecision(3))),
    rateWords(rate, calibration),
  ]);
}

/** Return the laxer rates at which the open range may begin, with "none" first. */
export function laxerChoices(calibration, fmr) {
  const laxer = LAXER.filter((rate) => rate > fmr * 1.5 && rate <= (calibration.rungs[0]?.fmr ?? 1) * (1 + 1e-9));
  return [["", "No open range"], ...laxer.map((rate) => [String(rate), `From FMR ${percent(rate)} (${oneIn(rate)})`])];
}

/** Return the false-positive identification rates of a search as options. */
export function fpirChoices() {
  return SEARCHED.map((rate) => [String(rate), `${oneIn(rate)} strangers (FPIR ${percent(rate)})`]);
}

function rateWords(rate, calibration) {
  const rung = calibration.rungs.find((one) => Math.abs(one.fmr - rate) < rate * 1e-6);
  return `${oneIn(rate)} (${percent(rate)})${rung ? `, similarity ${similarity(rung.similarity)}` : ""}`;
}
